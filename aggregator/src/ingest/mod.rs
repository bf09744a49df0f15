//! From bytes that anyone may have sent to a stored report: authenticate → bound → decode → commit
//! → acknowledge. Whether a report is new is decided in the commit, with the data.
//!
//! Nothing is looked into before its signature was verified, nothing is allocated before its size
//! was checked, and nothing waits without bound: what cannot be taken on now is refused with the
//! time after which to try again, and the agent keeps it.

mod admit;
mod commit;
mod registrations;

pub use admit::{Admission, MAX_FUTURE, Refusal};
pub use commit::{CommitError, CommitQueue, Committer, StoreState, queue};
pub use registrations::Registrations;

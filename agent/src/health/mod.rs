//! Knowing when the agent itself is the problem.
//!
//! A machine that is starved of CPU, descriptors or memory measures itself, and one without a
//! network finds every site unreachable. Such attempts lower coverage and never count against a
//! site: [`SelfChecks`] finds the machine's troubles, whose attempts are marked; [`Anchors`] and
//! [`Faults`] find out which failures were the agent's own, and those change their attribution.

mod anchor;
mod anchors;
mod faults;
mod machine;

pub use anchor::{ANCHOR_INTERVAL, ANCHOR_TIMEOUT, Anchor, AnchorError};
pub use anchors::{Anchors, Observation};
pub use faults::Faults;
pub use machine::{CpuTicks, Memory, SelfCheck, SelfChecks, descriptors};

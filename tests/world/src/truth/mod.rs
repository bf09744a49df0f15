//! The truth log: what the router did with every packet, and when.
//!
//! Measurements are held against it. A record's `arrival` is the kernel's own stamp of the moment
//! the packet left its sender, `sent` the kernel's stamp of the moment it was handed to its receiver's
//! link. The difference of the two is what the path really did, however late the router was.

mod log;
mod query;
mod record;

pub use log::{TruthLog, TruthWriter};
pub use query::{Exchange, Flow, Truth};
pub use record::{PacketKey, PacketRecord, TcpFlags, Verdict};

//! The system calls that have no safe wrapper: packet sockets, link offloads, the scheduler, and
//! work between `fork` and `exec`.
//!
//! This is the only module of the crate that may contain `unsafe`. Every block passes the kernel
//! pointers to values that live on the caller's stack for the duration of the call, with lengths
//! taken from those values; nothing the kernel keeps outlives a call.

#![expect(unsafe_code, reason = "system calls without a safe wrapper; argued at each block")]

mod ethtool;
mod packet;
mod process;
mod scheduler;

pub use ethtool::disable_offloads;
pub use packet::PacketSocket;
pub use process::{start_in_namespace, start_in_user_namespace};
pub use scheduler::{SchedulingClass, go_real_time};

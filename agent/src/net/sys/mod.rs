//! The system calls that have no safe wrapper.
//!
//! The only module of the crate that may contain `unsafe`. Where a block passes pointers to
//! the kernel, they are to values on the caller's stack, with their lengths; it keeps none of them.

#![expect(unsafe_code, reason = "system calls without a safe wrapper; argued at each block")]

mod allocator;
mod clock_state;
mod options;
mod received;
mod tcp_info;
mod wall_clock;
mod watch;

pub use allocator::keep_little_memory;
pub use clock_state::{ClockState, clock_state};
pub use options::{receive_details, report_icmp_errors, set_option, stamp_packets};
pub use received::{Queue, receive};
pub use tcp_info::tcp_info;
pub use wall_clock::WallTime;
pub use watch::{PACKETS_AND_ERRORS, Timer, watch, watch_timer};

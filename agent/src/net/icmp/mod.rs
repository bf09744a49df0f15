//! ICMP echoes, timed by the kernel.
//!
//! A socket of its own for every echo: the kernel (or, for raw sockets, a filter in the kernel)
//! then sees to it that it receives its own answers only. What it does receive must still match
//! in identifier, sequence number and payload.

mod exchange;
mod message;
mod rejection;
mod round_trip;
mod socket;

pub use exchange::{Reply, Request, echo};
pub use message::{Echo, behind_ipv4_header};
pub use rejection::Rejection;
pub use socket::{AccessError, SocketKind, StampingOn, access};

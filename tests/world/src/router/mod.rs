//! The router: one plain thread that takes every packet of every host, decides its fate, holds it
//! for its path's delay and hands it on.
//!
//! The assumption most likely to break is that the thread runs when it wants to. On a busy machine
//! without `SCHED_FIFO` it may be late; [`RouterReport::lateness`] says by how much, and the truth
//! log holds what really happened to each packet.

mod admission;
mod agenda;
mod forge;
mod interference;
mod narrow_link;
mod packet;
mod path;
mod server_name;
mod thread;

use std::net::IpAddr;
use std::time::Duration;

use vantage_wire::histogram::LatencyHistogram;

use crate::sys::SchedulingClass;

pub use admission::Admission;
pub use packet::Packet;
pub use thread::{RouterHandle, RouterSetup, start};

/// A host as the router knows it.
#[derive(Debug, Clone)]
pub struct HostPort {
    /// Index of the router's end of its link.
    pub link: u32,
    /// Its addresses.
    pub addresses: [IpAddr; 2],
}

/// How the router has done so far.
#[derive(Debug, Clone)]
pub struct RouterReport {
    /// How much later than due packets were handed over, in µs.
    pub lateness: LatencyHistogram,
    /// CPU time its thread has used.
    pub cpu: Duration,
    /// How the kernel schedules its thread.
    pub scheduling: SchedulingClass,
    /// Frames that came faster than it could take them; they are in no log.
    pub frames_missed: u64,
}

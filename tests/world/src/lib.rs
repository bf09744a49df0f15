//! An emulated wide-area network for tests and the demo: real hosts, real sockets, real packets,
//! and a log that holds the truth about every one of them.
//!
//! Each host of a [`World`] is a network namespace; one router thread holds every packet for its
//! path's delay, loses some, and may interfere. Programs run in a host unchanged, by
//! [`Host::command`], or as threads of the test itself, by [`Host::run`]. The [`truth::Truth`]
//! tells when each packet really left and really arrived, so that a measurement is held against
//! packets and not against the delay somebody asked for.
//!
//! It needs `CAP_SYS_ADMIN`, `CAP_NET_ADMIN` and `CAP_NET_RAW`: root, or a user namespace of its own, which
//! [`privilege::acquire`] provides where the system lets it. It does not emulate what lies above
//! IP (there is no NAT and no proxy), MTUs other than 1500, or several paths between two hosts.

pub mod calibration;
pub mod capture;
pub mod clock;
pub mod config;
mod error;
mod host;
mod network;
pub mod privilege;
mod router;
pub mod season;
pub mod services;
mod sys;
pub mod truth;
mod world;

pub use capture::Capture;
pub use config::WorldConfig;
pub use error::WorldError;
pub use host::Host;
pub use router::RouterReport;
pub use sys::SchedulingClass;
pub use world::World;

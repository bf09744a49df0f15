//! The Vantage agent: probes targets from one vantage point, true to the packet.
//!
//! Data flows one way: a schedule says when an attempt is due, a [`probe`] carries it out, a
//! record keeps what came of it. What a probe needs from the machine is passed in as
//! [`Surroundings`], so that tests can put another network under it.

pub mod alarm;
pub mod assignment;
pub mod attempt;
pub mod cli;
pub mod clock;
pub mod config;
pub mod guard;
pub mod health;
pub mod identity;
pub mod metrics;
pub mod net;
pub mod probe;
pub mod rate;
pub mod record;
pub mod run;
pub mod runner;
pub mod schedule;
pub mod ship;
pub mod spec;
pub mod spool;
mod stalls;

pub use attempt::{Attempt, Facts, PhaseTimes};
pub use guard::Guard;
pub use probe::Surroundings;
pub use spec::ProbeSpec;

//! Vocabulary, histogram codec and report format shared by the Vantage agent and aggregator.
//!
//! Vantage measures, from small machines in a company's markets, how well users there are served
//! by the places where it might host. This crate is what both sides of the measurement agree on:
//!
//! - [`id`]: names of markets, vantage points, sites, targets, probes, services, migrations;
//! - [`units`]: spans and points of time, never mixed;
//! - [`window`]: the intervals, aligned to the UTC clock, into which time is cut;
//! - [`phase`] and [`failure`]: the parts of an attempt, and the closed set of reasons to fail;
//! - [`histogram`]: latencies, counted in a form that merges without loss;
//! - [`report`]: what agents send, as bytes; every field is described in `wire/FORMAT.md`;
//! - [`address`]: which addresses agents refuse to probe;
//! - [`exchange`]: the rest of what the two say to each other: enrolment, assignment, time.
//!
//! Nothing here does input or output, reads a clock or draws a random number.

pub mod address;
mod closed_set;
pub mod exchange;
pub mod failure;
pub mod histogram;
pub mod id;
pub mod phase;
pub mod report;
pub mod text;
pub mod units;
pub mod window;

pub use closed_set::UnknownName;
pub use failure::{Attribution, Failure, FailureCode};
pub use histogram::{HistogramMerger, LatencyHistogram};
pub use id::{
    BootId, IdError, MarketId, MigrationId, ProbeId, Sequence, ServiceId, SiteId, TargetId,
    VantageId,
};
pub use phase::Phase;
pub use units::{Micros, SpanTooLong, UtcMicros};
pub use window::{Window, WindowError, WindowLength};

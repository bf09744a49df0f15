//! The demo: the whole product for real, on the case that it was conceived on.
//!
//! Real agents probe through an emulated network and report to a real aggregator while services
//! move; then weeks around the move are simulated, taken in as reports are, and the questions of a
//! planner are put to the aggregator's public interface.

#![expect(clippy::format_push_string, reason = "text for people: a few short lines a second")]

pub mod acts;
mod board;
pub mod scenario;
pub mod screen;
pub mod stage;
mod truth;

pub use truth::TruthCheck;

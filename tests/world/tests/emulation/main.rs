//! The emulated world does what its file says, to real programs with real packets.
//!
//! These tests need root, or a user namespace of their own (`tests/run` sees to it).

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod capture;
mod clients;
mod command;
mod documentation;
mod interference;
mod live_change;
mod loss;
mod measured_against_truth;

//! Holds the report format to `wire/FORMAT.md`, to the frozen messages in `wire/testdata/v1`, and
//! to its promise that no bytes do harm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arbitrary;
mod frozen;
mod hostile;
mod merge;
mod newer;
mod raw;
mod round_trip;
mod samples;
mod schema;
mod size;
mod windows;

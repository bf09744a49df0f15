//! The demo end to end: the three worlds, what it says of them, and that it leaves nothing behind.
//!
//! These tests need root, or a user namespace of their own (`tests/run` sees to it).

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod blocked;
mod ending;
mod nothing_changed;
mod results;
mod run;
mod xiaomi;

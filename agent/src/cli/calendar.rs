//! The date, for people: how long a certificate is still valid, when a file was begun. Nothing is
//! measured by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since the Unix epoch by the wall clock, which may step; zero where it is set before
/// that.
#[expect(clippy::disallowed_methods, reason = "the program's one reading of the wall clock")]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

//! The one place where a bench reads the clock.

use std::time::{Duration, Instant};

/// How long `work` took on the monotonic clock.
pub(crate) fn time(work: impl FnOnce()) -> Duration {
    #[expect(clippy::disallowed_methods, reason = "this module is the home of the bench's clock")]
    let start = Instant::now();
    work();
    start.elapsed()
}

//! The wall clock, passed in wherever a moment is to be stamped.

use std::time::{SystemTime, UNIX_EPOCH};

use vantage_wire::UtcMicros;

/// Says what time it is. It may step: never subtract two readings to get a span.
pub trait WallClock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UtcMicros;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the system clock")]
    fn now(&self) -> UtcMicros {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UtcMicros::new(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }
}

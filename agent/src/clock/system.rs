//! The machine's clock.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use vantage_wire::UtcMicros;

use super::Reading;

/// Tells UTC. It may step; two readings are never subtracted to get a span.
pub trait WallClock: Send + Sync + 'static {
    /// The time now.
    fn now(&self) -> UtcMicros;

    /// The time now, by this clock and by the monotonic one.
    fn read(&self) -> Reading {
        Reading { monotonic: Instant::now(), utc: self.now() }
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl WallClock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the home of the system clock")]
    fn now(&self) -> UtcMicros {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
        };
        UtcMicros::new(micros)
    }
}

//! Where a moment of the monotonic clock lies in UTC: for windows, and for nothing else.
//!
//! What is measured is the difference of two moments of the monotonic clock, which never steps.
//! UTC only decides to which window an attempt belongs. It comes from pairs of readings, taken by
//! whoever runs the agent; a wall clock that steps moves the windows of later attempts and changes
//! no figure in them.

use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::UtcMicros;

/// Places moments in UTC by the latest pair of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowClock {
    monotonic: Instant,
    utc: UtcMicros,
}

impl WindowClock {
    /// A clock that was read at the same moment as the monotonic one.
    pub const fn new(monotonic: Instant, utc: UtcMicros) -> Self {
        Self { monotonic, utc }
    }

    /// Takes over another pair of readings: later moments are placed by it, and earlier ones that
    /// are asked for again, too.
    pub fn set(&mut self, monotonic: Instant, utc: UtcMicros) {
        *self = Self::new(monotonic, utc);
    }

    /// Where a moment lies, cut to whole microseconds.
    pub fn place(&self, moment: Instant) -> UtcMicros {
        let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        let after = micros(moment.saturating_duration_since(self.monotonic));
        let before = micros(self.monotonic.saturating_duration_since(moment));
        let placed = self.utc.checked_add_signed(after - before);
        placed.unwrap_or(self.utc)
    }

    /// By how much the wall clock differs from what this clock expects at that moment, in
    /// microseconds; positive where it is ahead: a step, or what has drifted since the last pair.
    pub fn step_us(&self, monotonic: Instant, utc: UtcMicros) -> i64 {
        utc.get().saturating_sub(self.place(monotonic).get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_placed_before_and_after_the_reading() {
        let start = Instant::now() + Duration::from_hours(1);
        let utc = UtcMicros::from_unix_seconds(1_400_000_000).unwrap();
        let mut clock = WindowClock::new(start, utc);
        let second = Duration::from_secs(1);
        assert_eq!(clock.place(start + second).get() - utc.get(), 1_000_000);
        assert_eq!(clock.place(start - second).get() - utc.get(), -1_000_000);
        let stepped = UtcMicros::new(utc.get() - 3_600_000_000);
        assert_eq!(clock.step_us(start + second, stepped), -3_601_000_000);
        clock.set(start + second, stepped);
        assert_eq!(clock.place(start + 2 * second).get() - stepped.get(), 1_000_000);
    }
}

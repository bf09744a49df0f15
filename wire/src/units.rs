//! Units of time: how long something took, and when it happened.
//!
//! The two are different types because they obey different rules. A span comes from a monotonic
//! clock and can be added up; a UTC time comes from a clock that steps when it is corrected, so
//! the difference of two UTC times is *not* the time that passed and no latency may be made of it.

use std::fmt;
use std::time::Duration;

/// A span of time in microseconds, never negative.
///
/// Range: 0 µs to `u64::MAX` µs (about 584 000 years), so spans of probes cannot overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(u64);

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span that can be expressed.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `micros` microseconds.
    pub const fn new(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `millis` milliseconds; [`Micros::MAX`] where that does not fit.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1000))
    }

    /// A span of `seconds` seconds; [`Micros::MAX`] where that does not fit.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The span in microseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The span of a [`Duration`], cut to whole microseconds; [`Micros::MAX`] where it does not fit.
    pub fn from_duration_saturating(duration: Duration) -> Self {
        Self::try_from(duration).unwrap_or(Self::MAX)
    }

    /// The sum of two spans; [`Micros::MAX`] where that does not fit.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// This span less another; zero where the other is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// A [`Duration`] too long to be counted in microseconds by 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a span of {} s is too long to count in microseconds", .0.as_secs())]
pub struct SpanTooLong(pub Duration);

impl TryFrom<Duration> for Micros {
    type Error = SpanTooLong;

    /// Cuts the duration to whole microseconds.
    fn try_from(duration: Duration) -> Result<Self, SpanTooLong> {
        u64::try_from(duration.as_micros()).map(Self).map_err(|_| SpanTooLong(duration))
    }
}

impl From<Micros> for Duration {
    fn from(span: Micros) -> Self {
        Self::from_micros(span.0)
    }
}

/// Prints for people, with three decimals in the unit that fits: `750 µs`, `12.345 ms`, `2.000 s`.
///
/// Width and alignment of the format string are honoured, so that columns line up.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0;
        let text = match micros {
            0..1_000 => format!("{micros} µs"),
            1_000..1_000_000 => format!("{}.{:03} ms", micros / 1_000, micros % 1_000),
            // Cut, not rounded: rounding could print a value that was never reached.
            _ => format!("{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000),
        };
        f.pad(&text)
    }
}

/// A point in time: microseconds since the Unix epoch, 1970-01-01 00:00 UTC, without leap seconds.
///
/// It comes from a clock that may step either way, so it says *when*, never *how long*: there is
/// deliberately no `Sub`. Negative values are times before the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcMicros(i64);

impl UtcMicros {
    /// 1970-01-01 00:00 UTC.
    pub const EPOCH: Self = Self(0);

    /// The time `micros` microseconds after the Unix epoch.
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// The time `seconds` seconds after the Unix epoch, or `None` where it does not fit
    /// (beyond about 292 000 years either side of the epoch).
    pub const fn from_unix_seconds(seconds: i64) -> Option<Self> {
        match seconds.checked_mul(1_000_000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Microseconds since the Unix epoch.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded towards the past.
    pub const fn unix_seconds_floor(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This time moved by a signed number of microseconds (a clock correction, a window's length),
    /// or `None` where the result does not fit.
    pub const fn checked_add_signed(self, micros: i64) -> Option<Self> {
        match self.0.checked_add(micros) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The signed difference of two clock readings, `self − earlier`, in microseconds, or `None`
    /// where it does not fit.
    ///
    /// The clock may have been stepped in between: use it to compare calendars and clocks, never
    /// as a latency.
    pub const fn calendar_difference_us(self, earlier: Self) -> Option<i64> {
        self.0.checked_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_prints_in_the_unit_that_fits() {
        assert_eq!(Micros::new(0).to_string(), "0 µs");
        assert_eq!(Micros::new(999).to_string(), "999 µs");
        assert_eq!(Micros::new(12_345).to_string(), "12.345 ms");
        assert_eq!(Micros::new(999_999).to_string(), "999.999 ms");
        assert_eq!(Micros::new(60_000_900).to_string(), "60.000 s");
        assert_eq!(format!("{:>10}|", Micros::new(12_345)), " 12.345 ms|");
    }

    #[test]
    fn span_converts_to_and_from_duration() {
        assert_eq!(Micros::try_from(Duration::from_nanos(1_999)), Ok(Micros::new(1)));
        assert_eq!(Duration::from(Micros::new(1_500)), Duration::from_micros(1_500));
        assert_eq!(Micros::try_from(Duration::MAX), Err(SpanTooLong(Duration::MAX)));
        assert_eq!(Micros::from_duration_saturating(Duration::MAX), Micros::MAX);
    }

    #[test]
    fn span_arithmetic_saturates() {
        assert_eq!(Micros::MAX.saturating_add(Micros::new(1)), Micros::MAX);
        assert_eq!(Micros::new(1).saturating_sub(Micros::new(2)), Micros::ZERO);
        assert_eq!(Micros::from_secs(u64::MAX), Micros::MAX);
        assert_eq!(Micros::from_millis(3), Micros::new(3_000));
    }

    #[test]
    fn utc_rounds_towards_the_past() {
        assert_eq!(UtcMicros::new(-1).unix_seconds_floor(), -1);
        assert_eq!(UtcMicros::new(1_999_999).unix_seconds_floor(), 1);
    }

    #[test]
    fn utc_arithmetic_is_checked() {
        assert_eq!(UtcMicros::from_unix_seconds(i64::MAX), None);
        assert_eq!(UtcMicros::new(i64::MAX).checked_add_signed(1), None);
        assert_eq!(UtcMicros::new(i64::MIN).calendar_difference_us(UtcMicros::new(1)), None);
        assert_eq!(UtcMicros::new(5).calendar_difference_us(UtcMicros::new(8)), Some(-3));
    }
}

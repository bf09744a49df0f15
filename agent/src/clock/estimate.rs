//! How far the machine's clock is off from the aggregator's, as far as that is known.
//!
//! Every answer of the aggregator gives an estimate with a bound: half of the time that request
//! and answer were on their way. The one with the smallest bound is kept. Its bound grows as it
//! ages, because clocks drift, until a newer one is better. A step of the machine's clock, which
//! shows against the monotonic clock, makes it worthless.

use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::exchange::clock::Exchange;
use vantage_wire::report::ClockOffset;
use vantage_wire::{Micros, UtcMicros};

/// How much two clocks may drift apart, in millionths: what quartz does in bad weather.
const DRIFT_PPM: u64 = 100;
/// An estimate of this age gives way to any newer one.
const LONGEST_AGE: Duration = Duration::from_mins(30);
/// A difference to the monotonic clock that is no step: the two are read one after the other, and
/// other programs may run in between. It is added to the bound.
const NO_STEP: Micros = Micros::from_millis(100);

/// One moment by two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// By the monotonic clock.
    pub monotonic: Instant,
    /// By the machine's UTC clock.
    pub utc: UtcMicros,
}

/// The best estimate so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Estimate {
    best: Option<(Reading, ClockOffset)>,
}

impl Estimate {
    /// Takes the times of an exchange, whose request was sent at `sent`.
    pub fn learn(&mut self, sent: Reading, exchange: &Exchange, now: Reading) {
        let offered = exchange.offset();
        let worn = self.best.is_some_and(|(taken, _)| {
            now.monotonic.saturating_duration_since(taken.monotonic) > LONGEST_AGE
        });
        let better = self.offset(now).is_none_or(|held| offered.bound <= held.bound);
        // A step between request and answer would spoil it from the start.
        if (worn || better) && slip(sent, now) <= NO_STEP {
            self.best = Some((sent, offered));
        }
    }

    /// What is to be added to the machine's clock now, and how far that may be off; `None` where
    /// it is not known. Forgets an estimate that a step of the clock has spoiled.
    pub fn offset(&mut self, now: Reading) -> Option<ClockOffset> {
        let (taken, offset) = self.best?;
        let slip = slip(taken, now);
        if slip > NO_STEP {
            self.best = None;
            return None;
        }
        let age = now.monotonic.saturating_duration_since(taken.monotonic);
        let drift = Micros::from_duration_saturating(age).get() / 1_000_000 * DRIFT_PPM;
        let bound = offset.bound.saturating_add(Micros::new(drift)).saturating_add(slip);
        Some(ClockOffset { bound, ..offset })
    }

    /// When something happened, by corrected time. Without an estimate: by the machine's clock.
    pub fn place(&mut self, moment: Instant, now: Reading) -> UtcMicros {
        let offset = self.offset(now).map_or(0, |known| known.offset_us);
        let ago = Micros::from_duration_saturating(now.monotonic.saturating_duration_since(moment));
        let ahead =
            Micros::from_duration_saturating(moment.saturating_duration_since(now.monotonic));
        let signed = |span: Micros| i64::try_from(span.get()).unwrap_or(i64::MAX);
        let from_now = signed(ahead).saturating_sub(signed(ago)).saturating_add(offset);
        UtcMicros::new(now.utc.get().saturating_add(from_now))
    }
}

/// How far the two clocks disagree about the time between two moments.
fn slip(earlier: Reading, later: Reading) -> Micros {
    let passed = later.monotonic.saturating_duration_since(earlier.monotonic);
    let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
    let by_calendar = later.utc.calendar_difference_us(earlier.utc).unwrap_or(i64::MAX);
    Micros::new(by_calendar.abs_diff(passed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    /// A machine whose clock is right; and its start.
    fn at(start: Instant, micros: u64) -> Reading {
        let utc = UtcMicros::new(1_700_000_000_000_000 + i64::try_from(micros).unwrap());
        Reading { monotonic: start + Duration::from_micros(micros), utc }
    }

    fn exchange(sent: Reading, offset_us: i64, round_trip_us: u64) -> Exchange {
        let half = i64::try_from(round_trip_us / 2).unwrap();
        let received = sent.utc.checked_add_signed(offset_us + half).unwrap();
        let round_trip = Micros::new(round_trip_us);
        Exchange { sent: sent.utc, received, answered: received, round_trip }
    }

    fn learn(estimate: &mut Estimate, sent: Reading, offset_us: i64, round_trip_us: u64) {
        let exchange = exchange(sent, offset_us, round_trip_us);
        let arrived = Reading {
            monotonic: sent.monotonic + Duration::from_micros(round_trip_us),
            utc: sent.utc.checked_add_signed(i64::try_from(round_trip_us).unwrap()).unwrap(),
        };
        estimate.learn(sent, &exchange, arrived);
    }

    #[test]
    fn the_smallest_bound_is_kept_until_it_has_worn_off() {
        let start = Instant::now();
        let mut estimate = Estimate::default();
        assert_eq!(estimate.offset(at(start, 0)), None);
        learn(&mut estimate, at(start, 0), 500, 20_000);
        learn(&mut estimate, at(start, SECOND), 700, 90_000);
        let held = estimate.offset(at(start, 2 * SECOND)).unwrap();
        assert_eq!(held, ClockOffset { offset_us: 500, bound: Micros::new(10_200) });
        // After 400 s the first may be off by 10 + 40 ms, more than the 45 of a new one.
        learn(&mut estimate, at(start, 400 * SECOND), 700, 90_000);
        assert_eq!(estimate.offset(at(start, 400 * SECOND)).unwrap().offset_us, 700);
        // Whatever its bound, an old one gives way.
        learn(&mut estimate, at(start, 2_300 * SECOND), 900, 2_000_000);
        assert_eq!(estimate.offset(at(start, 2_300 * SECOND)).unwrap().offset_us, 900);
    }

    #[test]
    fn a_step_of_the_clock_makes_the_estimate_worthless() {
        let start = Instant::now();
        for step in [-3_600_i64, -1, 1, 3_600] {
            let mut estimate = Estimate::default();
            learn(&mut estimate, at(start, 0), 500, 20_000);
            let mut now = at(start, 10 * SECOND);
            now.utc = now.utc.checked_add_signed(step * 1_000_000).unwrap();
            assert_eq!(estimate.offset(now), None, "{step}");
            learn(&mut estimate, now, -step, 20_000);
            assert_eq!(estimate.offset(now).unwrap().offset_us, -step, "and it is taken anew");
        }
    }

    #[test]
    fn a_small_slip_widens_the_bound() {
        let start = Instant::now();
        let mut estimate = Estimate::default();
        learn(&mut estimate, at(start, 0), 500, 20_000);
        let mut now = at(start, SECOND);
        now.utc = now.utc.checked_add_signed(-30_000).unwrap();
        assert_eq!(estimate.offset(now).unwrap().bound, Micros::new(40_100));
    }

    #[test]
    fn moments_are_placed_by_corrected_time() {
        let start = Instant::now();
        let mut estimate = Estimate::default();
        let now = at(start, 10 * SECOND);
        let earlier = at(start, 4 * SECOND);
        assert_eq!(estimate.place(earlier.monotonic, now), earlier.utc);
        learn(&mut estimate, now, -2_000_000, 10_000);
        let corrected = earlier.utc.checked_add_signed(-2_000_000).unwrap();
        assert_eq!(estimate.place(earlier.monotonic, now), corrected);
    }
}

//! What sites are ordered by: statistics of one sample.

use vantage_wire::LatencyHistogram;

use super::quantile::quantile_us;
use super::sample::Sample;
use crate::catalogue::Score;

/// Fewest attempts of which anything is said.
const FEWEST: f64 = 30.0;
/// Fewest attempts that must lie beyond a quantile for it to be told.
const FEWEST_BEYOND: f64 = 10.0;

/// The score in microseconds, where every failed attempt counts as one that took its timeout: lower
/// is better. `None` without attempts; infinite as a mean where none succeeded.
///
/// - A quantile is that of the *failure-inclusive* distribution: a site that fails more often than
///   the quantile leaves room for has its timeout for a score, which is what its users live through.
/// - The mean is the *mean time to success*: all time spent, divided by the successes. It is what
///   someone waits who tries again at once until it works.
pub fn score_us(sample: &Sample, score: Score) -> Option<f64> {
    match score {
        Score::Quantile(quantile) => {
            quantile_us([sample.latencies(), sample.penalties()], quantile)
        }
        Score::Mean => mean_time_to_success_us(sample),
    }
}

fn mean_time_to_success_us(sample: &Sample) -> Option<f64> {
    Spent::of(sample).per_success_us()
}

/// What attempts took, and how many of them succeeded.
#[derive(Clone, Copy)]
pub(super) struct Spent {
    time_us: f64,
    attempts: u64,
    successes: u64,
}

impl Spent {
    pub(super) fn of(sample: &Sample) -> Self {
        let time_us = |histogram: &LatencyHistogram| {
            histogram.mean().map_or(0.0, |mean| mean * histogram.count() as f64)
        };
        Self {
            time_us: time_us(sample.latencies()) + time_us(sample.penalties()),
            attempts: sample.attempts(),
            successes: sample.latencies().count(),
        }
    }

    pub(super) fn without(self, part: Self) -> Self {
        Self {
            time_us: self.time_us - part.time_us,
            attempts: self.attempts.saturating_sub(part.attempts),
            successes: self.successes.saturating_sub(part.successes),
        }
    }

    pub(super) fn per_success_us(self) -> Option<f64> {
        match (self.attempts, self.successes) {
            (0, _) => None,
            (_, 0) => Some(f64::INFINITY),
            (_, successes) => Some(self.time_us / successes as f64),
        }
    }
}

/// The share of the attempts that failed by the fault of the site or of the way to it, from 0 to 1;
/// `None` without attempts.
pub fn failure_rate(sample: &Sample) -> Option<f64> {
    let attempts = sample.attempts();
    (attempts > 0).then(|| sample.failed() as f64 / attempts as f64)
}

/// Fewest attempts that a score may be told of: 30, and for a quantile so many that ten lie beyond
/// it (200 for p95, 1000 for p99).
pub fn fewest_attempts(score: Score) -> u64 {
    let fewest = match score {
        Score::Mean => FEWEST,
        Score::Quantile(quantile) => {
            // p95 as written is not exactly 1 − 0.05: without rounding it would want 201.
            let beyond = FEWEST_BEYOND / quantile.min(1.0 - quantile).max(1e-9);
            FEWEST.max((beyond * 1e6).round() / 1e6)
        }
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 30 and 10^10"
    )]
    let fewest = fewest.ceil() as u64;
    fewest
}

#[cfg(test)]
mod tests {
    use super::*;
    use vantage_wire::{FailureCode, Micros, Phase};

    fn sample(fast: u64, failed: u64, excused: u64) -> Sample {
        let mut sample = Sample::default();
        let latencies = (0..fast).map(|_| Micros::from_millis(1));
        sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
        let timeout = Micros::from_secs(10);
        let mut fail = |code, count| {
            sample.add_failures(Phase::Connect, code, count, timeout).unwrap();
        };
        fail(FailureCode::TcpTimeout, failed);
        fail(FailureCode::AgentMissedSlot, excused);
        sample
    }

    fn is_about(value: Option<f64>, expected: f64) -> bool {
        value.is_some_and(|value| (value / expected - 1.0).abs() < 1e-3)
    }

    #[test]
    fn a_site_that_fails_more_often_than_the_quantile_allows_scores_its_timeout() {
        let p95 = Score::Quantile(0.95);
        assert!(is_about(score_us(&sample(96, 4, 0), p95), 1e3));
        assert!(is_about(score_us(&sample(94, 6, 0), p95), 1e7));
        assert!(is_about(score_us(&sample(0, 6, 0), p95), 1e7));
    }

    #[test]
    fn what_the_agent_or_the_configuration_did_is_no_attempt() {
        for score in [Score::Quantile(0.95), Score::Mean] {
            assert_eq!(score_us(&sample(90, 2, 50), score), score_us(&sample(90, 2, 0), score));
            assert_eq!(score_us(&sample(0, 0, 50), score), None);
        }
        assert_eq!(failure_rate(&sample(90, 10, 50)), Some(0.1));
        assert_eq!(failure_rate(&sample(0, 0, 50)), None);
    }

    #[test]
    fn the_mean_is_all_time_spent_by_success() {
        // 99 ms and one timeout of 10 s, for 99 successes.
        let value = score_us(&sample(99, 1, 0), Score::Mean);
        assert!(is_about(value, (99.0 * 1e3 + 1e7) / 99.0), "{value:?}");
        assert_eq!(score_us(&sample(0, 3, 0), Score::Mean), Some(f64::INFINITY));
    }

    #[test]
    fn a_quantile_wants_ten_attempts_beyond_it() {
        let fewest = |quantile| fewest_attempts(Score::Quantile(quantile));
        assert_eq!([0.5, 0.9, 0.95, 0.99, 0.999].map(fewest), [30, 100, 200, 1000, 10_000]);
        assert_eq!(fewest(0.01), 1000);
        assert_eq!(fewest_attempts(Score::Mean), 30);
    }
}

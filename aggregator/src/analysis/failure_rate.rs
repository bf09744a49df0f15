//! How often attempts at a site fail, with a margin that knows that failures come together.

use serde::{Deserialize, Serialize};

use super::CONFIDENCE;
use super::estimate::{Estimate, Interval};
use super::replicates::Replicates;
use super::sample::Sample;
use super::view::View;

/// So many failures are to be expected at most where none was seen, with 95 % confidence: −ln 0.05,
/// rounded (the "rule of three", Hanley & Lippman-Hand 1983).
const EXPECTED_WHERE_NONE_SEEN: f64 = 3.0;

/// The share of attempts that failed by the fault of the site or of the way to it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureRate {
    /// Attempts that speak about the site.
    pub attempts: u64,
    /// How many of them failed.
    pub failed: u64,
    /// From 0 to 1; over several markets the mean by their weights. `None` without attempts.
    pub rate: Option<f64>,
    /// With 95 % confidence, within 0 and 1. Where no attempt failed, or none did not, the end that
    /// is not certain is the rule of three. `None` with fewer than two blocks.
    pub interval: Option<Interval>,
    /// By how much one failure more changes the rate; nothing smaller can be told from it.
    pub resolution: Option<f64>,
}

/// One market's part in a failure rate.
pub(super) struct Part<'a> {
    /// Its share of the users; the shares of all parts add up to 1.
    pub(super) share: f64,
    pub(super) total: &'a Sample,
    /// Of its failure rate.
    pub(super) replicates: Option<&'a Replicates>,
}

impl FailureRate {
    /// Of one market's view.
    pub fn of(view: &View) -> Self {
        let replicates = Replicates::of_failure_rate(view);
        Self::of_parts(&[Part { share: 1.0, total: view.total(), replicates: replicates.as_ref() }])
    }

    /// Of several markets, weighted by their shares.
    pub(super) fn of_parts(parts: &[Part<'_>]) -> Self {
        let sum = |count: fn(&Sample) -> u64| {
            parts.iter().fold(0_u64, |sum, part| sum.saturating_add(count(part.total)))
        };
        let (attempts, failed) = (sum(Sample::attempts), sum(Sample::failed));
        let counted = parts.iter().all(|part| part.total.attempts() > 0) && attempts > 0;
        if !counted {
            return Self { attempts, failed, rate: None, interval: None, resolution: None };
        }
        let per_attempt = |part: &Part<'_>| part.share / part.total.attempts() as f64;
        let rate = parts.iter().map(|part| per_attempt(part) * part.total.failed() as f64).sum();
        let resolution = parts.iter().map(per_attempt).fold(0.0, f64::max);
        // As many attempts without weights would tell as much.
        let effective =
            parts.iter().map(|part| part.share * per_attempt(part)).sum::<f64>().recip();
        let weighted: Option<Vec<_>> =
            parts.iter().map(|part| Some((part.share, part.replicates?))).collect();
        let estimate = weighted.and_then(|parts| Replicates::sum(parts).estimate());
        let interval = estimate
            .map(|estimate| interval(rate, [failed, attempts], effective, resolution, &estimate));
        Self { attempts, failed, rate: Some(rate), interval, resolution: Some(resolution) }
    }

    /// Of one market's failures of one kind; `replicates` are those of their share of the attempts.
    pub(super) fn of_kind(failed: u64, attempts: u64, replicates: Option<&Replicates>) -> Self {
        if attempts == 0 {
            return Self { attempts, failed, rate: None, interval: None, resolution: None };
        }
        let (rate, resolution) = (failed as f64 / attempts as f64, 1.0 / attempts as f64);
        let interval = replicates.and_then(Replicates::estimate).map(|estimate| {
            interval(rate, [failed, attempts], attempts as f64, resolution, &estimate)
        });
        Self { attempts, failed, rate: Some(rate), interval, resolution: Some(resolution) }
    }
}

/// Of a rate with the standard error that was found over blocks; as many `effective` attempts
/// without weights would tell as much.
fn interval(
    rate: f64,
    [failed, attempts]: [u64; 2],
    effective: f64,
    resolution: f64,
    over_blocks: &Estimate,
) -> Interval {
    let unseen = (EXPECTED_WHERE_NONE_SEEN * resolution).min(1.0);
    if failed == 0 {
        Interval { low: 0.0, high: unseen }
    } else if failed == attempts {
        Interval { low: 1.0 - unseen, high: 1.0 }
    } else {
        wilson(rate, effective, over_blocks)
    }
}

/// The interval of Wilson (1927), for as many independent attempts as would have the standard error
/// that was found over blocks (Kott & Carr 1997), with Student's t in the place of the normal.
fn wilson(rate: f64, attempts: f64, over_blocks: &Estimate) -> Interval {
    let spread = rate * (1.0 - rate);
    // Failures never repel each other: an error smaller than that of independent attempts is luck.
    let variance = over_blocks.standard_error.powi(2).max(spread / attempts);
    let independent = spread / variance;
    let square = over_blocks.critical(0.5 + CONFIDENCE / 2.0).powi(2) / independent;
    let centre = (rate + square / 2.0) / (1.0 + square);
    let margin = (square * (spread + square / 4.0)).sqrt() / (1.0 + square);
    Interval { low: (centre - margin).max(0.0), high: (centre + margin).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Block, View};
    use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

    /// Days of so many attempts, and of them so many failures.
    fn view(days: &[(u64, u64)]) -> View {
        let blocks = (0..).map(Block).zip(days).map(|(block, &(attempts, failed))| {
            let mut sample = Sample::default();
            let latencies = (failed..attempts).map(|_| Micros::from_millis(50));
            sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
            let timeout = Micros::from_secs(10);
            sample.add_failures(Phase::Connect, FailureCode::TcpTimeout, failed, timeout).unwrap();
            (block, sample)
        });
        View::new(blocks.collect()).unwrap()
    }

    fn assert_close(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-4, "{value} is not {expected}");
    }

    #[test]
    fn none_in_n_may_be_three_in_n() {
        let none = FailureRate::of(&view(&[(500, 0), (500, 0)]));
        assert_eq!((none.failed, none.rate), (0, Some(0.0)));
        assert_eq!(none.interval, Some(Interval { low: 0.0, high: 0.003 }));
        assert_eq!(none.resolution, Some(0.001));
        let all = FailureRate::of(&view(&[(500, 500), (500, 500)]));
        assert_eq!(all.interval, Some(Interval { low: 0.997, high: 1.0 }));
        let few = FailureRate::of(&view(&[(1, 0), (1, 0)]));
        assert_eq!(few.interval, Some(Interval { low: 0.0, high: 1.0 }));
    }

    #[test]
    fn evenly_spread_failures_have_the_interval_of_wilson_with_students_t() {
        // 30 of 3000, one a day on 30 days. statsmodels 0.15, proportion_confint(30, 3000,
        // method="wilson") at the level at which the normal quantile is t(29) = 2.045229642.
        let interval = FailureRate::of(&view(&[(100, 1); 30])).interval.unwrap();
        assert!((interval.low - 0.006_907_342).abs() < 1e-8, "{interval:?}");
        assert!((interval.high - 0.014_457_190).abs() < 1e-8, "{interval:?}");
    }

    #[test]
    fn independent_attempts_have_the_published_intervals_of_wilson() {
        // R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        for (failed, attempts, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let rate: f64 = failed / attempts;
            let over_blocks = Estimate {
                value: rate,
                standard_error: (rate * (1.0 - rate) / attempts).sqrt(),
                // So many that Student's t is the normal distribution.
                degrees_of_freedom: 1e7,
                skewness: 0.0,
            };
            let interval = wilson(rate, attempts, &over_blocks);
            assert!((interval.low - low).abs() < 5e-5, "{failed}/{attempts}: {interval:?}");
            assert!((interval.high - high).abs() < 5e-5, "{failed}/{attempts}: {interval:?}");
        }
    }

    #[test]
    fn failures_that_come_together_widen_the_interval() {
        let width = |days: &[(u64, u64)]| {
            let interval = FailureRate::of(&view(days)).interval.unwrap();
            interval.high - interval.low
        };
        let spread = width(&[(1000, 3), (1000, 2), (1000, 4), (1000, 3), (1000, 2), (1000, 4)]);
        let together = width(&[(1000, 0), (1000, 0), (1000, 18), (1000, 0), (1000, 0), (1000, 0)]);
        assert!(together > 3.0 * spread, "{together} {spread}");
    }

    #[test]
    fn one_block_has_a_rate_without_interval_and_nothing_has_neither() {
        let one = FailureRate::of(&view(&[(100, 3)]));
        assert_close(one.rate.unwrap(), 0.03);
        assert_eq!(one.interval, None);
        let nothing = FailureRate::of(&view(&[]));
        assert_eq!((nothing.rate, nothing.interval, nothing.resolution), (None, None, None));
    }

    #[test]
    fn markets_count_by_their_share_of_the_users() {
        let (few, many) = (view(&[(100, 10), (100, 10)]), view(&[(5000, 0), (5000, 0)]));
        let replicates = [&few, &many].map(|view| Replicates::of_failure_rate(view).unwrap());
        let parts = [(0.75, &few, &replicates[0]), (0.25, &many, &replicates[1])];
        let rate = FailureRate::of_parts(&parts.map(|(share, view, replicates)| Part {
            share,
            total: view.total(),
            replicates: Some(replicates),
        }));
        assert_close(rate.rate.unwrap(), 0.075);
        assert_close(rate.resolution.unwrap(), 0.75 / 200.0);
        assert!(rate.interval.unwrap().contains(0.075));
    }
}

//! Quantiles of several histograms together, and of what remains of them without a part.

use std::iter;

use vantage_wire::histogram::Bucket;
use vantage_wire::{LatencyHistogram, Micros};

use super::sample::Sample;

/// A quantile in microseconds of several histograms together, interpolated within its bucket.
///
/// Buckets are up to 0.1 % wide. Without interpolation, leaving one block out of many would often
/// not leave the bucket, and so claim a margin of zero. `None` without samples, or where `quantile`
/// is not within 0 and 1.
pub fn quantile_us<const N: usize>(
    histograms: [&LatencyHistogram; N],
    quantile: f64,
) -> Option<f64> {
    let total = histograms.iter().fold(0_u64, |sum, next| sum.saturating_add(next.count()));
    if !(0.0..=1.0).contains(&quantile) {
        return None;
    }
    let rank = quantile * total as f64;
    let mut passed = 0_u64;
    for bucket in buckets_of(histograms) {
        let within = Within { passed, through: passed.saturating_add(bucket.count) };
        if within.through as f64 >= rank {
            return Some(within.latency_us(bucket.lowest, bucket.highest, rank));
        }
        passed = within.through;
    }
    None
}

/// The buckets of several histograms together, from the shortest latency to the longest.
fn buckets_of<const N: usize>(histograms: [&LatencyHistogram; N]) -> impl Iterator<Item = Bucket> {
    let mut each = histograms.map(|histogram| histogram.buckets().peekable());
    iter::from_fn(move || {
        let lowest = each.iter_mut().filter_map(|rest| Some(rest.peek()?.lowest)).min()?;
        each.iter_mut()
            .filter_map(|rest| rest.next_if(|bucket| bucket.lowest == lowest))
            .reduce(|sum, next| Bucket { count: sum.count.saturating_add(next.count), ..sum })
    })
}

/// The attempts before a bucket, and up to its end.
struct Within {
    passed: u64,
    through: u64,
}

impl Within {
    /// Where the attempt of a rank lies, if those in the bucket are spread evenly over it.
    fn latency_us(&self, lowest: Micros, highest: Micros, rank: f64) -> f64 {
        let (lowest, highest) = (lowest.get() as f64, highest.get() as f64);
        let count = (self.through - self.passed).max(1) as f64;
        let share = ((rank - self.passed as f64) / count).clamp(0.0, 1.0);
        // A bucket holds the whole microseconds from its lowest to its highest.
        lowest - 0.5 + share * (highest - lowest + 1.0)
    }
}

/// One bucket of the total.
struct Step {
    lowest: Micros,
    highest: Micros,
    /// Attempts in it and all before it.
    through: u64,
}

/// A quantile of the failure-inclusive distribution, of the whole or without a part.
///
/// The remainder is never built: a search over the buckets of the total asks the part, at each,
/// how much of the total it makes up. That takes microseconds where building takes tens of them.
pub(super) struct QuantileWithout {
    quantile: f64,
    steps: Vec<Step>,
}

impl QuantileWithout {
    /// Of a sample. The quantile is to be above 0 and at most 1.
    pub(super) fn new(total: &Sample, quantile: f64) -> Self {
        let mut through = 0_u64;
        let buckets = buckets_of([total.latencies(), total.penalties()]);
        let steps = buckets.map(|Bucket { lowest, highest, count }| {
            through = through.saturating_add(count);
            Step { lowest, highest, through }
        });
        Self { quantile, steps: steps.collect() }
    }

    /// What [`quantile_us`] says of the total after `part`, which it contains, is taken away.
    pub(super) fn without_us(&self, part: &Sample) -> Option<f64> {
        let remaining =
            |step: &Step| step.through.saturating_sub(part.attempts_within(step.highest));
        let rank = self.quantile * remaining(self.steps.last()?) as f64;
        let position = self.steps.partition_point(|step| {
            let remaining = remaining(step);
            remaining == 0 || (remaining as f64) < rank
        });
        // There is none where nothing remains.
        let step = self.steps.get(position)?;
        let before = position.checked_sub(1).and_then(|position| self.steps.get(position));
        let within = Within { passed: before.map_or(0, remaining), through: remaining(step) };
        Some(within.latency_us(step.lowest, step.highest, rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vantage_wire::{FailureCode, Phase};

    fn histogram(latencies: &[u64]) -> LatencyHistogram {
        LatencyHistogram::from_samples(latencies.iter().copied().map(Micros::new))
    }

    #[test]
    fn a_quantile_is_interpolated_within_its_bucket() {
        let four = histogram(&[10, 10, 10, 10]);
        assert_eq!(quantile_us([&four], 0.0), Some(9.5));
        assert_eq!(quantile_us([&four], 0.5), Some(10.0));
        assert_eq!(quantile_us([&four], 1.0), Some(10.5));
        assert_eq!(quantile_us([&histogram(&[]), &four], 0.25), Some(9.75));
        assert_eq!(quantile_us([&four, &histogram(&[20, 20, 20, 20])], 0.75), Some(20.0));
    }

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(quantile_us([&histogram(&[])], 0.5), None);
        assert_eq!(quantile_us([], 0.5), None);
        for quantile in [-0.1, 1.1, f64::NAN] {
            assert_eq!(quantile_us([&histogram(&[1])], quantile), None);
        }
    }

    fn sample(latencies: &[u64], failures: u64) -> Sample {
        let mut sample = Sample::default();
        sample.add_latencies(&histogram(latencies)).unwrap();
        let timeout = Micros::from_secs(10);
        sample.add_failures(Phase::Connect, FailureCode::TcpTimeout, failures, timeout).unwrap();
        sample
    }

    proptest! {
        #[test]
        fn searching_without_a_part_gives_what_taking_it_away_gives(
            kept in (prop::collection::vec(1_u64..5_000_000, 0..60), 0_u64..5),
            part in (prop::collection::vec(1_u64..5_000_000, 0..60), 0_u64..5),
            quantile in 0.001_f64..=1.0,
        ) {
            let (kept, part) = (sample(&kept.0, kept.1), sample(&part.0, part.1));
            let total = Sample::sum([&kept, &part]).unwrap();
            let searched = QuantileWithout::new(&total, quantile).without_us(&part);
            prop_assert_eq!(searched, quantile_us([kept.latencies(), kept.penalties()], quantile));
        }
    }
}

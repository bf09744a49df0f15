//! Histograms of durations, whose bounds are those of Prometheus's native histograms.

use std::ops::RangeInclusive;

use super::exposition::Value;

/// The upper bounds of the buckets of a histogram of durations.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    seconds: Vec<f64>,
    micros: Vec<u64>,
    schema: i32,
    /// The number of the first bound in the schema.
    first: i32,
}

impl Bounds {
    /// The bounds of a native histogram of this schema, from 0 to 8, between two powers of two
    /// seconds: each is 2^(2^−schema) times the one before (Prometheus, *Native Histograms*). Who
    /// reads both kinds of histogram, or takes the one for the other, finds the same bounds.
    pub fn exponential(schema: u8, powers: RangeInclusive<i32>) -> Self {
        let schema = schema.min(8);
        let steps = 1_i32 << schema;
        let (first, last) = (powers.start() * steps, powers.end() * steps);
        let seconds: Vec<f64> =
            (first..=last).map(|index| (f64::from(index) / f64::from(steps)).exp2()).collect();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is cut off is less than a microsecond, and durations are positive"
        )]
        let micros = seconds.iter().map(|seconds| (seconds * 1e6) as u64).collect();
        Self { seconds, micros, schema: schema.into(), first }
    }
}

/// How long something took, so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// One for each bound, and one for what is beyond them.
    counts: Box<[u64]>,
    sum_us: u64,
}

impl Durations {
    /// Nothing yet.
    pub fn new(bounds: &Bounds) -> Self {
        Self { counts: vec![0; bounds.micros.len() + 1].into(), sum_us: 0 }
    }

    /// Something took so many microseconds, so many times. The bounds are always the same.
    pub fn add(&mut self, bounds: &Bounds, micros: u64, times: u64) {
        let bucket = bounds.micros.partition_point(|bound| *bound < micros);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count = count.saturating_add(times);
            self.sum_us = self.sum_us.saturating_add(micros.saturating_mul(times));
        }
    }

    /// Adds what was counted elsewhere with the same bounds.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
    }

    /// As a sample says it.
    pub fn value(&self, bounds: &Bounds) -> Value {
        let Bounds { seconds, schema, first, .. } = bounds;
        let seconds = seconds.iter().copied().chain([f64::INFINITY]);
        let buckets = seconds.zip(self.counts.iter().copied()).collect();
        let sum = self.sum_us as f64 / 1e6;
        Value::Histogram { sum, buckets, schema: *schema, first: *first }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_schema() {
        assert_eq!(Bounds::exponential(0, -1..=2).seconds, [0.5, 1.0, 2.0, 4.0]);
        let halves = Bounds::exponential(1, 0..=1).seconds;
        assert_eq!(halves, [1.0, std::f64::consts::SQRT_2, 2.0]);
        assert_eq!(Bounds::exponential(3, -10..=6).seconds.len(), 16 * 8 + 1);
    }

    #[test]
    fn a_bound_is_part_of_its_bucket_and_what_is_beyond_the_last_counts_too() {
        let bounds = Bounds::exponential(0, 0..=1);
        let mut durations = Durations::new(&bounds);
        for (micros, times) in [(1_000_000, 2), (1_000_001, 1), (2_000_001, 4)] {
            durations.add(&bounds, micros, times);
        }
        let mut twice = durations.clone();
        twice.merge(&durations);
        let buckets = vec![(1.0, 4), (2.0, 2), (f64::INFINITY, 8)];
        assert_eq!(
            twice.value(&bounds),
            Value::Histogram { sum: 22.000_01, buckets, schema: 0, first: 0 }
        );
    }
}

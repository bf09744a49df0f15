//! What a histogram says about its samples.

use super::error::DecodeError;
use super::layout::{highest_in, index_of, lowest_in, median_in};
use super::sparse::{Entry, LatencyHistogram};
use super::v2;
use crate::units::Micros;

/// One bucket that holds samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Shortest latency that falls into the bucket.
    pub lowest: Micros,
    /// Longest latency that falls into the bucket.
    pub highest: Micros,
    /// Samples in it, at least one.
    pub count: u64,
}

impl LatencyHistogram {
    /// Number of samples.
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// Whether there are no samples.
    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The latency that a share `quantile` of the samples does not exceed.
    ///
    /// Of `n` samples in ascending order it is the one of rank `⌈quantile·n⌉`, at least 1, read as
    /// the upper bound of its bucket, hence never below that sample and less than 1/1024 above it.
    /// Quantile 0 is the lower bound of the first bucket, quantile 1 always [`max`](Self::max). The
    /// product is rounded to a 64-bit float before the ceiling, as the `hdrhistogram` crate does,
    /// so that the results are the same.
    ///
    /// `None` when there are no samples, or when `quantile` is not within 0 and 1.
    pub fn quantile(&self, quantile: f64) -> Option<Micros> {
        QuantileWalk::new(self).to(quantile)
    }

    /// As many [quantiles](Self::quantile) as asked for, in one pass when they ascend.
    pub fn quantiles(&self, quantiles: &[f64]) -> Vec<Option<Micros>> {
        let mut walk = QuantileWalk::new(self);
        quantiles.iter().map(|&quantile| walk.to(quantile)).collect()
    }

    /// Arithmetic mean in microseconds, every sample taken as the middle of its bucket.
    ///
    /// The sum is exact, so the mean does not depend on how the histogram was put together.
    /// `None` when there are no samples.
    pub fn mean(&self) -> Option<f64> {
        if self.is_empty() {
            return None;
        }
        // Below 2^63 samples of 2^26 µs: the sum cannot overflow.
        let sum: u128 = self
            .entries
            .iter()
            .map(|entry| u128::from(median_in(entry.index).get()) * u128::from(entry.count))
            .sum();
        Some(sum as f64 / self.total as f64)
    }

    /// Lower bound of the bucket that holds the shortest sample; `None` when there are no samples.
    pub fn min(&self) -> Option<Micros> {
        self.entries.first().map(|entry| lowest_in(entry.index))
    }

    /// Upper bound of the bucket that holds the longest sample; `None` when there are no samples.
    ///
    /// Samples of 60 s lie in a bucket that ends at 60.031 s.
    pub fn max(&self) -> Option<Micros> {
        self.entries.last().map(|entry| highest_in(entry.index))
    }

    /// How many samples are at or below `latency`, as far as the buckets tell: the whole bucket
    /// that holds `latency` counts. Divided by [`count`](Self::count) it is the cumulative
    /// distribution.
    pub fn count_at_or_below(&self, latency: Micros) -> u64 {
        let last = index_of(latency);
        let end = self.entries.partition_point(|entry| entry.index <= last);
        let count = |entries: &[Entry]| entries.iter().map(|entry| entry.count).sum::<u64>();
        // High quantiles ask for nearly all: what is beyond is sooner counted.
        if end > self.entries.len() / 2 {
            self.total - count(&self.entries[end..])
        } else {
            count(&self.entries[..end])
        }
    }

    /// The buckets that hold samples, from the shortest latency to the longest.
    pub fn buckets(&self) -> impl DoubleEndedIterator<Item = Bucket> + ExactSizeIterator + '_ {
        self.entries.iter().copied().map(Bucket::from)
    }
}

impl From<Entry> for Bucket {
    fn from(Entry { index, count }: Entry) -> Self {
        Self { lowest: lowest_in(index), highest: highest_in(index), count }
    }
}

/// Reads an encoded histogram without keeping it: calls `visit` for each of its
/// [buckets](LatencyHistogram::buckets), and answers the number of samples. Checks the same as
/// [`LatencyHistogram::decode`], and allocates nothing.
///
/// # Errors
///
/// [`DecodeError`] when the bytes are no histogram; `visit` has seen what comes before the fault.
pub fn visit_encoded(bytes: &[u8], mut visit: impl FnMut(Bucket)) -> Result<u64, DecodeError> {
    v2::visit_counts(v2::payload_of(bytes)?, |entry| {
        if entry.count > 0 {
            visit(entry.into());
        }
    })
}

/// Goes through the buckets from rank to rank.
struct QuantileWalk<'a> {
    histogram: &'a LatencyHistogram,
    position: usize,
    /// Samples in the entries before `position`.
    passed: u64,
}

impl<'a> QuantileWalk<'a> {
    const fn new(histogram: &'a LatencyHistogram) -> Self {
        Self { histogram, position: 0, passed: 0 }
    }

    fn to(&mut self, quantile: f64) -> Option<Micros> {
        if self.histogram.is_empty() || !(0.0..=1.0).contains(&quantile) {
            return None;
        }
        let rank = rank_of(quantile, self.histogram.total);
        if rank <= self.passed {
            *self = Self::new(self.histogram);
        }
        loop {
            let entry = self.histogram.entries.get(self.position)?;
            if self.passed + entry.count >= rank {
                let bound = if quantile == 0.0 { lowest_in } else { highest_in };
                return Some(bound(entry.index));
            }
            self.passed += entry.count;
            self.position += 1;
        }
    }
}

/// The rank, counted from 1, of the sample that a quantile in 0..=1 stands for.
fn rank_of(quantile: f64, total: u64) -> u64 {
    // Above 2^53 a float no longer holds the total exactly; the maximum must not be missed for it.
    if quantile >= 1.0 {
        return total;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an integer between 0 and 2^63"
    )]
    let rank = (quantile * total as f64).ceil() as u64;
    rank.clamp(1, total)
}

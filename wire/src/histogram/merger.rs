//! Adds up many histograms at the cost of the samples they hold, not of the range they cover.

use std::fmt;

use super::error::{CountOverflow, DecodeError};
use super::layout::BUCKETS;
use super::sparse::{Entry, LatencyHistogram, add_counts};
use super::v2;

/// Counters that share a mark. A mark per counter would be a bit, and setting bits of the same
/// word again and again makes each wait for the one before.
const BLOCK: usize = 64;

const _: () = assert!(BUCKETS.is_multiple_of(BLOCK));

/// Merges histograms, encoded or not, into one; made to be reused for the next.
///
/// It keeps one counter per bucket of the layout (136 KiB) and marks the regions that were touched,
/// so that adding a histogram visits only the buckets that hold samples, and
/// [`finish`](Self::finish) only their neighbourhood. Keep one per thread.
pub struct HistogramMerger {
    /// One counter per bucket.
    counts: Box<[u64]>,
    /// One mark per block of counters; those of an unmarked block are zero.
    touched: Box<[bool]>,
    /// Sum of `counts`, within the limit of a histogram.
    total: u64,
}

impl HistogramMerger {
    /// A merger that holds no samples.
    pub fn new() -> Self {
        Self {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            touched: vec![false; BUCKETS / BLOCK].into_boxed_slice(),
            total: 0,
        }
    }

    /// Number of samples added since the last [`finish`](Self::finish).
    pub const fn count(&self) -> u64 {
        self.total
    }

    /// Adds the samples of a histogram.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] when there would be more than [`MAX_COUNT`](super::MAX_COUNT) samples; the
    /// merger is then unchanged.
    pub fn add(&mut self, histogram: &LatencyHistogram) -> Result<(), CountOverflow> {
        self.total = add_counts(self.total, histogram.total)?;
        for entry in &histogram.entries {
            self.touched[usize::from(entry.index) / BLOCK] = true;
            self.counts[usize::from(entry.index)] += entry.count;
        }
        Ok(())
    }

    /// Adds the samples of an encoded histogram: the same as [`LatencyHistogram::decode`] and
    /// [`add`](Self::add), faster and without allocating.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes are no histogram of this protocol, or hold more samples than
    /// can be added; the merger is then unchanged.
    pub fn add_encoded(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let payload = v2::payload_of(bytes)?;
        // Straight into the counters, before the whole message is known to be sound: a fifth
        // faster than by way of a list. No counter overflows, since before the sum is checked both
        // addends are at most MAX_COUNT, half of what fits.
        let sum = v2::visit_counts(payload, |entry| {
            self.touched[usize::from(entry.index) / BLOCK] = true;
            self.counts[usize::from(entry.index)] += entry.count;
        })
        .and_then(|added| Ok(add_counts(self.total, added)?));

        if sum.is_err() {
            // The same visits up to the same failure, this time taken back.
            let _ = v2::visit_counts(payload, |entry| {
                self.counts[usize::from(entry.index)] -= entry.count;
            });
        }
        self.total = sum?;
        Ok(())
    }

    /// Everything added so far as one histogram. The merger is empty afterwards.
    pub fn finish(&mut self) -> LatencyHistogram {
        let mut entries = Vec::new();
        let blocks = self.touched.iter_mut().zip(self.counts.chunks_exact_mut(BLOCK));
        for (first, (touched, counts)) in (0..).step_by(BLOCK).zip(blocks) {
            if std::mem::take(touched) {
                let counts = counts.iter_mut().map(std::mem::take);
                let block = (first..).zip(counts).map(|(index, count)| Entry { index, count });
                entries.extend(block.filter(|entry| entry.count > 0));
            }
        }
        entries.shrink_to_fit();
        LatencyHistogram { entries, total: std::mem::take(&mut self.total) }
    }
}

impl Default for HistogramMerger {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HistogramMerger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistogramMerger").field("count", &self.total).finish_non_exhaustive()
    }
}

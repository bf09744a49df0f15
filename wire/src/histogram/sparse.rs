//! The histogram itself: the buckets that hold samples, in order.

use super::error::{CountOverflow, DecodeError, NotContained};
use super::layout::{HIGHEST, LOWEST, index_of, lowest_in};
use super::v2;
use crate::units::Micros;

/// Most samples a histogram can count, 2⁶³ − 1: the encoding's counts are signed 64-bit numbers.
pub const MAX_COUNT: u64 = i64::MAX.cast_unsigned();

/// The samples of one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Index into the layout.
    pub(super) index: u16,
    /// Samples, at least one.
    pub(super) count: u64,
}

/// Adds up samples within [`MAX_COUNT`].
#[inline]
pub(super) const fn add_counts(held: u64, added: u64) -> Result<u64, CountOverflow> {
    match held.checked_add(added) {
        Some(sum) if sum <= MAX_COUNT => Ok(sum),
        _ => Err(CountOverflow { held, added }),
    }
}

/// Counts of latencies in the fixed buckets of the protocol (see the [module](super)).
///
/// Two histograms are equal when they hold the same counts, whatever way they came about. Memory
/// is 16 bytes per bucket that holds samples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LatencyHistogram {
    /// Indices ascend strictly, no count is zero.
    pub(super) entries: Vec<Entry>,
    /// Sum of all counts, at most [`MAX_COUNT`], so that no sum of counts can overflow.
    pub(super) total: u64,
}

impl LatencyHistogram {
    /// A histogram without samples.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), total: 0 }
    }

    /// A histogram of all the samples at once, in any order; how the agent closes a window.
    ///
    /// Out-of-range samples are clamped as [`record`](Self::record) does.
    pub fn from_samples(samples: impl IntoIterator<Item = Micros>) -> Self {
        let mut indices: Vec<u16> = samples.into_iter().map(index_to_record).collect();
        indices.sort_unstable();
        let entries = indices
            .chunk_by(|left, right| left == right)
            .map(|run| Entry { index: run[0], count: run.len() as u64 })
            .collect();
        // A slice has at most isize::MAX elements, which is within MAX_COUNT.
        Self { entries, total: indices.len() as u64 }
    }

    /// Counts one sample.
    ///
    /// A latency below [`LOWEST`] (1 µs) counts as [`LOWEST`], one above [`HIGHEST`] (60 s) as
    /// [`HIGHEST`]. Probe timeouts are far below 60 s, so neither happens to a sound measurement.
    /// To build a histogram of many samples, [`from_samples`](Self::from_samples) is faster.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] when the histogram is full; it is then unchanged.
    pub fn record(&mut self, latency: Micros) -> Result<(), CountOverflow> {
        self.record_n(latency, 1)
    }

    /// Counts `count` samples of the same latency, clamped as [`record`](Self::record) does.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] when there would be more than [`MAX_COUNT`] samples; the histogram is then
    /// unchanged.
    pub fn record_n(&mut self, latency: Micros, count: u64) -> Result<(), CountOverflow> {
        let total = add_counts(self.total, count)?;
        if count == 0 {
            return Ok(());
        }
        let index = index_to_record(latency);
        match self.entries.binary_search_by_key(&index, |entry| entry.index) {
            Ok(position) => self.entries[position].count += count,
            Err(position) => self.entries.insert(position, Entry { index, count }),
        }
        self.total = total;
        Ok(())
    }

    /// Adds the samples of another histogram.
    ///
    /// Associative and commutative: the order in which histograms are merged leaves no trace. To
    /// merge many, use a [`HistogramMerger`](super::HistogramMerger).
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] when there would be more than [`MAX_COUNT`] samples; the histogram is then
    /// unchanged.
    pub fn merge(&mut self, other: &Self) -> Result<(), CountOverflow> {
        self.total = add_counts(self.total, other.total)?;

        // In place: make room at the end for the buckets that are new, then merge from the back.
        let mut read = self.entries.len();
        let mut write = read + self.buckets_missing_from(other);
        self.entries.resize(write, Entry::default());
        for theirs in other.entries.iter().rev() {
            while read > 0 && self.entries[read - 1].index > theirs.index {
                read -= 1;
                write -= 1;
                self.entries[write] = self.entries[read];
            }
            let mut merged = *theirs;
            if read > 0 && self.entries[read - 1].index == theirs.index {
                read -= 1;
                merged.count += self.entries[read].count;
            }
            write -= 1;
            self.entries[write] = merged;
        }
        Ok(())
    }

    /// How many buckets hold samples of `other` but none of this histogram.
    fn buckets_missing_from(&self, other: &Self) -> usize {
        let mut ours = self.entries.iter().map(|entry| entry.index).peekable();
        let is_missing = |theirs: &&Entry| {
            while ours.next_if(|index| *index < theirs.index).is_some() {}
            ours.peek() != Some(&theirs.index)
        };
        other.entries.iter().filter(is_missing).count()
    }

    /// Takes away the samples of another histogram that was merged into this one.
    ///
    /// The exact inverse of [`merge`](Self::merge): what remains is as if they had never been in.
    ///
    /// # Errors
    ///
    /// [`NotContained`] when `other` has more samples in some bucket than this histogram; it is
    /// then unchanged.
    pub fn subtract(&mut self, other: &Self) -> Result<(), NotContained> {
        self.check_contains(other)?;
        let mut theirs = other.entries.iter().peekable();
        self.entries.retain_mut(|entry| {
            if let Some(taken) = theirs.next_if(|taken| taken.index == entry.index) {
                entry.count -= taken.count;
            }
            entry.count > 0
        });
        self.total -= other.total;
        Ok(())
    }

    /// Whether every bucket has at least the samples that `other` has in it.
    fn check_contains(&self, other: &Self) -> Result<(), NotContained> {
        let mut ours = self.entries.iter().peekable();
        for theirs in &other.entries {
            while ours.next_if(|entry| entry.index < theirs.index).is_some() {}
            let held =
                ours.next_if(|entry| entry.index == theirs.index).map_or(0, |entry| entry.count);
            if held < theirs.count {
                let lowest = lowest_in(theirs.index);
                return Err(NotContained { lowest, held, taken: theirs.count });
            }
        }
        Ok(())
    }

    /// The standard HdrHistogram V2 encoding, byte for byte what the `hdrhistogram` crate writes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the [encoding](Self::encode) to `bytes`.
    pub fn encode_into(&self, bytes: &mut Vec<u8>) {
        v2::encode(&self.entries, bytes);
    }

    /// Reads a histogram from bytes that anyone may have written.
    ///
    /// Memory and time are bounded by the length of the input. Accepted is whatever means a
    /// histogram of this layout, also where [`encode`](Self::encode) would have written it
    /// otherwise (see `FORMAT.md`): decoding and encoding again gives the standard form.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] says what is wrong and where.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let payload = v2::payload_of(bytes)?;
        // Every byte is at most one entry. Written always, kept only with samples: no branch.
        let mut entries = vec![Entry::default(); payload.len()];
        let mut kept = 0;
        let total = v2::visit_counts(payload, |entry| {
            entries[kept] = entry;
            kept += usize::from(entry.count > 0);
        })?;
        entries.truncate(kept);
        entries.shrink_to_fit();
        Ok(Self { entries, total })
    }
}

const fn index_to_record(latency: Micros) -> u16 {
    let clamped = if latency.get() < LOWEST.get() {
        LOWEST
    } else if latency.get() > HIGHEST.get() {
        HIGHEST
    } else {
        latency
    };
    index_of(clamped)
}

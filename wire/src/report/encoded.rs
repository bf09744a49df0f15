//! A histogram that stays in its encoding.

use std::fmt;

use crate::histogram::{Bucket, DecodeError, LatencyHistogram, visit_encoded};

/// The bytes of a latency histogram, known to decode, and the number of its samples.
///
/// An aggregator merges encoded histograms into a rollup without looking at most of them in any
/// other way, so a report keeps the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedHistogram {
    bytes: Vec<u8>,
    count: u64,
}

impl EncodedHistogram {
    /// Checks that the bytes are a histogram, and takes them.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] where they are not.
    pub fn new(bytes: Vec<u8>) -> Result<Self, DecodeError> {
        let count = visit_encoded(&bytes, |_| ())?;
        Ok(Self { bytes, count })
    }

    /// The bytes, in the HdrHistogram V2 encoding.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of samples.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Calls `visit` for each bucket that holds samples, from the shortest latency to the longest:
    /// what [`decode`](Self::decode) would find, without keeping it.
    pub fn visit_buckets(&self, visit: impl FnMut(Bucket)) {
        let visited = visit_encoded(&self.bytes, visit);
        debug_assert!(visited.is_ok(), "the bytes were checked when they were taken");
    }

    /// Decodes the histogram.
    ///
    /// # Errors
    ///
    /// None in practice: the bytes were checked when they were taken.
    pub fn decode(&self) -> Result<LatencyHistogram, DecodeError> {
        LatencyHistogram::decode(&self.bytes)
    }
}

impl From<&LatencyHistogram> for EncodedHistogram {
    fn from(histogram: &LatencyHistogram) -> Self {
        Self { bytes: histogram.encode(), count: histogram.count() }
    }
}

/// Prints what it holds rather than its bytes: `60 samples, 181.2 ms to 240.1 ms, in 127 bytes`.
impl fmt::Debug for EncodedHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples", self.count)?;
        if let Ok(histogram) = self.decode()
            && let (Some(min), Some(max)) = (histogram.min(), histogram.max())
        {
            write!(f, ", {min} to {max}")?;
        }
        write!(f, ", in {} bytes", self.bytes.len())
    }
}

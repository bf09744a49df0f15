//! Latency histograms that merge, subtract and travel without losing a count.
//!
//! A [`LatencyHistogram`] counts samples in the buckets of an HdrHistogram (Gil Tene,
//! <http://hdrhistogram.org>) of 1 µs to 60 s with 3 significant digits. Below 2.048 ms a bucket is
//! one microsecond wide; above, the latencies in a bucket differ by less than 1/1024 (0.098 %),
//! which is the only error a histogram adds to what was measured. The layout is fixed by the protocol
//! version, so any two histograms merge by adding their counts bucket by bucket: exact,
//! associative, commutative, and undone by subtraction.
//!
//! - [`LatencyHistogram`] holds only the buckets that have samples. A minute of one series is a few
//!   dozen samples, where the dense array would take 136 KiB.
//! - [`HistogramMerger`] is the fast path of the aggregator: it adds up encoded histograms in a
//!   dense array that it reuses, and touches only the buckets that hold samples.
//! - [`visit_encoded`] looks through an encoded one without keeping it.
//! - The encoding is the standard HdrHistogram V2 one without compression, which HdrHistogram
//!   libraries of other languages read. Decoding is made for hostile bytes; see [`DecodeError`].
//! - [`log`] writes them as the text log that HdrHistogram's analysers open.
//!
//! Percentiles must never be averaged: merge the histograms, then ask for the quantile. Failed
//! attempts have no latency and are counted beside the histogram, not in it.

mod error;
mod layout;
pub mod log;
mod merger;
mod read;
mod sparse;
mod v2;

pub use error::{CountOverflow, DecodeError, NotContained};
pub use layout::{HIGHEST, LOWEST, SIGNIFICANT_DIGITS};
pub use merger::HistogramMerger;
pub use read::{Bucket, visit_encoded};
pub use sparse::{LatencyHistogram, MAX_COUNT};
pub use v2::{HEADER_BYTES, MAX_ENCODED_BYTES};

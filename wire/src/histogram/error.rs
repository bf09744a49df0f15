//! What can go wrong with histograms.

use super::sparse::MAX_COUNT;
use super::v2::{HEADER_BYTES, MAX_ENCODED_BYTES};
use crate::units::Micros;

/// More samples than the format can count ([`MAX_COUNT`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{held} and {added} samples together exceed the limit of {MAX_COUNT}")]
pub struct CountOverflow {
    /// Samples that were counted already.
    pub held: u64,
    /// Samples that were to be added.
    pub added: u64,
}

/// A histogram was to be subtracted from one that does not contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot take {taken} samples from the {held} in the bucket that begins at {lowest}")]
pub struct NotContained {
    /// Shortest latency of the first bucket that has too few samples.
    pub lowest: Micros,
    /// Samples in that bucket.
    pub held: u64,
    /// Samples that were to be taken from it.
    pub taken: u64,
}

/// Bytes that are not an encoded histogram of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No histogram of this layout takes so many bytes; nothing was looked at.
    #[error("{bytes} bytes exceed the {MAX_ENCODED_BYTES} that a histogram can take")]
    TooLong {
        /// Length of the input.
        bytes: usize,
    },
    /// Not even a header.
    #[error("{bytes} bytes cannot hold the header of {HEADER_BYTES} bytes")]
    TooShort {
        /// Length of the input.
        bytes: usize,
    },
    /// HdrHistogram's compressed form. Reports are compressed as a whole, histograms in them are not.
    #[error("deflate-compressed histograms are not accepted")]
    Compressed,
    /// The first four bytes are not the mark of the HdrHistogram V2 encoding.
    #[error("cookie {cookie:#010x} is not that of an HdrHistogram V2 encoding")]
    Cookie {
        /// The first four bytes.
        cookie: u32,
    },
    /// The header claims another length than was received: cut off, or followed by something else.
    #[error("header claims {claimed} bytes of counts, {received} follow it")]
    PayloadLength {
        /// Length in the header.
        claimed: u32,
        /// Bytes after the header.
        received: usize,
    },
    /// A header field differs from the one value that the protocol allows.
    #[error("header has {field} {found:#x}, the protocol {expected:#x}")]
    Header {
        /// Which field.
        field: &'static str,
        /// Its value, as an unsigned number.
        found: u64,
        /// The value it must have.
        expected: u64,
    },
    /// The last number is cut off.
    #[error("number at byte {offset} is cut off")]
    Truncated {
        /// Where in the input the number begins.
        offset: usize,
    },
    /// A count, or a run of empty buckets, beyond the last bucket.
    #[error("number at byte {offset} leads beyond the last bucket")]
    BeyondLastBucket {
        /// Where in the input that number begins.
        offset: usize,
    },
    /// The samples, alone or with those merged before, are too many to count.
    #[error(transparent)]
    Overflow(#[from] CountOverflow),
}

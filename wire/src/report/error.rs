//! What can be wrong with a report, and where.

use std::fmt;

use crate::histogram;
use crate::id::{IdError, VantageId};
use crate::report::bounds::{MAX_ENVELOPE_BYTES, MAX_REPORT_BYTES};
use crate::report::envelope::{FORMAT_VERSION, SIGNATURE_BYTES};
use crate::window::WindowError;

/// Bytes that are no report, or a report that cannot be put into bytes.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The envelope is longer than the limit; nothing was looked at.
    #[error("envelope of {bytes} bytes exceeds the limit of {MAX_ENVELOPE_BYTES}")]
    EnvelopeTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The format version is not the one that this software reads.
    #[error("format version {found} is not supported, only {FORMAT_VERSION}")]
    Version {
        /// The version in the envelope; 0 where there is none.
        found: u32,
    },
    /// The signature has the wrong length.
    #[error("signature has {bytes} bytes instead of {SIGNATURE_BYTES}")]
    Signature {
        /// Its length.
        bytes: usize,
    },
    /// The envelope was signed for one vantage point, the report speaks of another.
    #[error("envelope is from {envelope}, the report in it from {report}")]
    VantageMismatch {
        /// Named in the envelope.
        envelope: VantageId,
        /// Named in the report.
        report: VantageId,
    },
    /// The body is no zstd frame, or one that needs more memory than is granted, or compressing
    /// failed.
    #[error("body cannot be compressed or inflated")]
    Compression(#[source] std::io::Error),
    /// There is something after the end of the zstd frame.
    #[error("{bytes} bytes follow the compressed report")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// The report is longer than the limit.
    #[error("report exceeds the limit of {MAX_REPORT_BYTES} bytes")]
    ReportTooLarge,
    /// The bytes are not protobuf. Found before prost was asked.
    #[error("protobuf is malformed {remaining} bytes before the end of a message")]
    Malformed {
        /// How many bytes of the innermost message were left.
        remaining: usize,
    },
    /// More elements of a kind than the limit.
    #[error("more than {limit} {what}")]
    TooMany {
        /// The elements.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// The bytes are protobuf, but not this message.
    #[error("bytes are no {message}")]
    Protobuf {
        /// The message that was expected.
        message: &'static str,
        /// What prost found.
        #[source]
        source: prost::DecodeError,
    },
    /// A field has an impossible value.
    #[error("{location}: {problem}")]
    Invalid {
        /// Which field.
        location: Location,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What is wrong with the value of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The field must be there.
    #[error("missing")]
    Missing,
    /// A name that breaks the rule for names.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A byte string of the wrong length.
    #[error("has {found} bytes instead of {expected}")]
    Length {
        /// How many bytes it has.
        found: usize,
        /// How many it should have.
        expected: &'static str,
    },
    /// A number outside its range.
    #[error("{found} is not within {lowest} to {highest}")]
    Range {
        /// The number.
        found: u64,
        /// The lowest allowed.
        lowest: u64,
        /// The highest allowed.
        highest: u64,
    },
    /// A window that cannot be.
    #[error(transparent)]
    Window(#[from] WindowError),
    /// An index into a list that has no such element.
    #[error("index {index} points beyond the {length} elements of the list")]
    Index {
        /// The index, counted from 0.
        index: u32,
        /// How many elements the list has.
        length: usize,
    },
    /// The same key for the second time.
    #[error("occurs twice")]
    Duplicate,
    /// Bytes that are no histogram.
    #[error("not a histogram: {0}")]
    Histogram(#[from] histogram::DecodeError),
    /// A count of nothing, which is expressed by leaving it out.
    #[error("counts nothing")]
    Zero,
    /// Counts that add up to more than 64 bits hold.
    #[error("counts overflow")]
    Overflow,
    /// A count that contradicts others.
    #[error("counts {found} where {expected} is expected")]
    Count {
        /// The count.
        found: u64,
        /// What follows from the other counts.
        expected: u64,
    },
    /// A part that counts more than the whole.
    #[error("counts {found} of only {whole} attempts")]
    MoreThanWhole {
        /// The part.
        found: u64,
        /// The whole.
        whole: u64,
    },
}

/// A field of a report: `windows[3].tallies[7].ok`. Indices count from 0, in the order of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Innermost first: it grows as an error travels outwards.
    steps: Vec<(&'static str, Option<usize>)>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, (field, index)) in self.steps.iter().rev().enumerate() {
            if depth > 0 {
                f.write_str(".")?;
            }
            f.write_str(field)?;
            if let Some(index) = index {
                write!(f, "[{index}]")?;
            }
        }
        Ok(())
    }
}

/// A problem on its way outwards, gathering its location.
#[derive(Debug)]
pub(super) struct Invalid {
    location: Location,
    problem: Problem,
}

impl From<Invalid> for ReportError {
    fn from(Invalid { location, problem }: Invalid) -> Self {
        Self::Invalid { location, problem }
    }
}

impl<P: Into<Problem>> From<P> for Invalid {
    fn from(problem: P) -> Self {
        Self { location: Location { steps: Vec::new() }, problem: problem.into() }
    }
}

/// Adds where a problem was met to what it is.
pub(super) trait Locate<T> {
    /// The problem is in this field.
    fn field(self, name: &'static str) -> Result<T, Invalid>;
    /// The problem is in this element of a repeated field.
    fn item(self, name: &'static str, index: usize) -> Result<T, Invalid>;
}

impl<T, E: Into<Invalid>> Locate<T> for Result<T, E> {
    fn field(self, name: &'static str) -> Result<T, Invalid> {
        self.map_err(|error| step(error.into(), name, None))
    }

    fn item(self, name: &'static str, index: usize) -> Result<T, Invalid> {
        self.map_err(|error| step(error.into(), name, Some(index)))
    }
}

fn step(mut invalid: Invalid, name: &'static str, index: Option<usize>) -> Invalid {
    invalid.location.steps.push((name, index));
    invalid
}

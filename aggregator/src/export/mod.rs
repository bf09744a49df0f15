//! What was measured, written out for other tools: [`Row`]s in, bytes out.
//!
//! A row is one phase of one probe in one interval: a window, or a roll-up of an hour or a day.
//! Nothing here knows the store: the caller reads rows and hands them to a [`RowWriter`], which
//! writes them as they come and holds none back (Parquet: a group of rows at most).
//!
//! | format | what it has |
//! |---|---|
//! | [`Format::Csv`] | one line a row, RFC 4180; the [columns](COLUMNS) never change their order |
//! | [`Format::JsonLines`] | one object a line, with the same names; failures one by one, with their last detail |
//! | [`Format::HistogramLog`] | the latencies in full, for the tools of HdrHistogram; no failures |
//! | `Format::Parquet` | the columns of CSV with types (cargo feature `parquet`) |
//!
//! Counts of attempts and failures are of the probe, not of the phase: they are repeated in the
//! rows of all its phases, and must not be added up over phases.

mod columns;
mod csv;
mod histogram_log;
pub mod influx;
mod json_lines;
#[cfg(feature = "parquet")]
mod parquet;
mod row;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;

pub use columns::{COLUMNS, Column, Kind};
pub use csv::{CsvWriter, quoted};
pub use histogram_log::HistogramLogWriter;
pub use json_lines::JsonLinesWriter;
#[cfg(feature = "parquet")]
pub use parquet::ParquetWriter;
pub use row::Row;

/// Writes rows in one format.
pub trait RowWriter {
    /// Writes a row.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    fn write(&mut self, row: &Row) -> io::Result<()>;

    /// Writes what remains, and flushes. Without it the output is not complete.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A format to write rows in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// JSON, one object a line.
    JsonLines,
    /// The text log of HdrHistogram.
    HistogramLog,
    /// Apache Parquet.
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Format {
    /// All that this build can write.
    pub const ALL: &'static [Self] = &[
        Self::Csv,
        Self::JsonLines,
        Self::HistogramLog,
        #[cfg(feature = "parquet")]
        Self::Parquet,
    ];

    /// As it is asked for.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::HistogramLog => "hlog",
            #[cfg(feature = "parquet")]
            Self::Parquet => "parquet",
        }
    }

    /// A writer of this format, that has written the format's head. No row starts before `began`.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn writer<'w>(
        self,
        to: impl Write + Send + 'w,
        began: Timestamp,
    ) -> io::Result<Box<dyn RowWriter + 'w>> {
        Ok(match self {
            Self::Csv => Box::new(CsvWriter::new(to)?),
            Self::JsonLines => Box::new(JsonLinesWriter::new(to)),
            Self::HistogramLog => Box::new(HistogramLogWriter::new(to, began)?),
            #[cfg(feature = "parquet")]
            Self::Parquet => Box::new(ParquetWriter::new(to)?),
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

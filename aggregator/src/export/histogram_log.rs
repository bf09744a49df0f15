//! The text log of `HdrHistogram`.

use std::io::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use vantage_wire::histogram::log;

use super::RowWriter;
use super::row::Row;

const NOTE: &str = "Histograms of vantage export, in microseconds; tags are \
                    PHASE@MARKET/VANTAGE/TARGET/PROBE/FAMILY, and /warm for open connections";

/// Writes the latencies of rows as a text log of HdrHistogram. Rows without latencies have no line:
/// failures are no part of this format.
pub struct HistogramLogWriter<W> {
    to: W,
    began: Timestamp,
}

impl<W: Write> HistogramLogWriter<W> {
    /// Writes the head of the log. No row may start before `began`.
    ///
    /// # Errors
    ///
    /// Those of what is written to; [`io::ErrorKind::InvalidInput`] where the log would begin before
    /// 1970.
    pub fn new(mut to: W, began: Timestamp) -> io::Result<Self> {
        let since_epoch = between(Timestamp::UNIX_EPOCH, began)?;
        to.write_all(log::header(&[NOTE], since_epoch).as_bytes())?;
        Ok(Self { to, began })
    }
}

impl<W: Write> RowWriter for HistogramLogWriter<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        let Some(longest) = row.latencies.max() else { return Ok(()) };
        let (probe, warm) = (&row.probe, if row.probe.warm { "/warm" } else { "" });
        let tag = format!(
            "{}@{}/{}/{}/{}/{}{warm}",
            row.phase, row.market, row.vantage, probe.target, probe.probe, probe.family
        );
        let after = between(self.began, row.start)?;
        let length = Duration::from_secs(row.length_s);
        let line = log::line(&tag, after, length, longest, &row.latencies);
        self.to.write_all(line.as_bytes())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.to.flush()
    }
}

fn between(from: Timestamp, to: Timestamp) -> io::Result<Duration> {
    let before = |_| io::Error::new(io::ErrorKind::InvalidInput, format!("{to} is before {from}"));
    to.duration_since(from).try_into().map_err(before)
}

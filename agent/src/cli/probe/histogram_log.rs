//! `--histogram FILE`: the text log of `HdrHistogram`, version 1.3, that its analysers open.
//!
//! Format: `HistogramLogWriter` of the Java library. One line for each target and phase, spanning
//! the whole run: a tag, the start and length of the interval in seconds, its longest time in
//! milliseconds, and the histogram: V2 encoding, deflated (zlib), in base64. Times in the
//! histograms are microseconds.

use std::io::{self, Write};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use vantage_wire::LatencyHistogram;

use super::tally::Tally;

/// V2, deflated, whose counts are whole numbers of variable length.
const COOKIE: u32 = 0x1c84_9304 | 0x10;

/// Writes the log of a run that began so long after the Unix epoch and lasted so long.
///
/// # Errors
/// The writer's.
pub fn write(
    to: &mut impl Write,
    tallies: &[Tally],
    began: Duration,
    lasted: Duration,
) -> io::Result<()> {
    writeln!(to, "#[Histograms of vantage-agent probe, in microseconds; tags are PHASE@TARGET]")?;
    writeln!(to, "#[A histogram counts from 1 microsecond: shorter times are counted as 1]")?;
    writeln!(to, "#[Histogram log format version 1.3]")?;
    writeln!(to, "#[StartTime: {:.3} (seconds since epoch)]", began.as_secs_f64())?;
    writeln!(
        to,
        "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
    )?;
    for tally in tallies {
        for phase in tally.completed() {
            let longest_ms = tally.longest(phase).get() as f64 / 1e3;
            writeln!(
                to,
                "Tag={},0.000,{:.3},{longest_ms:.3},{}",
                tag(&format!("{phase}@{}", tally.target)),
                lasted.as_secs_f64(),
                STANDARD.encode(compressed(tally.histogram(phase))?),
            )?;
        }
    }
    to.flush()
}

/// A tag may hold no separator of the format.
fn tag(text: &str) -> String {
    text.chars()
        .map(|c| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c })
        .collect()
}

fn compressed(histogram: &LatencyHistogram) -> io::Result<Vec<u8>> {
    let mut deflated = ZlibEncoder::new(Vec::new(), Compression::default());
    deflated.write_all(&histogram.encode())?;
    let deflated = deflated.finish()?;
    let length = u32::try_from(deflated.len()).map_err(io::Error::other)?;
    let mut bytes = Vec::with_capacity(8 + deflated.len());
    bytes.extend(COOKIE.to_be_bytes());
    bytes.extend(length.to_be_bytes());
    bytes.extend(deflated);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use vantage_wire::Phase;
    use vantage_wire::report::ProbeKind;

    use super::*;
    use crate::attempt::Attempt;

    /// The Python package `hdrhistogram` 0.10 reads the golden file as 1000 values with these
    /// quantiles: 50 % 500 223 µs, 99 % 990 207 µs, 100 % 1 000 447 µs (upper ends of buckets).
    #[test]
    fn other_libraries_open_the_log() {
        let mut tally = Tally::new("api.test, spaced", ProbeKind::Icmp);
        for ms in 1..=1_000 {
            let mut attempt = Attempt::new();
            attempt.phases.set(Phase::Rtt, Duration::from_millis(ms));
            tally.add(&attempt);
        }
        let mut bytes = Vec::new();
        let began = Duration::from_secs(1_700_000_000);
        write(&mut bytes, &[tally], began, Duration::from_millis(12_500)).unwrap();
        let found = String::from_utf8(bytes).unwrap();
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/probe.hlog");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(golden).unwrap());
    }
}

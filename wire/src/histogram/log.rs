//! The text log of `HdrHistogram`, version 1.3, that its analysers open.
//!
//! Format: `HistogramLogWriter` of the Java library. After a header, one line for each interval: a
//! tag, when it starts and how long it is in seconds, its longest time in milliseconds, and the
//! histogram: V2 encoding, deflated (zlib), in base64. Times in the histograms are microseconds.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::LatencyHistogram;
use crate::units::Micros;

/// V2, deflated, whose counts are whole numbers of variable length.
const COOKIE: u32 = 0x1c84_9304 | 0x10;

/// The head of a log whose intervals start at or after a time, given since the Unix epoch. `notes`
/// are lines for people.
pub fn header(notes: &[&str], began: Duration) -> String {
    let mut text = String::new();
    for note in notes {
        // Writing into a string does not fail.
        let _ = writeln!(text, "#[{note}]");
    }
    let _ = write!(
        text,
        "#[A histogram counts from 1 microsecond: shorter times are counted as 1]\n\
         #[Histogram log format version 1.3]\n\
         #[StartTime: {:.3} (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        began.as_secs_f64()
    );
    text
}

/// The line of an interval that starts so long `after` the log's start.
///
/// Separators of the format become `_` in the tag. `longest` may lie beyond what a histogram holds.
pub fn line(
    tag: &str,
    after: Duration,
    length: Duration,
    longest: Micros,
    histogram: &LatencyHistogram,
) -> String {
    let tag: String = tag
        .chars()
        .map(|c| if c == ',' || c.is_whitespace() || c.is_control() { '_' } else { c })
        .collect();
    format!(
        "Tag={tag},{:.3},{:.3},{:.3},{}\n",
        after.as_secs_f64(),
        length.as_secs_f64(),
        longest.get() as f64 / 1e3,
        STANDARD.encode(compressed(histogram)),
    )
}

fn compressed(histogram: &LatencyHistogram) -> Vec<u8> {
    let deflated = deflated(&histogram.encode());
    let mut bytes = Vec::with_capacity(8 + deflated.len());
    bytes.extend(COOKIE.to_be_bytes());
    #[expect(clippy::cast_possible_truncation, reason = "about as long as an encoded histogram")]
    let length = deflated.len() as u32;
    bytes.extend(length.to_be_bytes());
    bytes.extend(deflated);
    bytes
}

#[expect(clippy::expect_used, reason = "writing into memory does not fail")]
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes all bytes")
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    #[test]
    fn another_implementation_reads_the_log() {
        let samples = (1..=1_000).map(Micros::from_millis);
        let histogram = LatencyHistogram::from_samples(samples);
        let mut log = header(&["for people"], Duration::from_secs(1_700_000_000));
        let (after, length) = (Duration::from_mins(1), Duration::from_millis(12_500));
        log += &line("total@a b,c", after, length, Micros::from_secs(61), &histogram);

        let entries: Vec<_> =
            IntervalLogIterator::new(log.as_bytes()).collect::<Result<_, _>>().unwrap();
        assert!(matches!(entries[0], LogEntry::StartTime(t) if t.as_secs() == 1_700_000_000));
        let LogEntry::Interval(interval) = &entries[1] else { panic!("{entries:?}") };
        assert_eq!(interval.tag().unwrap().as_str(), "total@a_b_c");
        assert_eq!((interval.start_timestamp(), interval.duration()), (after, length));
        assert!((interval.max() - 61_000.0).abs() < 1e-9);
        let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!(read.len(), 1_000);
        assert_eq!(read.value_at_quantile(0.5), histogram.quantile(0.5).unwrap().get());
    }
}

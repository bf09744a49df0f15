use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use jiff::Timestamp;
use vantage_wire::failure::Detail;
use vantage_wire::report::{FailureCount, Family, ProbeKey, ProbeKind};
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

use super::*;

const BEGAN: i64 = 1_700_000_000 / 3_600 * 3_600;

fn rows() -> Vec<Row> {
    let probe = ProbeKey {
        target: "oregon-api".parse().unwrap(),
        probe: "https".parse().unwrap(),
        kind: ProbeKind::Http,
        family: Family::V4,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    };
    let failure = |count, detail| FailureCount { count, last_detail: Detail::new(detail) };
    let whole = Row {
        market: "hk".parse().unwrap(),
        vantage: "hk-1".parse().unwrap(),
        probe,
        phase: Phase::Total,
        start: Timestamp::from_second(BEGAN).unwrap(),
        length_s: 3_600,
        covered_s: 3_540,
        ok: 1_000,
        degraded: 2,
        failures: BTreeMap::from([
            ((FailureCode::TcpTimeout, Phase::Connect), failure(3, "")),
            ((FailureCode::Http5xx, Phase::Request), failure(1, "status 503, \"busy\"")),
            ((FailureCode::AgentMissedSlot, Phase::Total), failure(7, "")),
        ]),
        addresses: ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()].into(),
        latencies: LatencyHistogram::from_samples((1..=1_000).map(Micros::from_millis)),
    };
    let tls = Row { phase: Phase::Tls, latencies: LatencyHistogram::new(), ..whole.clone() };
    let mut warm = Row {
        start: Timestamp::from_second(BEGAN + 3_600).unwrap(),
        ok: 1,
        degraded: 0,
        failures: BTreeMap::new(),
        addresses: BTreeSet::new(),
        latencies: LatencyHistogram::from_samples([Micros::new(812)]),
        ..whole.clone()
    };
    warm.probe.warm = true;
    vec![whole, tls, warm]
}

fn written(format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = format.writer(&mut bytes, Timestamp::from_second(BEGAN).unwrap()).unwrap();
    for row in rows() {
        writer.write(&row).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn golden(format: Format) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/export");
    PathBuf::from(folder).join(format!("rows.{format}"))
}

/// What is written, once it is what the golden file has.
fn checked(format: Format) -> String {
    let found = String::from_utf8(written(format)).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden(format), &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(golden(format)).unwrap());
    found
}

#[test]
fn csv_has_every_column_in_every_row() {
    let text = checked(Format::Csv);
    let lines: Vec<Vec<&str>> =
        text.split_terminator("\r\n").map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.len() == COLUMNS.len()));
    let cell = |row: usize, name: &str| {
        lines[row][lines[0].iter().position(|column| *column == name).unwrap()]
    };
    assert_eq!((cell(1, "failed_path"), cell(1, "failed_agent")), ("3", "7"));
    assert_eq!(
        cell(1, "failures"),
        "tcp_timeout@connect=3;http_5xx@request=1;agent_missed_slot@total=7"
    );
    assert_eq!((cell(2, "count"), cell(2, "p95_us")), ("0", ""));
    assert_eq!((cell(3, "warm"), cell(3, "p50_us")), ("true", "812"));
}

#[test]
fn fields_with_separators_are_quoted() {
    assert_eq!(quoted("plain"), "plain");
    assert_eq!(quoted("a,b"), "\"a,b\"");
    assert_eq!(quoted("say \"no\""), "\"say \"\"no\"\"\"");
    assert_eq!(quoted("two\nlines"), "\"two\nlines\"");
}

#[test]
fn every_line_is_a_json_object_with_the_same_names() {
    let text = checked(Format::JsonLines);
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["failures"][1]["last_detail"], "status 503, \"busy\"");
    assert_eq!(lines[0]["failures"][1]["attribution"], "target");
    assert_eq!(lines[1]["p95_us"], serde_json::Value::Null);
    for line in &lines {
        let named =
            |column: &Column| line.get(column.name).is_some() || column.name.starts_with("failed_");
        assert!(COLUMNS.iter().all(named), "{line}");
    }
}

#[test]
fn another_implementation_reads_the_histograms() {
    let text = checked(Format::HistogramLog);
    let entries: Vec<_> =
        IntervalLogIterator::new(text.as_bytes()).collect::<Result<_, _>>().unwrap();
    let intervals: Vec<_> = entries
        .iter()
        .filter_map(|entry| if let LogEntry::Interval(each) = entry { Some(each) } else { None })
        .collect();
    let tags: Vec<_> = intervals.iter().map(|interval| interval.tag().unwrap().as_str()).collect();
    let tag = "total@hk/hk-1/oregon-api/https/v4";
    assert_eq!(tags, [tag, &format!("{tag}/warm")]);
    assert_eq!(intervals[1].start_timestamp(), Duration::from_hours(1));
    let bytes = base64::prelude::BASE64_STANDARD.decode(intervals[0].encoded_histogram()).unwrap();
    let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
    let median = rows()[0].latencies.quantile(0.5).unwrap().get();
    assert_eq!((read.len(), read.value_at_quantile(0.5)), (1_000, median));
}

#[test]
fn a_row_before_the_start_of_the_log_is_an_error() {
    let later = Timestamp::from_second(BEGAN + 1).unwrap();
    let mut writer = Format::HistogramLog.writer(Vec::new(), later).unwrap();
    let error = writer.write(&rows()[0]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[cfg(feature = "parquet")]
mod parquet_file {
    use std::fs::File;
    use std::io::Write as _;
    use std::path::Path;

    use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
    use ::parquet::record::Field;

    use super::*;
    use crate::export::columns::Cell;

    fn read(path: &Path) -> Vec<Vec<(String, Field)>> {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().into_columns()).collect()
    }

    fn field(cell: Cell) -> Field {
        match cell {
            Cell::Text(text) => Field::Str(text),
            Cell::Flag(flag) => Field::Bool(flag),
            Cell::Count(count) => Field::Long(i64::try_from(count).unwrap()),
            Cell::Number(number) => Field::Double(number),
            Cell::Time(time) => Field::TimestampMicros(time.as_microsecond()),
            Cell::Absent => Field::Null,
        }
    }

    /// The golden file is compared by what it says: other versions of the library lay it out
    /// otherwise.
    #[test]
    fn columns_come_back_with_their_types() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&written(Format::Parquet)).unwrap();
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(golden(Format::Parquet), written(Format::Parquet)).unwrap();
        }
        let expected: Vec<Vec<_>> = rows()
            .iter()
            .map(|row| {
                let names = COLUMNS.iter().map(|column| column.name.to_owned());
                names.zip(row.cells().map(field)).collect()
            })
            .collect();
        assert_eq!(read(file.path()), expected);
        assert_eq!(read(&golden(Format::Parquet)), expected);
    }

    #[test]
    fn more_rows_than_a_group_make_two_groups() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Format::Parquet.writer(&mut file, Timestamp::UNIX_EPOCH).unwrap();
        let row = &rows()[2];
        for _ in 0..65_537 {
            writer.write(row).unwrap();
        }
        writer.finish().unwrap();
        let reader = SerializedFileReader::new(File::open(file.path()).unwrap()).unwrap();
        assert_eq!(reader.metadata().num_row_groups(), 2);
        assert_eq!(reader.metadata().file_metadata().num_rows(), 65_537);
    }
}

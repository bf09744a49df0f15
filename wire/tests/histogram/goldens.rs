//! Agreement with the Python and JavaScript implementations; `testdata/histogram/README.md` says
//! where the files come from and how these two differ.

use std::fs;
use std::path::PathBuf;

use vantage_wire::histogram::{DecodeError, HEADER_BYTES};
use vantage_wire::{LatencyHistogram, Micros};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/histogram").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn decoded(name: &str) -> LatencyHistogram {
    LatencyHistogram::decode(&bytes(&format!("{name}.python.v2"))).unwrap()
}

/// The rows of a table by name; a cell `-` is `None`.
fn rows(table: &str) -> Vec<(String, Vec<Option<f64>>)> {
    let text = fs::read_to_string(path(table)).unwrap();
    let rows: Vec<_> = text
        .lines()
        .skip(1)
        .map(|line| {
            let mut cells = line.split('\t');
            let name = cells.next().unwrap().to_owned();
            (name, cells.map(|cell| cell.parse().ok()).collect())
        })
        .collect();
    assert!(rows.len() >= 6, "{table} has rows missing");
    rows
}

fn as_f64(latency: Option<Micros>) -> Option<f64> {
    latency.map(|latency| latency.get() as f64)
}

#[test]
fn python_facts_are_ours() {
    for (name, facts) in rows("python.tsv") {
        let ours = decoded(&name);
        let found =
            [Some(ours.count() as f64), as_f64(ours.min()), as_f64(ours.max()), ours.mean()];
        assert_eq!(facts, found, "{name}");
    }
}

#[test]
fn javascript_facts_are_ours() {
    for (name, facts) in rows("javascript.tsv") {
        let ours = decoded(&name);
        let quantiles = ours.quantiles(&[0.0, 0.5, 0.9, 0.99, 0.999, 1.0]);
        let found: Vec<_> = [Some(ours.count() as f64), ours.mean()]
            .into_iter()
            .chain(quantiles.into_iter().map(as_f64))
            .collect();
        assert_eq!(facts, found, "{name}");
    }
}

#[test]
fn javascript_counts_are_encoded_to_the_same_bytes() {
    for (name, _) in rows("javascript.tsv") {
        let theirs = bytes(&format!("{name}.javascript.v2"));
        assert_eq!(decoded(&name).encode()[HEADER_BYTES..], theirs[HEADER_BYTES..], "{name}");
    }
}

#[test]
fn python_headers_are_ours() {
    const AFTER_PAYLOAD_LENGTH: std::ops::Range<usize> = 8..HEADER_BYTES;
    let ours = LatencyHistogram::new().encode();
    for (name, _) in rows("python.tsv") {
        let theirs = bytes(&format!("{name}.python.v2"));
        assert_eq!(theirs[AFTER_PAYLOAD_LENGTH], ours[AFTER_PAYLOAD_LENGTH], "{name}");
    }
}

#[test]
fn python_bytes_are_ours_where_no_empty_bucket_stands_alone() {
    for name in ["single", "large_counts", "huge_counts"] {
        assert_eq!(decoded(name).encode(), bytes(&format!("{name}.python.v2")), "{name}");
    }
}

#[test]
fn javascript_header_is_refused() {
    let error = LatencyHistogram::decode(&bytes("wan_60.javascript.v2")).unwrap_err();
    let expected = DecodeError::Header { field: "normalizing index offset", found: 1, expected: 0 };
    assert_eq!(error, expected);
}

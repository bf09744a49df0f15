//! An old reader and a newer writer: messages made by hand, with what version 1 does not know.

use std::collections::BTreeMap;

use vantage_wire::report::{Omitted, ProbeKind, Report};
use vantage_wire::{FailureCode, Phase};

use crate::raw::{bytes, fixed64, number};
use crate::samples;

fn failure(code: u64, phase: u64, count: u64, detail: &str) -> Vec<u8> {
    let parts = [number(1, code), number(2, phase), number(3, count), bytes(4, detail.as_bytes())];
    bytes(4, &parts.concat())
}

fn probe(target: &str, kind: u64, family: u64) -> Vec<u8> {
    let parts = [
        bytes(1, target.as_bytes()),
        bytes(2, b"p"),
        number(3, kind),
        number(4, family),
        number(6, 10_000),
        number(7, 5_000),
    ];
    bytes(5, &parts.concat())
}

fn report(probes: &[Vec<u8>], tallies: &[Vec<u8>]) -> Vec<u8> {
    let tallies: Vec<_> = tallies.iter().map(|tally| bytes(4, tally)).collect();
    let window = [number(2, 60), tallies.concat()].concat();
    [samples::minimal().encode().unwrap(), probes.concat(), bytes(7, &window)].concat()
}

#[test]
fn unknown_failure_codes_and_phases_lose_no_count() {
    let tally = [
        failure(9_000, 2, 3, "new"),
        failure(9_001, 2, 4, "newer"),
        failure(200, 99, 5, ""),
        failure(200, 2, 6, "errno 111"),
    ];
    let bytes = report(&[probe("a", 2, 0)], &[tally.concat()]);
    let decoded = Report::decode(&bytes).unwrap();
    assert_eq!(decoded.omitted, Omitted::default());
    let tally = decoded.report.windows[0].tallies.values().next().unwrap();
    assert_eq!(tally.due(), 18);
    let rows: BTreeMap<_, _> = tally
        .failures
        .iter()
        .map(|(key, row)| (*key, (row.count, row.last_detail.as_str())))
        .collect();
    assert_eq!(
        rows,
        BTreeMap::from([
            ((FailureCode::Unknown, Phase::Connect), (7, "newer")),
            ((FailureCode::TcpRefused, Phase::Connect), (11, "errno 111")),
        ])
    );
}

#[test]
fn unknown_kinds_families_and_phases_are_left_out_and_counted() {
    let histogram = samples::histogram(&[1_000]);
    let phase = |phase| bytes(5, &[number(1, phase), bytes(2, histogram.as_bytes())].concat());
    let probes = [probe("a", 99, 0), probe("b", 2, 5), probe("c", 2, 4)];
    let tallies = [
        [number(1, 0), number(2, 7), failure(200, 2, 2, "")].concat(),
        [number(1, 1), number(2, 1)].concat(),
        [number(1, 2), number(2, 1), phase(6), phase(55)].concat(),
    ];
    let decoded = Report::decode(&report(&probes, &tallies)).unwrap();
    assert_eq!(decoded.omitted, Omitted { probes: 2, attempts: 10, histograms: 1 });
    let tallies = &decoded.report.windows[0].tallies;
    assert_eq!(tallies.len(), 1);
    let (key, tally) = tallies.iter().next().unwrap();
    assert_eq!((key.target.as_str(), key.kind), ("c", ProbeKind::Tcp));
    assert_eq!(tally.phases, BTreeMap::from([(Phase::Total, histogram)]));
}

#[test]
fn unknown_fields_are_ignored() {
    let extra = [bytes(15, b"text"), number(14, 300), fixed64(13)].concat();
    let tally = [failure(200, 2, 5, ""), extra.clone()].concat();
    let plain = report(&[probe("a", 2, 0)], &[failure(200, 2, 5, "")]);
    let newer = [report(&[probe("a", 2, 0)], &[tally]), extra].concat();
    assert_eq!(Report::decode(&newer).unwrap(), Report::decode(&plain).unwrap());
}

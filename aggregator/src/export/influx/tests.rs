use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use influxdb_line_protocol::{FieldValue, ParsedLine, parse_lines};
use jiff::Timestamp;
use vantage_wire::report::{
    EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Tally,
};
use vantage_wire::{FailureCode, HistogramMerger, LatencyHistogram, Micros, Phase};

use super::fields::{FieldType, Measurement, can_fail_with, measurements};
use super::latency::{Part, Place, gather};
use super::lines::Lines;
use super::{agent, score};
use crate::agents::{Agent, State};
use crate::analysis::{BlockLength, FailureRate, Interval, Ranking, Rankings, Standing, Verdict};
use crate::answers::{ProbeChoice, Question, Range, RankingsAnswer};
use crate::catalogue::Catalogue;

/// 2026-03-02 00:00 UTC.
const MONDAY: i64 = 1_772_409_600;

const CATALOGUE: &str = r#"
[[market]]
id = "hk"
name = "Hong Kong"
weight = 1
time_zone = "Asia/Hong_Kong"

[[site]]
id = "oregon"
country = "US"

[[service]]
id = "shop"
host = "shop.example"
sites = ["oregon"]

[[target]]
id = "oregon-web"
site = "oregon"
host = "oregon.example"
[[target.probe]]
id = "https"
kind = "http"
url = "https://oregon.example/"

[[target]]
id = "shop-web"
service = "shop"
host = "shop.example"
[[target.probe]]
id = "ping"
kind = "icmp"
"#;

fn key(target: &str, probe: &str, kind: ProbeKind) -> ProbeKey {
    ProbeKey {
        target: target.parse().unwrap(),
        probe: probe.parse().unwrap(),
        kind,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    }
}

fn histogram(samples_ms: &[u64]) -> EncodedHistogram {
    let samples = samples_ms.iter().map(|ms| Micros::from_millis(*ms));
    EncodedHistogram::from(&LatencyHistogram::from_samples(samples))
}

fn failures(rows: &[(FailureCode, u64)]) -> BTreeMap<(FailureCode, Phase), FailureCount> {
    let row = |count| FailureCount { count, last_detail: "".into() };
    rows.iter().map(|(code, count)| ((*code, code.default_phase()), row(*count))).collect()
}

/// Lines of parts that start at the same time.
fn lines<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Lines {
    let catalogue = Catalogue::parse("test", CATALOGUE).unwrap();
    let place = Place { market: "hk".parse().unwrap(), vantage: "hk-1".parse().unwrap() };
    let (series, faults) = gather(parts, &mut HistogramMerger::new());
    assert!(faults.is_empty(), "{faults:?}");
    let mut lines = Lines::default();
    for each in series {
        each.write(&place, MONDAY, &catalogue, &mut lines);
    }
    lines
}

fn latencies() -> Lines {
    let https = Tally {
        ok: 4,
        degraded: 1,
        failures: failures(&[
            (FailureCode::TcpTimeout, 1),
            (FailureCode::Http5xx, 2),
            (FailureCode::DnsTimeout, 1),
            (FailureCode::AgentMissedSlot, 3),
            (FailureCode::Http429, 1),
        ]),
        phases: BTreeMap::from([
            (Phase::Connect, histogram(&[1, 1, 2, 70, 71])),
            (Phase::Total, histogram(&[3, 4, 140, 150])),
        ]),
        addresses: BTreeSet::new(),
    };
    let ping = Tally { failures: failures(&[(FailureCode::IcmpTimeout, 2)]), ..Tally::default() };
    let warm =
        ProbeKey { family: Family::V6, warm: true, ..key("gone-web", "https", ProbeKind::Http) };
    let one = Tally {
        ok: 1,
        phases: BTreeMap::from([(Phase::Total, histogram(&[60_000]))]),
        ..Tally::default()
    };
    lines([
        (&key("oregon-web", "https", ProbeKind::Http), 60, &https),
        (&key("shop-web", "ping", ProbeKind::Icmp), 60, &ping),
        (&warm, 600, &one),
    ])
}

fn standing(site: &str, rank: Option<usize>, verdict: Option<Verdict>) -> Standing {
    let interval = |low, high| rank.map(|_| Interval { low, high });
    Standing {
        site: site.parse().unwrap(),
        rank,
        verdict,
        may_be_best: rank.map(|rank| rank == 1),
        score_us: rank.map(|rank| 160_000.5 * rank as f64),
        score_interval_us: interval(150_000.0, 170_000.25),
        behind_best_us: rank.filter(|rank| *rank > 1).map(|_| 420_000.0),
        behind_best_interval_us: rank
            .filter(|rank| *rank > 1)
            .map(|_| Interval { low: 408_000.0, high: 433_000.0 }),
        failures: FailureRate {
            attempts: 19_920,
            failed: 30,
            rate: rank.map(|_| 0.0015),
            interval: interval(0.001, 0.0022),
            resolution: None,
        },
        excused: 0,
        coverage: rank.map(|_| 0.98),
        blocks: 28,
        shortage: None,
    }
}

fn scores() -> Lines {
    let ranking = |sites| Ranking {
        blocks: BlockLength::Day,
        threshold_us: None,
        sites,
        caveats: Vec::new(),
    };
    let moment = |text: &str| text.parse().unwrap();
    let sites = vec![
        standing("oregon", Some(1), Some(Verdict::Better)),
        standing("beijing", Some(2), Some(Verdict::Worse)),
        standing("mumbai", None, Some(Verdict::Undersampled)),
    ];
    let answer = RankingsAnswer {
        question: Question {
            range: Range::between(moment("2026-02-01"), moment("2026-03-02")).unwrap(),
            probe: ProbeChoice::Kind(ProbeKind::Http),
            phase: Phase::Total,
            score: "p95".parse().unwrap(),
            blocks: BlockLength::Day,
        },
        rankings: Rankings {
            markets: BTreeMap::from([("hk".parse().unwrap(), ranking(sites))]),
            overall: ranking(vec![standing("oregon", Some(1), None)]),
        },
        shares: BTreeMap::from([("hk".parse().unwrap(), 0.25)]),
        caveats: Vec::new(),
    };
    let mut lines = Lines::default();
    score::write(&answer, MONDAY, &mut lines);
    lines
}

fn agents() -> Lines {
    let time = |second| Timestamp::from_second(second).unwrap();
    let known = Agent {
        vantage: "hk-1".parse().unwrap(),
        market: "hk".parse().unwrap(),
        state: State::Reporting,
        last_seen: Some(time(MONDAY - 17)),
        coverage: 0.872,
        clock_offset_us: Some(-1_500),
        clock_bound_us: Some(20_000),
        software: "vantage-agent 0.1.0".to_owned(),
        enrolled: time(0),
        waiting_windows: Some(2),
    };
    let health = Health {
        event_loop_lag_p99: Some(Micros::new(812)),
        cpu_steal_permille: Some(3),
        open_files: Some(41),
        open_files_limit: Some(1_024),
        resident_bytes: Some(11 << 20),
        spool_bytes: Some(4_096),
        spool_windows: Some(2),
        anchors_reachable: Some(2),
        anchors_total: Some(2),
    };
    let waiting = Agent {
        vantage: "hk-2".parse().unwrap(),
        state: State::Waiting,
        last_seen: None,
        coverage: 0.0,
        clock_offset_us: None,
        clock_bound_us: None,
        waiting_windows: None,
        ..known.clone()
    };
    let mut lines = Lines::default();
    agent::write(&known, Some(&health), MONDAY, &mut lines);
    agent::write(&waiting, None, MONDAY, &mut lines);
    lines
}

/// Every kind of point, once it is what the golden file has.
fn golden() -> String {
    let mut all = latencies();
    all.append(&scores());
    all.append(&agents());
    let found = String::from_utf8(all.as_bytes().to_vec()).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/export/influx.lp");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(Path::new(path)).unwrap());
    found
}

fn type_of(value: &FieldValue<'_>) -> FieldType {
    match value {
        FieldValue::I64(_) => FieldType::Integer,
        FieldValue::F64(_) => FieldType::Float,
        FieldValue::String(_) => FieldType::Text,
        FieldValue::U64(_) | FieldValue::Boolean(_) => panic!("no such type is written: {value:?}"),
    }
}

fn integer(line: &ParsedLine<'_>, field: &str) -> Option<i64> {
    match line.field_value(field)? {
        FieldValue::I64(number) => Some(*number),
        other => panic!("{field}={other:?}"),
    }
}

#[test]
fn points_have_the_fields_of_the_table_and_no_others() {
    let text = golden();
    let table: BTreeMap<&str, Measurement> =
        measurements().into_iter().map(|each| (each.name, each)).collect();
    let mut seen: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in parse_lines(&text) {
        let line = line.unwrap();
        let (name, measurement) = table.get_key_value(line.series.measurement.as_str()).unwrap();
        let tags: Vec<String> =
            line.series.tag_set.iter().flatten().map(|(name, _)| name.to_string()).collect();
        assert!(tags.is_sorted(), "{tags:?}");
        for tag in &tags {
            assert!(measurement.tags.iter().any(|known| known.name == tag), "{tag}");
        }
        for (field, value) in &line.field_set {
            let known = measurement.fields.iter().find(|known| known.name == field.as_str());
            let known = known.unwrap_or_else(|| panic!("{name} has no field {field}"));
            assert_eq!(type_of(value), known.kind, "{field}");
        }
        let names = line.field_set.iter().map(|(field, _)| field.to_string());
        seen.entry(name).or_default().extend(names.chain(tags));
    }
    for (name, measurement) in &table {
        let names = measurement.fields.iter().map(|field| field.name.to_string());
        let names = names.chain(measurement.tags.iter().map(|tag| tag.name.to_owned()));
        // Codes of kinds of probes that the golden file does not have.
        let missing =
            names.filter(|field| !seen[name].contains(field) && !field.starts_with("code_quic"));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_failure_changes_values_and_not_which_fields_there_are() {
    let key = key("oregon-web", "https", ProbeKind::Http);
    let fields = |tally: &Tally| -> Vec<String> {
        let lines = lines([(&key, 60, tally)]);
        let text = String::from_utf8(lines.as_bytes().to_vec()).unwrap();
        let line = parse_lines(&text).next().unwrap().unwrap();
        line.field_set.iter().map(|(name, _)| name.to_string()).collect()
    };
    let well = Tally {
        ok: 2,
        phases: BTreeMap::from([(Phase::Total, histogram(&[100, 101]))]),
        ..Tally::default()
    };
    let codes = FailureCode::ALL.iter().filter(|code| can_fail_with(ProbeKind::Http, **code));
    let rows: Vec<_> = codes.map(|code| (*code, 1)).collect();
    let failing = Tally { failures: failures(&rows), ..well.clone() };
    assert_eq!(fields(&well), fields(&failing));
}

#[test]
fn windows_that_start_together_are_one_point_whatever_their_length_or_timeout() {
    let patient = ProbeKey {
        timeout: Micros::from_secs(9),
        interval: Micros::from_secs(2),
        ..key("oregon-web", "https", ProbeKind::Http)
    };
    let hasty = key("oregon-web", "https", ProbeKind::Http);
    let tally = |samples_ms: &[u64], failed| Tally {
        ok: samples_ms.len() as u64,
        failures: failures(&[(FailureCode::TcpTimeout, failed)]),
        phases: BTreeMap::from([(Phase::Total, histogram(samples_ms))]),
        ..Tally::default()
    };
    let (minute, other_run, merged) =
        (tally(&[10; 10], 1), tally(&[20; 5], 1), tally(&[30; 3], 18));
    let lines = lines([(&hasty, 60, &minute), (&hasty, 60, &other_run), (&patient, 600, &merged)]);
    let text = String::from_utf8(lines.as_bytes().to_vec()).unwrap();
    let parsed: Vec<_> = parse_lines(&text).collect::<Result<_, _>>().unwrap();
    let [point] = parsed.as_slice() else { panic!("{text}") };
    for (field, expected) in [
        ("count", 18),
        ("ok", 18),
        ("failed", 20),
        ("attempts", 38),
        ("window_s", 600),
        ("timeout_us", 9_000_000),
        ("le_10000_us", 0),
        ("le_20000_us", 10),
        ("le_inf", 18),
    ] {
        assert_eq!(integer(point, field), Some(expected), "{field}");
    }
    // 18 of 38 failed as 9 s: they are what the slowest 5 % lived through.
    let inclusive = integer(point, "p95_inclusive_us").unwrap();
    assert!((9_000_000..9_009_000).contains(&inclusive), "{inclusive}");
}

#[test]
fn without_failures_the_inclusive_percentile_is_the_plain_one() {
    let tally = Tally {
        ok: 5,
        phases: BTreeMap::from([(Phase::Total, histogram(&[1, 2, 3, 4, 5]))]),
        ..Tally::default()
    };
    let lines = lines([(&key("oregon-web", "https", ProbeKind::Http), 60, &tally)]);
    let text = String::from_utf8(lines.as_bytes().to_vec()).unwrap();
    let point = parse_lines(&text).next().unwrap().unwrap();
    assert_eq!(integer(&point, "p95_inclusive_us"), integer(&point, "p95_us"));
}

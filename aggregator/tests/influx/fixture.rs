//! Stores to export, and what they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tempfile::TempDir;
use vantage_aggregator::store::{Enrolled, EnrolmentToken, IncomingReport, Location, Store};
use vantage_wire::report::{
    EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Report, Tally,
    WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, UtcMicros, Window, WindowLength,
};

/// 2026-03-02 00:00 UTC, a Monday.
pub const MONDAY: i64 = 1_772_409_600;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 86_400;

/// The store of a folder, as `vantage` finds it there.
pub async fn store_in(folder: &TempDir) -> Store {
    Store::open(&Location::Embedded(folder.path().join("vantage-data"))).await.unwrap()
}

/// Markets `market-0` …, sites `site-0` … with a target `site-0-web` … each.
pub fn catalogue(markets: u32, sites: u32) -> String {
    let mut text = String::new();
    for n in 0..markets {
        let _ = writeln!(
            text,
            "[[market]]\nid = \"market-{n}\"\nname = \"Market {n}\"\nweight = {}\ntime_zone = \"UTC\"\n",
            n + 1
        );
    }
    for n in 0..sites {
        let _ = writeln!(
            text,
            "[[site]]\nid = \"site-{n}\"\ncountry = \"SG\"\n\n[[target]]\nid = \"site-{n}-web\"\n\
             site = \"site-{n}\"\nhost = \"192.0.2.{}\"\n\n[[target.probe]]\nid = \"connect\"\n\
             kind = \"tcp\"\nport = 443\ninterval = \"1m\"\ntimeout = \"5s\"\n",
            n + 1
        );
    }
    text
}

fn at(unix_s: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(unix_s).unwrap()
}

/// Enrols a vantage point with a key that is its own.
pub async fn enrol(store: &Store, number: u8, vantage: &str, market: &str) {
    let token = EnrolmentToken {
        hash: [number; 32],
        vantage: vantage.parse().unwrap(),
        market: market.parse().unwrap(),
        created: at(0),
        expires: at(HOUR),
    };
    store.create_token(&token).await.unwrap();
    let enrolled = store.enrol(&[number; 32], &[number; 32], &"test".into(), at(1)).await.unwrap();
    assert!(matches!(enrolled, Enrolled::Done(_)), "{enrolled:?}");
}

/// The probe of a site's target.
pub fn probe(site: u32) -> ProbeKey {
    ProbeKey {
        target: format!("site-{site}-web").parse().unwrap(),
        probe: "connect".parse().unwrap(),
        kind: ProbeKind::Tcp,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(60),
        timeout: Micros::from_secs(5),
    }
}

/// Attempts at a site: how many succeeded, and what failed how often.
pub type Attempts = (u32, u64, Option<(FailureCode, u64)>);

/// What became of attempts; latencies follow from the site and the start.
pub fn tally(start_s: i64, (site, ok, failed): Attempts) -> Tally {
    let first = 20_000 + u64::from(site) * 9_000 + (start_s.unsigned_abs() / 60 % 997) * 13;
    let latencies = (0..ok).map(|n| Micros::new(first + n * 137));
    let mut tally = Tally { ok, ..Tally::default() };
    if ok > 0 {
        let histogram = LatencyHistogram::from_samples(latencies);
        tally.phases.insert(Phase::Total, EncodedHistogram::from(&histogram));
    }
    if let Some((code, count)) = failed {
        let row = FailureCount { count, last_detail: "".into() };
        tally.failures.insert((code, code.default_phase()), row);
    }
    tally.addresses = BTreeSet::new();
    tally
}

/// A window of any length.
pub fn window(start_s: i64, length_s: u32, attempts: &[Attempts]) -> WindowReport {
    let length = WindowLength::from_seconds(length_s).unwrap();
    let tallies: BTreeMap<ProbeKey, Tally> =
        attempts.iter().map(|attempts| (probe(attempts.0), tally(start_s, *attempts))).collect();
    WindowReport { window: Window::new(start_s, length).unwrap(), clock: None, tallies }
}

/// A window of a minute.
pub fn minute(start_s: i64, attempts: &[Attempts]) -> WindowReport {
    window(start_s, 60, attempts)
}

/// A report of one run of an agent, received when its last window ended.
pub fn report(
    vantage: &str,
    boot: u8,
    sequence: u64,
    windows: Vec<WindowReport>,
) -> IncomingReport {
    let received = windows.iter().map(|window| window.window.end()).max().unwrap();
    IncomingReport {
        report: Report {
            vantage: vantage.parse().unwrap(),
            boot: BootId::new([boot; 16]),
            sequence: Sequence::new(sequence).unwrap(),
            software: "vantage-agent test".into(),
            windows,
            health: Health { spool_windows: Some(3), ..Health::default() },
        },
        received,
    }
}

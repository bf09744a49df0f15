//! Databases to test on, and reports to put into them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use tempfile::TempDir;
use vantage_aggregator::store::{
    EnrolmentToken, IncomingReport, Level, Location, Rollup, RollupQuery, Store,
};
use vantage_wire::failure::Detail;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Report,
    Software, Tally, WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, MarketId, Micros, Phase, ProbeId, Sequence, TargetId,
    UtcMicros, VantageId, Window, WindowLength,
};

/// 2026-03-02 00:00 UTC, a Monday.
pub const MONDAY: i64 = 1_772_409_600;
pub const HOUR: i64 = 3_600;

/// A database of one test.
pub struct Database {
    pub location: Location,
    /// For reaching it without the store.
    pub url: String,
    pub _folder: Option<TempDir>,
}

pub fn sqlite() -> Database {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/vantage.db", folder.path().display());
    let location = Location::Embedded(folder.path().to_owned());
    Database { location, url, _folder: Some(folder) }
}

impl Database {
    /// A handle of its own, as another process would have it.
    pub async fn open(&self) -> Store {
        Store::open(&self.location).await.unwrap()
    }

    /// Does what the store would never do.
    pub async fn tamper(&self, statement: &'static str) {
        use sqlx::Connection as _;
        let mut connection = sqlx::AnyConnection::connect(&self.url).await.unwrap();
        let changed = sqlx::query(statement).execute(&mut connection).await.unwrap();
        assert!(changed.rows_affected() > 0);
        connection.close().await.unwrap();
    }
}

pub fn vantage(name: &str) -> VantageId {
    VantageId::new(name).unwrap()
}

pub fn market(name: &str) -> MarketId {
    MarketId::new(name).unwrap()
}

pub fn at(unix_s: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(unix_s).unwrap()
}

pub fn token(number: u8, vantage_name: &str, market_name: &str, created_s: i64) -> EnrolmentToken {
    EnrolmentToken {
        hash: [number; 32],
        vantage: vantage(vantage_name),
        market: market(market_name),
        created: at(created_s),
        expires: at(created_s + HOUR),
    }
}

/// Enrols a vantage point with a key that is its own.
pub async fn enrol(store: &Store, number: u8, vantage_name: &str, market_name: &str) {
    store.create_token(&token(number, vantage_name, market_name, 0)).await.unwrap();
    let software = Software::new("vantage-agent 0.1.0");
    let enrolled = store.enrol(&[number; 32], &[number; 32], &software, at(1)).await.unwrap();
    assert!(matches!(enrolled, vantage_aggregator::store::Enrolled::Done(_)), "{enrolled:?}");
}

pub fn probe(target: &str) -> ProbeKey {
    ProbeKey {
        target: TargetId::new(target).unwrap(),
        probe: ProbeId::new("https").unwrap(),
        kind: ProbeKind::Http,
        family: Family::V4,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    }
}

/// A tally whose every number follows from `seed`.
pub fn tally(seed: u64) -> Tally {
    let samples = 5 + seed % 7;
    let latencies = |scale: u64| {
        let samples =
            (0..samples).map(|n| Micros::new(1_000 + (seed * 37 + n * 101) % 9_000 * scale));
        EncodedHistogram::from(&LatencyHistogram::from_samples(samples))
    };
    let failure =
        FailureCount { count: 1 + seed % 3, last_detail: Detail::new(&format!("errno {seed}")) };
    Tally {
        ok: samples,
        degraded: seed % 2,
        failures: BTreeMap::from([((FailureCode::TcpTimeout, Phase::Connect), failure)]),
        phases: BTreeMap::from([(Phase::Connect, latencies(1)), (Phase::Total, latencies(3))]),
        addresses: BTreeSet::from([
            IpAddr::from([192, 0, 2, (seed % 5) as u8]),
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, (seed % 3) as u16]),
        ]),
    }
}

pub const KNOWN_CLOCK: ClockOffset =
    ClockOffset { offset_us: -1_500, bound: Micros::from_millis(20) };

/// A window of two probes.
pub fn window(start_s: i64, length_s: u32, seed: u64) -> WindowReport {
    WindowReport {
        window: Window::new(start_s, WindowLength::from_seconds(length_s).unwrap()).unwrap(),
        clock: Some(KNOWN_CLOCK),
        tallies: BTreeMap::from([
            (probe("oregon"), tally(seed)),
            (probe("singapore"), tally(seed * 3 + 1)),
        ]),
    }
}

pub fn report(
    vantage_name: &str,
    boot: u8,
    sequence: u64,
    windows: Vec<WindowReport>,
) -> IncomingReport {
    let last = windows.iter().map(|window| window.window.end()).max();
    IncomingReport {
        report: Report {
            vantage: vantage(vantage_name),
            boot: BootId::new([boot; 16]),
            sequence: Sequence::new(sequence).unwrap(),
            software: Software::new("vantage-agent 0.1.0"),
            windows,
            health: Health { open_files: Some(sequence), ..Health::default() },
        },
        received: last.unwrap_or(at(MONDAY)),
    }
}

/// One report of one minute each, for `minutes` minutes from `start_s` on.
pub fn minutes(vantage_name: &str, start_s: i64, minutes: u64) -> Vec<IncomingReport> {
    (0..minutes)
        .map(|n| {
            let start = start_s + 60 * n.cast_signed();
            report(vantage_name, 1, n + 1, vec![window(start, 60, n + 1)])
        })
        .collect()
}

pub async fn roll_up_all(store: &Store) {
    while store.roll_up(1_000).await.unwrap().is_more {}
}

/// All roll-ups of a level, with the histograms of a phase.
pub async fn all(store: &Store, level: Level, phase: Phase) -> Vec<Rollup> {
    let query = RollupQuery {
        vantages: Vec::new(),
        targets: Vec::new(),
        probes: Vec::new(),
        phase: Some(phase),
        from: UtcMicros::new(i64::MIN),
        to: UtcMicros::new(i64::MAX),
    };
    store.rollups(level, &query).await.unwrap()
}

/// Σ due over all probes in the roll-ups of a level.
pub async fn due(store: &Store, level: Level) -> u64 {
    let rollups = all(store, level, Phase::Total).await;
    rollups
        .iter()
        .map(|each| each.ok + each.failures.values().map(|row| row.count).sum::<u64>())
        .sum()
}

/// Σ due over all probes and windows of reports.
pub fn due_of<'a>(reports: impl IntoIterator<Item = &'a IncomingReport>) -> u64 {
    reports
        .into_iter()
        .flat_map(|each| &each.report.windows)
        .flat_map(|window| window.tallies.values())
        .map(Tally::due)
        .sum()
}

pub async fn assert_sound(store: &Store) {
    let report = store.check().await.unwrap();
    assert!(report.is_sound(), "{report:?}");
}

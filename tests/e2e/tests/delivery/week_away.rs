//! An aggregator that is away for a week, and a spool that holds a fraction of it: what is lost is
//! resolution, and the store says where.

use std::collections::BTreeMap;
use std::convert::Infallible;

use vantage_agent::spool::{Folder, Limits, Spool};
use vantage_aggregator::store::{
    EnrolmentToken, IncomingReport, Level, Location, RollupQuery, Store,
};
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, Envelope, FailureCount, Family, Health, ProbeKey, ProbeKind,
    Report, SIGNATURE_BYTES, Tally, WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, UtcMicros, Window, WindowLength,
};

const MINUTES: u64 = 7 * 24 * 60;
/// Attempts of each minute.
pub(crate) const ATTEMPTS: u64 = 60;
/// The week takes some 40 MB as it is: each window a block of the disk.
const SPOOL_BYTES: u64 = 4 << 20;
/// 2026-03-02 00:00 UTC.
const BEGAN_S: i64 = 1_772_409_600;

pub(crate) fn key() -> ProbeKey {
    ProbeKey {
        target: "oregon-web".parse().unwrap(),
        probe: "https".parse().unwrap(),
        kind: ProbeKind::Http,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    }
}

/// A minute of an attempt a second, of which some fail.
pub(crate) fn minute(number: u64) -> WindowReport {
    let failed = number % 4;
    let ok = ATTEMPTS - failed;
    let samples = (0..ok).map(|n| Micros::from_millis(150 + (number * 7 + n * 13) % 90));
    let total = EncodedHistogram::from(&LatencyHistogram::from_samples(samples));
    let mut tally =
        Tally { ok, phases: BTreeMap::from([(Phase::Total, total)]), ..Tally::default() };
    if failed > 0 {
        let row = FailureCount { count: failed, last_detail: "no answer".into() };
        tally.failures.insert((FailureCode::TcpTimeout, Phase::Connect), row);
    }
    let start = BEGAN_S + 60 * i64::try_from(number).unwrap();
    WindowReport {
        window: Window::new(start, WindowLength::MINUTE).unwrap(),
        clock: Some(ClockOffset { offset_us: 0, bound: Micros::from_millis(20) }),
        tallies: BTreeMap::from([(key(), tally)]),
    }
}

#[tokio::test]
async fn a_week_in_a_small_spool_loses_resolution_and_no_count() {
    let folder = tempfile::tempdir().unwrap();
    let (vantage, boot) = ("hk-1".parse().unwrap(), BootId::new([7; 16]));
    let limits = Limits { disk_bytes: SPOOL_BYTES, ..Limits::default() };
    let mut spool =
        Spool::open(Folder::open(&folder.path().join("spool")).unwrap(), limits, boot).unwrap();
    for number in 0..MINUTES {
        spool.append([minute(number)]).unwrap();
        assert!(spool.holdings().disk_bytes <= SPOOL_BYTES, "after {number} minutes");
    }
    assert_eq!(spool.holdings().in_memory, 0);

    // The aggregator is back.
    let store = Store::open(&Location::Embedded(folder.path().join("store"))).await.unwrap();
    let now = UtcMicros::from_unix_seconds(BEGAN_S + 8 * 86_400).unwrap();
    let (hash, market) = ([1; 32], "hk".parse().unwrap());
    let token = EnrolmentToken { hash, vantage, market, created: UtcMicros::EPOCH, expires: now };
    store.create_token(&token).await.unwrap();
    store.enrol(&hash, &[2; 32], &"test".into(), UtcMicros::EPOCH).await.unwrap();
    let seal = |sequence, windows| {
        let (vantage, software) = (token.vantage.clone(), "test".into());
        let report =
            Report { vantage, boot, sequence, software, windows, health: Health::default() };
        Envelope::seal(&report, |_| [0; SIGNATURE_BYTES]).map(|envelope| envelope.encode())
    };
    while let Some((pending, envelope)) = spool.next_report(1_440, seal).unwrap() {
        let envelope = Envelope::decode(&envelope).unwrap();
        let verified = envelope.verify(|_, _| Ok::<_, Infallible>(())).unwrap();
        let report = verified.open().unwrap().report;
        store.append(&[IncomingReport { report, received: now }]).await.unwrap();
        spool.acknowledge(pending).unwrap();
    }

    let failed: u64 = (0..MINUTES).map(|number| number % 4).sum();
    let totals = store.totals(&token.vantage).await.unwrap();
    let totals = &totals[&key()];
    assert_eq!((totals.due, totals.ok), (MINUTES * ATTEMPTS, MINUTES * ATTEMPTS - failed));
    assert_eq!(totals.failures[&FailureCode::TcpTimeout], failed);
    assert_eq!(totals.samples[&Phase::Total], totals.ok);

    while store.roll_up(1_000).await.unwrap().is_more {}
    let query = RollupQuery {
        vantages: Vec::new(),
        targets: Vec::new(),
        probes: Vec::new(),
        phase: Some(Phase::Total),
        from: UtcMicros::new(i64::MIN),
        to: UtcMicros::new(i64::MAX),
    };
    let days = store.rollups(Level::Day, &query).await.unwrap();
    assert!(days.iter().all(|day| day.covered_s == 86_400), "no minute is missing");
    assert!(days[0].longest_window_s > 60, "the oldest day, at least, is known to be coarse");
    assert!(store.check().await.unwrap().is_sound());
    store.close().await;
}

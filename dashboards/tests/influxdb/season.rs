//! Nine days of two markets: a store with reports in it, and what the exporter writes of them.

use std::net::IpAddr;
use std::time::Duration;

use tempfile::TempDir;
use vantage_aggregator::agents;
use vantage_aggregator::catalogue::Catalogue;
use vantage_aggregator::export::influx::agent;
use vantage_aggregator::export::influx::latency::{Place, gather};
use vantage_aggregator::export::influx::lines::Lines;
use vantage_aggregator::export::influx::scores::{ScoreSettings, Scores};
use vantage_aggregator::store::{EnrolmentToken, IncomingReport, Location, Store, TimeZoneName};
use vantage_wire::report::{Family, Health, ProbeKey, ProbeKind, Report, Software, WindowReport};
use vantage_wire::{
    BootId, FailureCode, HistogramMerger, MarketId, Micros, Phase, ProbeId, Sequence, TargetId,
    UtcMicros, VantageId, WindowLength,
};
use vantage_world::season::{Leg, SeasonPath, SeasonSeries, SeasonVantage};

/// 2026-03-02 00:00 UTC, a Monday.
pub const START_S: i64 = 1_772_409_600;
const DAY_S: i64 = 86_400;
/// When the service moves.
pub const CUTOVER_S: i64 = START_S + 8 * DAY_S;
/// Rules look back as far as eight days.
pub const END_S: i64 = START_S + 9 * DAY_S;
/// When rules are looked at: a minute after the last window began.
pub const NOW_S: i64 = END_S - 3600 + 60;
const HOUR_S: u32 = 3600;

const CATALOGUE: &str = include_str!("season.toml");

/// Vantage point, its market, how far its time is ahead of UTC.
const VANTAGES: [(&str, &str, i64); 3] =
    [("hk-1", "hk", 8 * 3600), ("hk-2", "hk", 8 * 3600), ("in-1", "in", 19_800)];
/// Sites, and the floor of the way there from each market, in ms.
const SITES: [(&str, [f64; 2]); 3] =
    [("beijing", [40.0, 90.0]), ("singapore", [36.0, 50.0]), ("oregon", [131.0, 209.0])];

/// As the dashboard wants it typed in.
pub fn cutover() -> String {
    "2026-03-10T00:00:00Z".to_owned()
}

/// Everything that is exported, in batches.
pub fn lines() -> Vec<Vec<u8>> {
    // In a thread of its own: whoever asks first may be within a runtime.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(export())
    });
    made.join().unwrap()
}

async fn export() -> Vec<Vec<u8>> {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let store = Store::open(&Location::Embedded(folder.path().join("data"))).await.unwrap();
    let catalogue = Catalogue::parse("season.toml", CATALOGUE).unwrap();
    let zones = catalogue
        .time_zones()
        .into_iter()
        .map(|(market, zone)| (market, TimeZoneName::new(zone.iana_name().unwrap()).unwrap()));
    store.set_time_zones(&zones.collect()).await.unwrap();
    let length = WindowLength::from_seconds(HOUR_S).unwrap();
    let mut batches = Vec::new();
    for number in 0..VANTAGES.len() {
        enrol(&store, number).await;
        let windows: Vec<_> = season(number).windows(START_S, END_S, length).collect();
        batches.push(latencies(number, &windows, &catalogue));
        append(&store, number, windows).await;
    }
    while store.roll_up(1_000).await.unwrap().is_more {}
    batches.push(scores(&store, &catalogue).await);
    batches.push(agents(&store).await);
    store.close().await;
    batches
}

fn latencies(number: usize, windows: &[WindowReport], catalogue: &Catalogue) -> Vec<u8> {
    let (vantage, market, _) = VANTAGES[number];
    let place = Place { market: id(market), vantage: name(vantage) };
    let (mut lines, mut merger) = (Lines::default(), HistogramMerger::new());
    for window in windows {
        let parts = window.tallies.iter().map(|(key, tally)| (key, HOUR_S, tally));
        let (series, faults) = gather(parts, &mut merger);
        assert!(faults.is_empty());
        for series in series {
            series.write(&place, window.window.start_unix_s(), catalogue, &mut lines);
        }
    }
    lines.as_bytes().to_vec()
}

async fn scores(store: &Store, catalogue: &Catalogue) -> Vec<u8> {
    let settings =
        ScoreSettings { every: Duration::from_hours(2), over: Duration::from_hours(7 * 24) };
    let mut lines = Lines::default();
    // A rule compares with a day before.
    for tick_s in Scores::between(&settings, NOW_S - 28 * 3600, END_S + 1).unwrap() {
        settings.write(store, catalogue, tick_s, &mut lines).await.unwrap();
    }
    lines.as_bytes().to_vec()
}

async fn agents(store: &Store) -> Vec<u8> {
    let mut lines = Lines::default();
    for minute_s in (END_S - 7200..END_S).step_by(60) {
        for (found, health) in agents::list_with_health(store, at(minute_s)).await.unwrap() {
            agent::write(&found, health.as_ref(), minute_s, &mut lines);
        }
    }
    lines.as_bytes().to_vec()
}

fn season(number: usize) -> SeasonVantage {
    let (_, market, local_offset_s) = VANTAGES[number];
    let market = usize::from(market == "in");
    let sites = SITES.iter().zip(0..).map(|((site, _), place)| SeasonSeries {
        probe: probe(&format!("{site}-web"), ProbeKind::Http),
        legs: vec![(i64::MIN, leg(market, place))],
    });
    // One vantage point has probes of every kind that a season can simulate: an echo has no phases.
    let others = [ProbeKind::Tcp, ProbeKind::Tls, ProbeKind::Dns, ProbeKind::Quic];
    let kinds = others.iter().filter(|_| number == 0);
    let kinds = kinds.map(|kind| SeasonSeries {
        probe: probe("singapore-web", *kind),
        legs: vec![(i64::MIN, leg(market, 1))],
    });
    let service = SeasonSeries {
        probe: probe("shop-web", ProbeKind::Http),
        legs: vec![(i64::MIN, leg(market, 0)), (CUTOVER_S, leg(market, 1))],
    };
    let seed = 7 + u64::try_from(number).unwrap();
    SeasonVantage { local_offset_s, series: sites.chain(kinds).chain([service]).collect(), seed }
}

fn leg(market: usize, place: usize) -> Leg {
    // Enough fails for every panel to have something to show.
    let failures = vec![
        ((Phase::Connect, FailureCode::TcpTimeout), 0.02),
        ((Phase::Tls, FailureCode::TlsReset), 0.01),
        ((Phase::Connect, FailureCode::AgentMissedSlot), 0.01),
    ];
    let path = SeasonPath {
        floor_ms: SITES[place].1[market],
        excess_ms: 20.0,
        evening: 1.0,
        day_sigma: 0.1,
        attempt_sigma: 0.3,
        loss: 0.0,
        failures,
    };
    Leg { address: IpAddr::from([192, 0, 2, u8::try_from(place).unwrap() + 1]), path }
}

fn probe(target: &str, kind: ProbeKind) -> ProbeKey {
    ProbeKey {
        target: TargetId::new(target).unwrap(),
        probe: ProbeId::new(kind.name()).unwrap(),
        kind,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(120),
        timeout: Micros::from_secs(5),
    }
}

async fn enrol(store: &Store, number: usize) {
    let (vantage, market, _) = VANTAGES[number];
    let key = [u8::try_from(number).unwrap() + 1; 32];
    let token = EnrolmentToken {
        hash: key,
        vantage: name(vantage),
        market: id(market),
        created: at(0),
        expires: at(3600),
    };
    store.create_token(&token).await.unwrap();
    store.enrol(&key, &key, &Software::new("season"), at(1)).await.unwrap();
}

async fn append(store: &Store, number: usize, windows: Vec<WindowReport>) {
    let health = Health {
        event_loop_lag_p99: Some(Micros::new(700)),
        cpu_steal_permille: Some(3),
        open_files: Some(40),
        open_files_limit: Some(1024),
        resident_bytes: Some(9 << 20),
        spool_bytes: Some(4096),
        spool_windows: Some(2),
        anchors_reachable: Some(2),
        anchors_total: Some(2),
    };
    let reports = windows.chunks(24).zip(1..).map(|(day, sequence)| IncomingReport {
        received: day.last().unwrap().window.end(),
        report: Report {
            vantage: name(VANTAGES[number].0),
            boot: BootId::new([1; 16]),
            sequence: Sequence::new(sequence).unwrap(),
            software: Software::new("season"),
            windows: day.to_vec(),
            health: health.clone(),
        },
    });
    store.append(&reports.collect::<Vec<_>>()).await.unwrap();
}

fn id(market: &str) -> MarketId {
    MarketId::new(market).unwrap()
}

fn name(vantage: &str) -> VantageId {
    VantageId::new(vantage).unwrap()
}

fn at(unix_s: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(unix_s).unwrap()
}

//! Three markets, four sites and a service that moves: eight weeks of it in a store.

use std::net::IpAddr;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;
use vantage_aggregator::catalogue::Catalogue;
use vantage_aggregator::store::{EnrolmentToken, IncomingReport, Location, Store, TimeZoneName};
use vantage_wire::report::{Family, Health, ProbeKey, ProbeKind, Report, Software};
use vantage_wire::{
    BootId, FailureCode, MarketId, Micros, Phase, ProbeId, Sequence, TargetId, UtcMicros,
    VantageId, WindowLength,
};
use vantage_world::season::{Leg, SeasonPath, SeasonSeries, SeasonVantage};

/// 2026-03-02 00:00 UTC, a Monday.
const MONDAY: i64 = 1_772_409_600;
const WEEK: i64 = 7 * 86_400;
/// 2026-03-30, when the service moves.
const CUTOVER: i64 = MONDAY + 4 * WEEK;

/// What is measured, by whom. The service moves from Beijing to Singapore, in Mexico to California.
pub const CATALOGUE: &str = include_str!("season.toml");

/// Floor and excess of a way, in ms.
type Way = (f64, f64);

/// Markets, how far their time is ahead of UTC, and their ways to Beijing, Singapore, Oregon and
/// California.
const MARKETS: [(&str, i64, [Way; 4]); 3] = [
    ("hk", 8 * 3600, [(40.0, 60.0), (36.0, 8.0), (131.0, 30.0), (156.0, 19.0)]),
    ("in", 5 * 3600 + 1800, [(90.0, 100.0), (50.0, 20.0), (209.0, 26.0), (216.0, 31.0)]),
    ("mx", -6 * 3600, [(190.0, 60.0), (230.0, 30.0), (75.0, 15.0), (60.0, 12.0)]),
];
const SITES: [&str; 4] = ["beijing", "singapore", "oregon", "california"];

/// A store with the season in it, and the catalogue beside it. Made once, for all tests.
pub static SEASON: LazyLock<Season> = LazyLock::new(|| {
    // In a thread of its own: the test that asks first may be within a runtime.
    let made = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(Season::make())
    });
    made.join().unwrap()
});

pub struct Season {
    folder: TempDir,
}

fn leg(market: usize, site: usize) -> Leg {
    let (floor_ms, excess_ms) = MARKETS[market].2[site];
    // The way into China loses packets, and somebody on it resets what he does not like.
    let failures = match SITES[site] {
        "beijing" => vec![
            ((Phase::Connect, FailureCode::TcpTimeout), 0.02),
            ((Phase::Tls, FailureCode::TlsReset), 0.01),
        ],
        _ => vec![((Phase::Connect, FailureCode::TcpTimeout), 0.001)],
    };
    let path = SeasonPath {
        floor_ms,
        excess_ms,
        evening: 1.0,
        day_sigma: 0.1,
        attempt_sigma: 0.3,
        failures,
    };
    let address = IpAddr::from([192, 0, 2, u8::try_from(site).unwrap() + 1]);
    Leg { address, path }
}

fn probe(target: &str) -> ProbeKey {
    ProbeKey {
        target: TargetId::new(target).unwrap(),
        probe: ProbeId::new("http").unwrap(),
        kind: ProbeKind::Http,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(120),
        timeout: Micros::from_secs(5),
    }
}

fn vantage(market: usize) -> SeasonVantage {
    let mut series: Vec<_> = (0..SITES.len())
        .map(|site| SeasonSeries {
            probe: probe(&format!("{}-web", SITES[site])),
            legs: vec![(i64::MIN, leg(market, site))],
        })
        .collect();
    let (beijing, singapore, california) = (0, 1, 3);
    let after = if MARKETS[market].0 == "mx" { california } else { singapore };
    series.push(SeasonSeries {
        probe: probe("shop-web"),
        legs: vec![(i64::MIN, leg(market, beijing)), (CUTOVER, leg(market, after))],
    });
    let seed = 2014 + u64::try_from(market).unwrap();
    SeasonVantage { local_offset_s: MARKETS[market].1, series, seed }
}

impl Season {
    async fn make() -> Self {
        // Statics are never dropped: what stays behind, stays in the target folder.
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(folder.path().join("catalogue.toml"), CATALOGUE).unwrap();
        let location = Location::Embedded(folder.path().join("vantage-data"));
        let store = Store::open(&location).await.unwrap();
        let catalogue = Catalogue::parse("season.toml", CATALOGUE).unwrap();
        let zones = catalogue
            .time_zones()
            .into_iter()
            .map(|(market, zone)| (market, TimeZoneName::new(zone.iana_name().unwrap()).unwrap()));
        store.set_time_zones(&zones.collect()).await.unwrap();
        for (number, (market, ..)) in MARKETS.iter().enumerate() {
            enrol(&store, u8::try_from(number).unwrap() + 1, market).await;
            load(&store, market, &vantage(number)).await;
        }
        while store.roll_up(1_000).await.unwrap().is_more {}
        store.close().await;
        Self { folder }
    }

    /// Runs `vantage` in its folder.
    pub fn vantage(&self, arguments: &[&str]) -> Output {
        vantage_in(&self.folder, arguments)
    }

    /// Runs `vantage` in its folder as a reader with a token.
    pub fn vantage_with_token(&self, token: &str, arguments: &[&str]) -> Output {
        command(&self.folder).env("VANTAGE_READ_TOKEN", token).args(arguments).output().unwrap()
    }

    /// What a command prints as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.vantage(&[arguments, &["--format", "json"]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// What a command prints for people.
    pub fn table(&self, arguments: &[&str]) -> String {
        let output = self.vantage(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Serves it until the value is dropped.
    pub fn serve(&self) -> Served {
        let mut process = command(&self.folder)
            .args(["serve", "--listen", "127.0.0.1:0", "--keep-windows", "36500d"])
            .args(["--keep-hours", "36500d"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let output = process.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut url).unwrap();
        Served { process, url: url.trim().to_owned() }
    }
}

/// A `vantage serve` that ends with this value.
pub struct Served {
    process: std::process::Child,
    pub url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_e2e-vantage"));
    command.current_dir(folder.path());
    command.env_remove("NOTIFY_SOCKET").env_remove("VANTAGE_READ_TOKEN");
    command
}

/// Runs `vantage` in any folder.
pub fn vantage_in(folder: &TempDir, arguments: &[&str]) -> Output {
    command(folder).args(arguments).output().unwrap()
}

async fn enrol(store: &Store, number: u8, market: &str) {
    let token = EnrolmentToken {
        hash: [number; 32],
        vantage: name(market),
        market: MarketId::new(market).unwrap(),
        created: at(0),
        expires: at(3600),
    };
    store.create_token(&token).await.unwrap();
    let software = Software::new("season");
    store.enrol(&[number; 32], &[number; 32], &software, at(1)).await.unwrap();
}

fn name(market: &str) -> VantageId {
    VantageId::new(&format!("{market}-1")).unwrap()
}

fn at(unix_s: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(unix_s).unwrap()
}

async fn load(store: &Store, market: &str, vantage: &SeasonVantage) {
    let hour = WindowLength::from_seconds(3600).unwrap();
    let windows: Vec<_> = vantage.windows(MONDAY, MONDAY + 8 * WEEK, hour).collect();
    let reports = windows.chunks(24).zip(1..).map(|(day, sequence)| IncomingReport {
        received: day.last().unwrap().window.end(),
        report: Report {
            vantage: name(market),
            boot: BootId::new([1; 16]),
            sequence: Sequence::new(sequence).unwrap(),
            software: Software::new("season"),
            windows: day.to_vec(),
            health: Health::default(),
        },
    });
    store.append(&reports.collect::<Vec<_>>()).await.unwrap();
}

/// The part of `array` whose `key` is `value`.
pub fn find<'a>(array: &'a Value, key: &str, value: &str) -> &'a Value {
    let found = array.as_array().unwrap().iter().find(|item| item[key] == value);
    found.unwrap_or_else(|| panic!("no {key} {value} in {array}"))
}

//! The whole question: reading roll-ups from an embedded store, and ranking.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hint::black_box;
use std::net::IpAddr;

use jiff::Timestamp;
use vantage_aggregator::analysis::{Block, Sample, View};
use vantage_aggregator::answers::{Scope, rank};
use vantage_aggregator::catalogue::Catalogue;
use vantage_aggregator::store::{EnrolmentToken, IncomingReport, Location, Store};
use vantage_bench::{Table, median_times};
use vantage_wire::failure::Detail;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Report,
    Software, Tally, WindowReport,
};
use vantage_wire::{
    BootId, MarketId, Micros, Phase, ProbeId, Sequence, SiteId, TargetId, UtcMicros, VantageId,
    Window, WindowLength,
};

use super::{BUDGETS, Markets, YEAR, milliseconds};

const DAY_S: i64 = 86_400;
/// Windows of a report.
const WINDOWS: usize = 10;

/// What `vantage rank` takes, from the roll-ups to the document.
pub fn whole(year: &Markets) {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let location = Location::Embedded(folder.path().to_owned());
    let store = runtime.block_on(filled(&location, year));
    let catalogue = catalogue(year);
    let now = Timestamp::from_second(YEAR * DAY_S).expect("a year after 1970");
    let mut table = Table::new(&["whole question of 6 × 20 sites", "ms", "budget, ms"]);
    for (days, budget) in BUDGETS {
        let scope = Scope { last: Some(format!("{days}d")), ..Scope::default() };
        let [time] = median_times([&mut || {
            let answer = runtime.block_on(rank(&store, &catalogue, &scope, now));
            let answer = answer.expect("there is enough data");
            assert!(answer.rankings.overall.sites.iter().all(|site| site.rank.is_some()));
            black_box(answer);
        }]);
        table.row([format!("{days} days"), milliseconds(time), milliseconds(budget)]);
    }
    println!("{table}");
    runtime.block_on(store.close());
}

fn catalogue(year: &Markets) -> Catalogue {
    let mut text = String::new();
    // Writing into a string does not fail.
    for market in year.keys() {
        let _ = writeln!(text, "[[market]]\nid = \"{market}\"\ntime_zone = \"UTC\"");
    }
    let sites: BTreeSet<_> = year.values().flat_map(|market| market.views.keys()).collect();
    for site in sites {
        let _ = writeln!(
            text,
            "[[site]]\nid = \"{site}\"\ncountry = \"US\"\n\
             [[target]]\nid = \"{site}\"\nsite = \"{site}\"\nhost = \"{site}.example\"\n\
             probe = [{{ kind = \"http\", interval = \"1m\", timeout = \"10s\" }}]"
        );
    }
    Catalogue::parse("bench", &text).expect("a sound catalogue")
}

/// A store with the year in it: one window a day, which costs the reading of days no more or less
/// than 1440 would.
async fn filled(location: &Location, year: &Markets) -> Store {
    let store = Store::open(location).await.expect("a store can be made");
    for (number, (market, weighed)) in (1_u8..).zip(year) {
        let vantage = VantageId::new(&format!("{market}-1")).expect("a valid name");
        enrol(&store, number, &vantage, market).await;
        let windows: Vec<_> = (0..YEAR).map(|day| window(day, &weighed.views)).collect();
        let reports = windows.chunks(WINDOWS).zip(1..).map(|(windows, sequence)| IncomingReport {
            received: at(YEAR * DAY_S),
            report: Report {
                vantage: vantage.clone(),
                boot: BootId::new([number; 16]),
                sequence: Sequence::new(sequence).expect("from 1"),
                software: Software::new("bench"),
                windows: windows.to_vec(),
                health: Health::default(),
            },
        });
        let reports: Vec<_> = reports.collect();
        store.append(&reports).await.expect("the store takes reports");
    }
    while store.roll_up(1_000).await.expect("the store rolls up").is_more {}
    store
}

async fn enrol(store: &Store, number: u8, vantage: &VantageId, market: &MarketId) {
    let token = EnrolmentToken {
        hash: [number; 32],
        vantage: vantage.clone(),
        market: market.clone(),
        created: at(0),
        expires: at(3600),
    };
    store.create_token(&token).await.expect("a token can be made");
    let software = Software::new("bench");
    let enrolled = store.enrol(&[number; 32], &[number; 32], &software, at(1)).await;
    enrolled.expect("an agent can be enrolled");
}

fn at(unix_s: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(unix_s).expect("a time of this century")
}

fn window(day: i64, views: &BTreeMap<SiteId, View>) -> WindowReport {
    let length = WindowLength::from_seconds(86_400).expect("a day divides a day");
    let tallies = views.iter().filter_map(|(site, view)| {
        let sample = view.blocks().get(&Block(day))?;
        Some((probe(site), tally(sample)))
    });
    WindowReport {
        window: Window::new(day * DAY_S, length).expect("aligned"),
        clock: Some(ClockOffset { offset_us: 0, bound: Micros::from_millis(5) }),
        tallies: tallies.collect(),
    }
}

fn probe(site: &SiteId) -> ProbeKey {
    ProbeKey {
        target: TargetId::new(site.as_str()).expect("a valid name"),
        probe: ProbeId::new("http").expect("a valid name"),
        kind: ProbeKind::Http,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(60),
        timeout: Micros::from_secs(10),
    }
}

fn tally(sample: &Sample) -> Tally {
    let failures = sample.failures().iter().map(|((phase, code), count)| {
        ((*code, *phase), FailureCount { count: *count, last_detail: Detail::new("") })
    });
    Tally {
        ok: sample.latencies().count(),
        degraded: 0,
        failures: failures.collect(),
        phases: BTreeMap::from([(Phase::Total, EncodedHistogram::from(sample.latencies()))]),
        addresses: BTreeSet::from([IpAddr::from([192, 0, 2, 1])]),
    }
}

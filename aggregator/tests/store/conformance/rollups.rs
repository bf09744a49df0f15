use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use vantage_aggregator::store::{
    Enrolled, IncomingReport, Level, Rollup, RollupQuery, Store, TimeZoneName,
};
use vantage_wire::report::{ClockOffset, EncodedHistogram, Software, Tally, WindowReport};
use vantage_wire::{FailureCode, HistogramMerger, Micros, Phase};

use crate::fixture::{
    Database, HOUR, MONDAY, all, assert_sound, at, due, due_of, enrol, market, minutes, probe,
    report, roll_up_all, token, vantage, window,
};

async fn live_by(store: &Store, market_name: &str, zone: &str) {
    let zones = BTreeMap::from([(market(market_name), TimeZoneName::new(zone).unwrap())]);
    store.set_time_zones(&zones).await.unwrap();
}

/// The roll-up must say what these windows say together, bit by bit.
fn assert_is_sum(rollup: &Rollup, phase: Phase, windows: &[&WindowReport]) {
    let tallies = windows.iter().map(|window| &window.tallies[&rollup.probe]);
    let sum = Tally::sum(tallies, &mut HistogramMerger::new()).unwrap();
    assert_eq!((rollup.ok, rollup.degraded), (sum.ok, sum.degraded));
    assert_eq!(rollup.failures, sum.failures);
    assert_eq!(rollup.addresses, sum.addresses);
    assert_eq!(rollup.histogram.as_deref(), sum.phases.get(&phase).map(EncodedHistogram::as_bytes));
}

pub async fn hours_are_the_sum_of_their_windows(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 90);
    store.append(&reports).await.unwrap();
    let done = store.roll_up(100).await.unwrap();
    assert_eq!((done.hours, done.days, done.is_more), (2, 1, false));
    for phase in [Phase::Connect, Phase::Total] {
        let rollups = all(&store, Level::Hour, phase).await;
        let keys: Vec<_> =
            rollups.iter().map(|each| (each.probe.target.as_str(), each.start_unix_s)).collect();
        assert_eq!(
            keys,
            [
                ("oregon", MONDAY),
                ("oregon", MONDAY + HOUR),
                ("singapore", MONDAY),
                ("singapore", MONDAY + HOUR),
            ]
        );
        for rollup in &rollups {
            let windows: Vec<_> = reports
                .iter()
                .flat_map(|each| &each.report.windows)
                .filter(|window| window.window.start_unix_s() / HOUR == rollup.start_unix_s / HOUR)
                .collect();
            assert_is_sum(rollup, phase, &windows);
            assert_eq!(rollup.covered_s, 60 * windows.len() as u64);
            assert_eq!((rollup.longest_window_s, rollup.clock_uncertain), (60, false));
        }
    }
    assert_sound(&store).await;
}

pub async fn days_are_the_sum_of_the_local_days_hours(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "in-1", "in").await;
    live_by(&store, "in", "Asia/Kolkata").await;
    // Indian midnight is at 18:30 UTC; the hour that starts at 18:00 belongs to the day before.
    let hours: Vec<IncomingReport> = (0..48)
        .map(|n| report("in-1", 1, n + 1, vec![window(MONDAY + HOUR * n.cast_signed(), 3_600, n)]))
        .collect();
    store.append(&hours).await.unwrap();
    roll_up_all(&store).await;
    let days: Vec<_> = all(&store, Level::Day, Phase::Total).await;
    let midnight = MONDAY + 18 * HOUR + HOUR / 2;
    let starts: Vec<i64> = days.iter().map(|day| day.start_unix_s).collect();
    let three = [midnight - 24 * HOUR, midnight, midnight + 24 * HOUR];
    assert_eq!(starts, [three, three].concat());
    for day in &days {
        let windows: Vec<_> = hours
            .iter()
            .flat_map(|each| &each.report.windows)
            .filter(|window| {
                let start = window.window.start_unix_s();
                (day.start_unix_s..day.start_unix_s + 24 * HOUR).contains(&start)
            })
            .collect();
        assert_is_sum(day, Phase::Total, &windows);
    }
    assert_eq!(days[1].covered_s, 86_400);
    assert_sound(&store).await;
}

pub async fn late_windows_end_in_their_hour(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let mut reports = minutes("hk-1", MONDAY, 180);
    let late = reports.split_off(150);
    store.append(&reports).await.unwrap();
    roll_up_all(&store).await;
    assert_eq!(due(&store, Level::Hour).await, due_of(&reports));
    store.append(&late).await.unwrap();
    let done = store.roll_up(100).await.unwrap();
    assert_eq!((done.hours, done.days), (1, 1));
    for level in [Level::Hour, Level::Day] {
        assert_eq!(due(&store, level).await, due_of(reports.iter().chain(&late)));
    }
    assert_eq!(store.roll_up(100).await.unwrap().hours, 0);
    assert_sound(&store).await;
}

pub async fn coarse_and_uncertain_windows_are_flagged(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let with_clock = |hour: i64, clock: Option<u64>| {
        let mut window = window(MONDAY + HOUR * hour, 60, 1);
        window.clock = clock.map(|ms| ClockOffset { offset_us: 0, bound: Micros::from_millis(ms) });
        window
    };
    let windows = vec![
        with_clock(0, Some(30_000)),
        with_clock(1, Some(30_001)),
        with_clock(2, None),
        // Starts in the hour and ends beyond it, and overlaps with another.
        window(MONDAY + HOUR * 4, 7_200, 2),
        window(MONDAY + HOUR * 4, 600, 3),
        window(MONDAY + HOUR * 5, 60, 4),
    ];
    store.append(&[report("hk-1", 1, 1, windows)]).await.unwrap();
    roll_up_all(&store).await;
    let rollups = all(&store, Level::Hour, Phase::Total).await;
    let seen: Vec<_> = rollups
        .iter()
        .filter(|each| each.probe == probe("oregon"))
        .map(|each| {
            let hour = (each.start_unix_s - MONDAY) / HOUR;
            (hour, each.covered_s, each.longest_window_s, each.clock_uncertain)
        })
        .collect();
    assert_eq!(
        seen,
        [
            (0, 60, 60, false),
            (1, 60, 60, true),
            (2, 60, 60, true),
            (4, 7_200, 7_200, false),
            (5, 60, 60, false),
        ]
    );
    let days = all(&store, Level::Day, Phase::Total).await;
    assert_eq!((days[0].longest_window_s, days[0].clock_uncertain), (7_200, true));
}

pub async fn a_new_time_zone_cuts_days_anew(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "in-1", "in").await;
    enrol(&store, 2, "hk-1", "hk").await;
    let reports: Vec<_> = (0..48)
        .map(|n| report("in-1", 1, n + 1, vec![window(MONDAY + HOUR * n.cast_signed(), 3_600, n)]))
        .chain(minutes("hk-1", MONDAY, 3))
        .collect();
    store.append(&reports).await.unwrap();
    roll_up_all(&store).await;
    let as_utc = all(&store, Level::Day, Phase::Total).await;
    for zone in ["Asia/Kolkata", "America/Mexico_City", "UTC"] {
        live_by(&store, "in", zone).await;
        roll_up_all(&store).await;
        assert_eq!(due(&store, Level::Day).await, due_of(&reports), "{zone}");
        assert_sound(&store).await;
    }
    assert_eq!(all(&store, Level::Day, Phase::Total).await, as_utc);
    live_by(&store, "in", "UTC").await;
    assert!(!store.roll_up(1).await.unwrap().is_more);
}

pub async fn a_move_to_another_market_cuts_days_anew(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    live_by(&store, "in", "Asia/Kolkata").await;
    let reports = minutes("hk-1", MONDAY, 2);
    store.append(&reports).await.unwrap();
    roll_up_all(&store).await;
    store.create_token(&token(2, "hk-1", "in", 100)).await.unwrap();
    let software = Software::new("vantage-agent 0.1.0");
    let enrolled = store.enrol(&[2; 32], &[2; 32], &software, at(110)).await.unwrap();
    assert!(matches!(enrolled, Enrolled::Done(_)));
    roll_up_all(&store).await;
    let days = all(&store, Level::Day, Phase::Total).await;
    assert!(days.iter().all(|day| day.start_unix_s == MONDAY - 5 * HOUR - HOUR / 2));
    assert_eq!(due(&store, Level::Day).await, due_of(&reports));
    assert_sound(&store).await;
}

pub async fn queries_choose_vantages_probes_phases_and_times(database: &Database) {
    let store = database.open().await;
    for (number, name) in (1..).zip(["hk-1", "hk-2"]) {
        enrol(&store, number, name, "hk").await;
        store.append(&minutes(name, MONDAY, 130)).await.unwrap();
    }
    roll_up_all(&store).await;
    let query = RollupQuery {
        vantages: vec![vantage("hk-2"), vantage("nobody")],
        targets: vec![probe("oregon").target],
        probes: vec![probe("oregon").probe],
        phase: None,
        from: at(MONDAY + 1),
        to: at(MONDAY + 2 * HOUR),
    };
    let found = store.rollups(Level::Hour, &query).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].start_unix_s, MONDAY + HOUR);
    assert_eq!((found[0].vantage.as_str(), &found[0].histogram), ("hk-2", &None));
    let with_phase = |phase| RollupQuery { phase: Some(phase), ..query.clone() };
    let found = store.rollups(Level::Hour, &with_phase(Phase::Total)).await.unwrap();
    assert!(found[0].histogram.is_some());
    let found = store.rollups(Level::Hour, &with_phase(Phase::Dns)).await.unwrap();
    assert_eq!((found.len(), &found[0].histogram), (1, &None));
    let nothing = RollupQuery { vantages: vec![vantage("nobody")], ..query };
    assert_eq!(store.rollups(Level::Hour, &nothing).await.unwrap(), []);
}

/// Everything that the roll-ups say.
async fn everything(store: &Store) -> Vec<Rollup> {
    let mut everything = Vec::new();
    for level in [Level::Hour, Level::Day] {
        for phase in [Phase::Connect, Phase::Total] {
            everything.extend(all(store, level, phase).await);
        }
    }
    everything
}

/// However the same reports come (in any order and grouping, repeated, by two aggregators, with
/// roll-ups in between), the store says the same in the end, byte for byte.
pub async fn order_and_repetition_leave_no_trace(database: &Database) {
    let (one, other) = (database.open().await, database.open().await);
    let mut reference: BTreeMap<String, Vec<Rollup>> = BTreeMap::new();
    // Each round has vantage points of its own, that must come out alike.
    for seed in 0..6_u8 {
        let names = [format!("a-{seed}"), format!("b-{seed}")];
        let mut rng = ChaCha8Rng::seed_from_u64(seed.into());
        let mut reports = Vec::new();
        for (number, name) in (1..).zip(&names) {
            enrol(&one, 2 * seed + number, name, "in").await;
            live_by(&one, "in", "Asia/Kolkata").await;
            reports.extend(minutes(name, MONDAY + 18 * HOUR, 70));
            // Coarse windows, several in a report, of an earlier run.
            let coarse =
                (0..4).map(|n| window(MONDAY + 17 * HOUR + 600 * n, 600, n.unsigned_abs()));
            reports.push(report(name, 0, 9, coarse.collect()));
        }
        let mut arriving = reports.clone();
        if seed > 0 {
            for _ in 0..40 {
                arriving.push(reports[rng.random_range(0..reports.len())].clone());
            }
            for index in (1..arriving.len()).rev() {
                arriving.swap(index, rng.random_range(0..=index));
            }
        }
        let mut rest = arriving.as_slice();
        while !rest.is_empty() {
            let (group, later) = rest.split_at(rng.random_range(1..=rest.len().min(30)));
            let store = if rng.random() { &one } else { &other };
            store.append(group).await.unwrap();
            if rng.random_range(0..3) == 0 {
                store.roll_up(rng.random_range(1..4)).await.unwrap();
            }
            rest = later;
        }
        roll_up_all(&one).await;
        for name in &names {
            let mut said = everything(&other).await;
            said.retain(|each| each.vantage.as_str() == name);
            assert!(!said.is_empty());
            let letter = name[..1].to_owned();
            for each in &mut said {
                each.vantage = vantage(&letter);
            }
            assert_eq!(
                reference.entry(letter).or_insert_with(|| said.clone()),
                &said,
                "seed {seed}"
            );
        }
    }
    assert_sound(&one).await;
}

pub async fn rolling_up_while_reports_arrive_loses_nothing(database: &Database) {
    let (one, other) = (database.open().await, database.open().await);
    enrol(&one, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 200);
    let arriving = {
        let (store, reports) = (one.clone(), reports.clone());
        tokio::spawn(async move {
            for group in reports.chunks(3) {
                store.append(group).await.unwrap();
            }
        })
    };
    let rolling = [one.clone(), other.clone()].map(|store| {
        tokio::spawn(async move {
            for _ in 0..40 {
                store.roll_up(10).await.unwrap();
            }
        })
    });
    arriving.await.unwrap();
    for task in rolling {
        task.await.unwrap();
    }
    roll_up_all(&other).await;
    for level in [Level::Hour, Level::Day] {
        assert_eq!(due(&one, level).await, due_of(&reports));
    }
    assert_sound(&one).await;
}

pub async fn counts_beyond_measure_harm_only_their_own_hour(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 60);
    store.append(&reports).await.unwrap();
    let mut hostile = window(MONDAY + HOUR, 60, 1);
    for tally in hostile.tallies.values_mut() {
        tally.failures.get_mut(&(FailureCode::TcpTimeout, Phase::Connect)).unwrap().count =
            u64::MAX - 100;
    }
    store.append(&[report("hk-1", 2, 1, vec![hostile.clone(), hostile])]).await.unwrap();
    let done = store.roll_up(100).await.unwrap();
    assert_eq!((done.hours, done.days, done.is_more), (2, 1, false));
    assert_eq!(done.faults.len(), 1);
    assert_eq!((done.faults[0].level, done.faults[0].start), (Level::Hour, at(MONDAY + HOUR)));
    assert_eq!(due(&store, Level::Day).await, due_of(&reports));
    let found = store.check().await.unwrap();
    assert_eq!(found.wrong_spans, done.faults);
}

//! `vantage serve` with an export: what comes late, merged, twice or while InfluxDB is away.

use std::collections::BTreeMap;
use std::path::Path;

use tempfile::TempDir;
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::store::Store;
use vantage_wire::FailureCode;

use crate::bridge::{BUCKET, Bridge, Fault, ORG, TOKEN};
use crate::fixture::{Attempts, HOUR, catalogue, enrol, minute, report, store_in, window};
use crate::vantage::{Serving, vantage};

/// A folder with catalogue and configuration, and the store of it with one agent.
pub async fn prepared(bridge: &Bridge) -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, 2)).unwrap();
    configure(folder.path(), bridge);
    let store = store_in(&folder).await;
    enrol(&store, 1, "market-0-1", "market-0").await;
    (folder, store)
}

fn configure(folder: &Path, bridge: &Bridge) {
    std::fs::write(folder.join("token"), TOKEN).unwrap();
    let text = format!(
        "log = \"info,vantage_aggregator=debug\"\n[influx]\nurl = \"{}\"\norg = \"{ORG}\"\n\
         bucket = \"{BUCKET}\"\ntoken_file = \"token\"\n",
        bridge.url
    );
    std::fs::write(folder.join("aggregator.toml"), text).unwrap();
}

/// The start of an hour, some hours ago: what is measured now would still be incomplete.
fn recent_hour(ago: i64) -> i64 {
    let now_s = SystemClock.now().unix_seconds_floor();
    now_s - now_s.rem_euclid(HOUR) - ago * HOUR
}

/// A field of the outcome at a site, by time.
fn outcome(bridge: &Bridge, site: u32, field: &str) -> BTreeMap<i64, String> {
    let series = format!(
        "vantage_latency,kind=tcp,market=market-0,phase=total,probe=connect,site=site-{site},\
         target=site-{site}-web,vantage=market-0-1"
    );
    let points = bridge.points().into_iter();
    let of_series = points.filter(|((name, _), _)| *name == series);
    of_series.map(|((_, time_s), fields)| (time_s, fields[field].clone())).collect()
}

fn counts<const N: usize>(counts: [(i64, u64); N]) -> BTreeMap<i64, String> {
    counts.into_iter().map(|(time_s, count)| (time_s, format!("{count}i"))).collect()
}

async fn append(store: &Store, boot: u8, sequence: u64, windows: &[(i64, u32, &[Attempts])]) {
    let windows =
        windows.iter().map(|(start, length, attempts)| window(*start, *length, attempts)).collect();
    store.append(&[report("market-0-1", boot, sequence, windows)]).await.unwrap();
}

async fn nothing_waits(store: &Store) {
    while store.influx_backlog().await.unwrap().expect("it is on").notes > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Waits until Prometheus is told a value of a metric, without a fraction, that will do.
async fn metric(serving: &Serving, name: &str, so: impl Fn(u64) -> bool) {
    for _ in 0..300 {
        let text = serving.metrics().await;
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        if so(value.unwrap().parse().unwrap()) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{name} in\n{}", serving.metrics().await);
}

/// Whether the store was told that the export is on.
async fn is_on(store: &Store) {
    while store.influx_backlog().await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_point_is_all_that_starts_at_its_time_however_it_came() {
    let bridge = Bridge::start(None).await;
    let (folder, store) = prepared(&bridge).await;
    let serving = Serving::start(&folder);
    is_on(&store).await;
    let start = recent_hour(3);
    let failed = Some((FailureCode::TcpTimeout, 2));
    append(&store, 1, 1, &[(start, 60, &[(0, 10, None)]), (start + 60, 60, &[(0, 11, None)])])
        .await;
    nothing_waits(&store).await;
    assert_eq!(outcome(&bridge, 0, "ok"), counts([(start, 10), (start + 60, 11)]));

    // The same minute of another run; ten minutes that were merged on the agent's disk; a minute of
    // last week.
    let week = start - 7 * 24 * HOUR;
    append(&store, 2, 1, &[(start, 60, &[(0, 5, failed)])]).await;
    append(&store, 2, 2, &[(start, 600, &[(0, 100, None), (1, 7, None)])]).await;
    append(&store, 2, 3, &[(week, 60, &[(0, 1, None)])]).await;
    nothing_waits(&store).await;
    let expected = counts([(week, 1), (start, 115), (start + 60, 11)]);
    assert_eq!(outcome(&bridge, 0, "ok"), expected);
    assert_eq!(outcome(&bridge, 0, "window_s")[&start], "600i");
    assert_eq!(outcome(&bridge, 0, "failed_path")[&start], "2i");
    assert_eq!(outcome(&bridge, 0, "le_inf")[&start], "115i");
    assert_eq!(outcome(&bridge, 1, "ok"), counts([(start, 7)]));

    // How the agent fares, and where sites stand, come by themselves.
    let has = |bridge: &Bridge, measurement: &str| {
        bridge.points().keys().any(|(series, _)| series.starts_with(measurement))
    };
    bridge.wait_until(|bridge| has(bridge, "vantage_agent,market=market-0,vantage=")).await;
    store.close().await;
    assert!(serving.terminate());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_influxdb_is_away_or_when_vantage_is_killed() {
    let bridge = Bridge::start(None).await;
    let (folder, store) = prepared(&bridge).await;
    let serving = Serving::start(&folder);
    is_on(&store).await;
    let start = recent_hour(30);
    let minutes = |from: i64| (from..from + 60).map(|n| start + 60 * n);
    // Whatever can happen to a request happens.
    bridge.meets([
        Fault::CutBefore,
        Fault::CutAfter,
        Fault::Answer(503, vec![("retry-after", "1")], String::new()),
        Fault::Answer(429, vec![("retry-after", "1")], String::new()),
    ]);
    for (sequence, minute) in (1..).zip(minutes(0)) {
        append(&store, 1, sequence, &[(minute, 60, &[(0, sequence, None)])]).await;
    }
    metric(&serving, "vantage_influx_condition{condition=\"unreached\"}", |is| is == 1).await;
    bridge.wait_until(|bridge| bridge.refused() >= 2).await;
    serving.kill();
    for (sequence, minute) in (61..).zip(minutes(60)) {
        append(&store, 1, sequence, &[(minute, 60, &[(0, sequence, None)])]).await;
    }
    let serving = Serving::start(&folder);
    nothing_waits(&store).await;
    let all = minutes(0).chain(minutes(60));
    let expected: BTreeMap<_, _> =
        all.zip(1..).map(|(minute, ok)| (minute, format!("{ok}i"))).collect();
    assert_eq!(outcome(&bridge, 0, "ok"), expected);
    metric(&serving, "vantage_influx_condition{condition=\"well\"}", |is| is == 1).await;
    metric(&serving, "vantage_influx_backlog_notes", |notes| notes == 0).await;
    metric(&serving, "vantage_influx_points_total", |points| points >= 60).await;
    store.close().await;
    assert!(serving.terminate());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_point_holds_nothing_up_and_is_told_once() {
    let bridge = Bridge::start(None).await;
    bridge.poison("site-1-web");
    let (folder, store) = prepared(&bridge).await;
    let serving = Serving::start(&folder);
    is_on(&store).await;
    let start = recent_hour(5);
    for n in 0..3 {
        let both = [(0, 4, None), (1, 4, None)];
        append(&store, 1, n + 1, &[(start + 60 * n.cast_signed(), 60, &both)]).await;
        nothing_waits(&store).await;
    }
    assert_eq!(outcome(&bridge, 0, "ok").len(), 3);
    assert_eq!(outcome(&bridge, 1, "ok").len(), 0);
    assert_eq!(serving.log().matches("will not take these points").count(), 1);
    assert!(!serving.log().contains(TOKEN));
    let aside = "vantage_influx_points_aside_total{reason=\"unparsable\"}";
    metric(&serving, aside, |points| points >= 3).await;
    store.close().await;
    assert!(serving.terminate());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_while_nobody_exports_is_not_noted() {
    let bridge = Bridge::start(None).await;
    let (folder, store) = prepared(&bridge).await;
    let start = recent_hour(5);
    store
        .append(&[report("market-0-1", 1, 1, vec![minute(start, &[(0, 4, None)])])])
        .await
        .unwrap();
    let off = |store: Store| async move { store.influx_backlog().await.unwrap().is_none() };
    assert!(off(store.clone()).await);
    let serving = Serving::start(&folder);
    is_on(&store).await;
    serving.kill();
    append(&store, 1, 2, &[(start + 60, 60, &[(0, 4, None)])]).await;
    assert_eq!(store.influx_backlog().await.unwrap().unwrap().notes, 1);
    let output = vantage(&folder).args(["export", "influx", "--off"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(off(store.clone()).await);
    store.close().await;
}

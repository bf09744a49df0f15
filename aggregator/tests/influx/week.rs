//! A week of six markets and ten sites, and what is expected of it in InfluxDB.

use std::collections::BTreeMap;

use tempfile::TempDir;
use vantage_aggregator::store::Store;
use vantage_wire::report::{ProbeKind, Tally};
use vantage_wire::{Attribution, FailureCode, LatencyHistogram, Micros, Phase, UtcMicros};

use crate::fixture::{Attempts, DAY, HOUR, MONDAY, catalogue, enrol, minute, report, store_in};
use crate::influxdb::Row;

pub const MARKETS: u32 = 6;
pub const SITES: u32 = 10;
/// Every site is probed once in so many minutes, another one in every minute.
const EVERY_MINUTES: i64 = 10;

pub fn vantage_of(market: u32) -> String {
    format!("market-{market}-1")
}

/// What a vantage point measures in a minute: one site.
fn attempts(market: u32, minute_s: i64) -> Attempts {
    let number = minute_s / 60;
    let site = u32::try_from((number + i64::from(market)).rem_euclid(EVERY_MINUTES)).unwrap();
    // Enough for a ranking by days, and now and then a failure.
    let ok = 2 + (number % 5).unsigned_abs();
    let failed = match number % 211 {
        0 => Some((FailureCode::TcpTimeout, 1)),
        1 => Some((FailureCode::TcpRefused, 2)),
        2 => Some((FailureCode::AgentMissedSlot, 1)),
        _ => None,
    };
    (site, ok, failed)
}

/// A folder with catalogue and store.
pub async fn a_week() -> (TempDir, Store) {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(MARKETS, SITES)).unwrap();
    let store = store_in(&folder).await;
    for market in 0..MARKETS {
        let number = u8::try_from(market).unwrap() + 1;
        enrol(&store, number, &vantage_of(market), &format!("market-{market}")).await;
    }
    for (sequence, hour) in (1..).zip((MONDAY..MONDAY + 7 * DAY).step_by(3_600)) {
        let reports: Vec<_> = (0..MARKETS)
            .map(|market| {
                let minutes = (hour..hour + HOUR).step_by(60);
                let windows =
                    minutes.map(|start| minute(start, &[attempts(market, start)])).collect();
                report(&vantage_of(market), 1, sequence, windows)
            })
            .collect();
        store.append(&reports).await.unwrap();
    }
    while store.roll_up(1_000).await.unwrap().is_more {}
    (folder, store)
}

/// The fields that a point must have, by name, as JSON has them.
pub type Fields = BTreeMap<String, f64>;

/// By vantage point, target and time: what the store holds, put together here once more.
pub async fn expected(store: &Store) -> BTreeMap<(String, String, i64), Fields> {
    let mut points = BTreeMap::new();
    for market in 0..MARKETS {
        let vantage = vantage_of(market);
        let second = |unix_s| UtcMicros::from_unix_seconds(unix_s).unwrap();
        let windows = store
            .windows(&vantage.parse().unwrap(), second(MONDAY), second(MONDAY + 7 * DAY))
            .await
            .unwrap();
        for window in windows {
            for (key, tally) in &window.report.tallies {
                let start_s = window.report.window.start_unix_s();
                let fields = fields(tally, key.timeout);
                let point = (vantage.clone(), key.target.to_string(), start_s);
                assert!(points.insert(point, fields).is_none(), "one window a minute");
            }
        }
    }
    points
}

fn fields(tally: &Tally, timeout: Micros) -> Fields {
    let latencies = tally
        .phases
        .get(&Phase::Total)
        .map_or_else(LatencyHistogram::new, |it| it.decode().unwrap());
    let mut fields = Fields::new();
    let mut put = |name: &str, value: u64| fields.insert(name.to_owned(), value as f64);
    put("window_s", 60);
    put("count", latencies.count());
    put("min_us", latencies.min().unwrap().get());
    put("max_us", latencies.max().unwrap().get());
    for (name, share) in [("p50_us", 0.5), ("p90_us", 0.9), ("p95_us", 0.95), ("p99_us", 0.99)] {
        put(name, latencies.quantile(share).unwrap().get());
    }
    for ms in [1, 2, 3, 5, 7] {
        for power in [1, 10, 100, 1_000, 10_000] {
            let bound = (ms * power * 1_000).min(60_000_000);
            put(&format!("le_{bound}_us"), latencies.count_at_or_below(Micros::new(bound)));
        }
    }
    put("le_inf", latencies.count());
    let of = |is: &dyn Fn(FailureCode) -> bool| -> u64 {
        tally.failures.iter().filter(|((code, _), _)| is(*code)).map(|(_, row)| row.count).sum()
    };
    let failed = of(&|code| code.attribution().counts_against_site());
    put("ok", tally.ok);
    put("failed", failed);
    put("attempts", tally.ok + failed);
    for attribution in Attribution::ALL {
        put(&format!("failed_{attribution}"), of(&|code| code.attribution() == *attribution));
    }
    put("missed", of(&|code| code == FailureCode::AgentMissedSlot));
    put("degraded", tally.degraded);
    put("timeout_us", timeout.get());
    let mut all = latencies.clone();
    all.record_n(timeout, failed).unwrap();
    put("p95_inclusive_us", all.quantile(0.95).unwrap().get());
    for code in FailureCode::ALL {
        if vantage_aggregator::export::influx::fields::can_fail_with(ProbeKind::Tcp, *code) {
            put(&format!("code_{code}"), of(&|other| other == *code));
        }
    }
    fields.insert("mean_us".to_owned(), latencies.mean().unwrap());
    fields
}

/// A row of InfluxDB in the same form.
pub fn found(row: &Row) -> ((String, String, i64), Fields) {
    let text = |name: &str| row[name].as_str().unwrap().to_owned();
    let key = (text("vantage"), text("target"), row["time"].as_i64().unwrap());
    let numbers = row.iter().filter(|(name, _)| *name != "time");
    let fields = numbers.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)));
    (key, fields.collect())
}

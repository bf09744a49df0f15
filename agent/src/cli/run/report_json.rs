//! Reports as JSON, for people who want to see what leaves the machine. Described in
//! `agent/JSON.md`.

use serde_json::{Map, Value, json};
use vantage_wire::exchange::Assignment;
use vantage_wire::report::{EncodedHistogram, Health, ProbeKey, Tally, WindowReport};
use vantage_wire::{Micros, VantageId};

use crate::identity::SOFTWARE;

/// An assignment, as it came.
pub fn assignment(assignment: &Assignment) -> Value {
    json!({ "type": "assignment", "assignment": assignment })
}

/// A report of one window.
pub fn report(vantage: &VantageId, window: &WindowReport, health: &Health) -> Value {
    without_nulls(json!({
        "type": "report",
        "vantage": vantage,
        "software": SOFTWARE,
        "window_start_unix_s": window.window.start_unix_s(),
        "window_s": window.window.length().seconds(),
        "clock": window.clock.map(|clock| json!({
            "offset_us": clock.offset_us,
            "bound_us": clock.bound.get(),
        })),
        "series": window.tallies.iter().map(|(key, tally)| series(key, tally)).collect::<Vec<_>>(),
        "health": self::health(health),
    }))
}

/// What does not apply is absent.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.into_iter().filter(|(_, field)| !field.is_null());
            Value::Object(there.map(|(name, field)| (name, without_nulls(field))).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn series(key: &ProbeKey, tally: &Tally) -> Value {
    let failures: Vec<Value> = tally
        .failures
        .iter()
        .map(|((code, phase), row)| {
            json!({
                "code": code.name(),
                "phase": phase.name(),
                "count": row.count,
                "last_detail": row.last_detail.as_str(),
            })
        })
        .collect();
    let phases: Map<String, Value> = tally
        .phases
        .iter()
        .map(|(phase, histogram)| (phase.name().to_owned(), self::histogram(histogram)))
        .collect();
    json!({
        "target": key.target,
        "probe": key.probe,
        "kind": key.kind.name(),
        "family": key.family.name(),
        "warm": key.warm,
        "interval_us": key.interval.get(),
        "timeout_us": key.timeout.get(),
        "ok": tally.ok,
        "degraded": tally.degraded,
        "failures": failures,
        "phases": phases,
        "addresses": tally.addresses,
    })
}

/// A histogram by its count and some quantiles: what is sent has all of it.
fn histogram(histogram: &EncodedHistogram) -> Value {
    let Ok(decoded) = histogram.decode() else { return Value::Null };
    let quantile = |share| decoded.quantile(share).map(Micros::get);
    json!({
        "count": histogram.count(),
        "min_us": decoded.min().map(Micros::get),
        "p50_us": quantile(0.5),
        "p99_us": quantile(0.99),
        "max_us": decoded.max().map(Micros::get),
    })
}

fn health(health: &Health) -> Value {
    json!({
        "event_loop_lag_p99_us": health.event_loop_lag_p99.map(Micros::get),
        "cpu_steal_permille": health.cpu_steal_permille,
        "open_files": health.open_files,
        "open_files_limit": health.open_files_limit,
        "resident_bytes": health.resident_bytes,
    })
}

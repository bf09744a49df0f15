//! The columns of tables.

use std::fmt::Display;

use jiff::Timestamp;
use vantage_wire::{Attribution, Micros};

use super::row::Row;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// True or false.
    Flag,
    /// A whole number from 0.
    Count,
    /// A number with decimals.
    Number,
    /// A point of time.
    Time,
}

/// A column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, which carries the unit.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is empty where the phase has no latency.
    pub optional: bool,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: false }
}

const fn latency(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: true }
}

/// All columns. New ones come last.
pub const COLUMNS: [Column; 31] = [
    column("market", Kind::Text),
    column("vantage", Kind::Text),
    column("target", Kind::Text),
    column("probe", Kind::Text),
    column("kind", Kind::Text),
    column("family", Kind::Text),
    column("warm", Kind::Flag),
    column("interval_us", Kind::Count),
    column("timeout_us", Kind::Count),
    column("phase", Kind::Text),
    column("start", Kind::Time),
    column("length_s", Kind::Count),
    column("covered_s", Kind::Count),
    column("ok", Kind::Count),
    column("degraded", Kind::Count),
    column("failed_target", Kind::Count),
    column("failed_path", Kind::Count),
    column("failed_resolver", Kind::Count),
    column("failed_agent", Kind::Count),
    column("failed_config", Kind::Count),
    column("failed_unknown", Kind::Count),
    // Such as `tcp_timeout@connect=3;http_5xx@request=1`: code, phase, count.
    column("failures", Kind::Text),
    // Such as `192.0.2.1;2001:db8::1`.
    column("addresses", Kind::Text),
    column("count", Kind::Count),
    latency("min_us", Kind::Count),
    latency("mean_us", Kind::Number),
    latency("p50_us", Kind::Count),
    latency("p90_us", Kind::Count),
    latency("p95_us", Kind::Count),
    latency("p99_us", Kind::Count),
    latency("max_us", Kind::Count),
];

/// The quantiles that have a column.
pub(super) const QUANTILES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// What stands in one column of one row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    Text(String),
    Flag(bool),
    Count(u64),
    Number(f64),
    Time(Timestamp),
    Absent,
}

impl Row {
    /// What stands in the columns.
    pub(super) fn cells(&self) -> [Cell; COLUMNS.len()] {
        let text = |value: &dyn Display| Cell::Text(value.to_string());
        let failed = |attribution| Cell::Count(self.failed(attribution));
        let micros = |value: Option<Micros>| value.map_or(Cell::Absent, |us| Cell::Count(us.get()));
        let quantile = |index: usize| micros(self.latencies.quantile(QUANTILES[index]));
        let failures = self
            .failures
            .iter()
            .map(|((code, phase), row)| format!("{code}@{phase}={}", row.count));
        [
            text(&self.market),
            text(&self.vantage),
            text(&self.probe.target),
            text(&self.probe.probe),
            text(&self.probe.kind),
            text(&self.probe.family),
            Cell::Flag(self.probe.warm),
            Cell::Count(self.probe.interval.get()),
            Cell::Count(self.probe.timeout.get()),
            text(&self.phase),
            Cell::Time(self.start),
            Cell::Count(self.length_s),
            Cell::Count(self.covered_s),
            Cell::Count(self.ok),
            Cell::Count(self.degraded),
            failed(Attribution::Target),
            failed(Attribution::Path),
            failed(Attribution::Resolver),
            failed(Attribution::Agent),
            failed(Attribution::Config),
            failed(Attribution::Unknown),
            Cell::Text(failures.collect::<Vec<_>>().join(";")),
            Cell::Text(
                self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"),
            ),
            Cell::Count(self.latencies.count()),
            micros(self.latencies.min()),
            self.latencies.mean().map_or(Cell::Absent, Cell::Number),
            quantile(0),
            quantile(1),
            quantile(2),
            quantile(3),
            micros(self.latencies.max()),
        ]
    }
}

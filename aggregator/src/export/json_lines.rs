//! JSON, one object a line.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;
use vantage_wire::{Attribution, Micros, Phase};

use super::RowWriter;
use super::columns::QUANTILES;
use super::row::Row;

/// Writes rows as JSON, one object a line. Names are those of the [columns](super::COLUMNS); in
/// place of `failed_…` there is a list of `failures`. What is absent is `null`.
pub struct JsonLinesWriter<W> {
    to: W,
}

impl<W: Write> JsonLinesWriter<W> {
    /// Writes nothing yet.
    pub const fn new(to: W) -> Self {
        Self { to }
    }
}

impl<W: Write> RowWriter for JsonLinesWriter<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        serde_json::to_writer(&mut self.to, &Line::from(row))?;
        self.to.write_all(b"\n")
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.to.flush()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    market: &'a str,
    vantage: &'a str,
    target: &'a str,
    probe: &'a str,
    kind: &'static str,
    family: &'static str,
    warm: bool,
    interval_us: u64,
    timeout_us: u64,
    phase: &'static str,
    start: Timestamp,
    length_s: u64,
    covered_s: u64,
    ok: u64,
    degraded: u64,
    failures: Vec<FailureLine<'a>>,
    addresses: &'a BTreeSet<IpAddr>,
    count: u64,
    min_us: Option<u64>,
    mean_us: Option<f64>,
    p50_us: Option<u64>,
    p90_us: Option<u64>,
    p95_us: Option<u64>,
    p99_us: Option<u64>,
    max_us: Option<u64>,
}

#[derive(Serialize)]
struct FailureLine<'a> {
    code: &'static str,
    phase: &'static str,
    attribution: &'static str,
    count: u64,
    last_detail: Option<&'a str>,
}

impl<'a> From<&'a Row> for Line<'a> {
    fn from(row: &'a Row) -> Self {
        let failures = row.failures.iter().map(|((code, phase), failure)| FailureLine {
            code: code.name(),
            phase: phase.name(),
            attribution: Attribution::name(code.attribution()),
            count: failure.count,
            last_detail: Some(failure.last_detail.as_str()).filter(|detail| !detail.is_empty()),
        });
        let [p50_us, p90_us, p95_us, p99_us] =
            QUANTILES.map(|quantile| row.latencies.quantile(quantile).map(Micros::get));
        Self {
            market: row.market.as_str(),
            vantage: row.vantage.as_str(),
            target: row.probe.target.as_str(),
            probe: row.probe.probe.as_str(),
            kind: row.probe.kind.name(),
            family: row.probe.family.name(),
            warm: row.probe.warm,
            interval_us: row.probe.interval.get(),
            timeout_us: row.probe.timeout.get(),
            phase: Phase::name(row.phase),
            start: row.start,
            length_s: row.length_s,
            covered_s: row.covered_s,
            ok: row.ok,
            degraded: row.degraded,
            failures: failures.collect(),
            addresses: &row.addresses,
            count: row.latencies.count(),
            min_us: row.latencies.min().map(Micros::get),
            mean_us: row.latencies.mean(),
            p50_us,
            p90_us,
            p95_us,
            p99_us,
            max_us: row.latencies.max().map(Micros::get),
        }
    }
}

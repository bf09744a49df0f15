//! Rows on their way over HTTP: one JSON object a line, of which the last tells that none is missing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::failure::Detail;
use vantage_wire::report::{FailureCount, Family, ProbeKey, ProbeKind};
use vantage_wire::{
    FailureCode, LatencyHistogram, MarketId, Micros, Phase, ProbeId, TargetId, VantageId,
};

use crate::export::Row;

/// One line of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowsLine {
    /// The first line: no row starts before this.
    Begin(Timestamp),
    /// A row.
    Row(Box<RowDocument>),
    /// The last line: how many rows there were. An answer without it was cut off.
    End(u64),
}

/// One phase of one probe in one hour or day. Counts of attempts and failures are of the probe: they
/// are repeated in the rows of all its phases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowDocument {
    /// The market of the vantage point.
    pub market: MarketId,
    /// Who measured.
    pub vantage: VantageId,
    /// What was probed.
    pub target: TargetId,
    /// By which of its probes.
    pub probe: ProbeId,
    /// What the probe does.
    pub kind: ProbeKind,
    /// Which version of IP it was made to use.
    pub family: Family,
    /// Whether attempts used a connection that was open.
    pub warm: bool,
    /// Time between attempts, in µs.
    pub interval_us: u64,
    /// How long an attempt could take, in µs.
    pub timeout_us: u64,
    /// The phase that the histogram is of.
    pub phase: Phase,
    /// When the hour or day starts.
    pub start: Timestamp,
    /// How long it is, in seconds.
    pub length_s: u64,
    /// Seconds of it that were measured.
    pub covered_s: u64,
    /// Attempts that succeeded.
    pub ok: u64,
    /// Attempts made while the agent judged itself to be at fault.
    pub degraded: u64,
    /// Attempts that failed, by why and where.
    pub failures: Vec<RowFailure>,
    /// The addresses that were probed.
    pub addresses: BTreeSet<IpAddr>,
    /// How long the phase took in the attempts that completed it: `HdrHistogram` V2 encoding (µs,
    /// 3 digits) in base64; `null` where none did.
    pub histogram: Option<String>,
}

/// The attempts that failed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowFailure {
    /// Why.
    pub code: FailureCode,
    /// In which phase.
    pub phase: Phase,
    /// How many.
    pub count: u64,
    /// What was said about the last one that had a detail.
    pub last_detail: String,
}

/// A histogram that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a row's histogram cannot be read")]
pub struct NoHistogram;

impl From<&Row> for RowDocument {
    fn from(row: &Row) -> Self {
        let failures = row.failures.iter().map(|((code, phase), failure)| RowFailure {
            code: *code,
            phase: *phase,
            count: failure.count,
            last_detail: failure.last_detail.as_str().to_owned(),
        });
        let latencies = Some(&row.latencies).filter(|latencies| !latencies.is_empty());
        Self {
            market: row.market.clone(),
            vantage: row.vantage.clone(),
            target: row.probe.target.clone(),
            probe: row.probe.probe.clone(),
            kind: row.probe.kind,
            family: row.probe.family,
            warm: row.probe.warm,
            interval_us: row.probe.interval.get(),
            timeout_us: row.probe.timeout.get(),
            phase: row.phase,
            start: row.start,
            length_s: row.length_s,
            covered_s: row.covered_s,
            ok: row.ok,
            degraded: row.degraded,
            failures: failures.collect(),
            addresses: row.addresses.clone(),
            histogram: latencies.map(|latencies| STANDARD.encode(latencies.encode())),
        }
    }
}

impl TryFrom<RowDocument> for Row {
    type Error = NoHistogram;

    fn try_from(document: RowDocument) -> Result<Self, NoHistogram> {
        let latencies = match &document.histogram {
            None => LatencyHistogram::new(),
            Some(text) => {
                let bytes = STANDARD.decode(text).map_err(|_| NoHistogram)?;
                LatencyHistogram::decode(&bytes).map_err(|_| NoHistogram)?
            }
        };
        let failures = document.failures.into_iter().map(|failure| {
            let last_detail = Detail::new(&failure.last_detail);
            ((failure.code, failure.phase), FailureCount { count: failure.count, last_detail })
        });
        Ok(Self {
            market: document.market,
            vantage: document.vantage,
            probe: ProbeKey {
                target: document.target,
                probe: document.probe,
                kind: document.kind,
                family: document.family,
                warm: document.warm,
                interval: Micros::new(document.interval_us),
                timeout: Micros::new(document.timeout_us),
            },
            phase: document.phase,
            start: document.start,
            length_s: document.length_s,
            covered_s: document.covered_s,
            ok: document.ok,
            degraded: document.degraded,
            failures: failures.collect(),
            addresses: document.addresses,
            latencies,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(latencies: &[u64]) -> Row {
        let failure = FailureCount { count: 3, last_detail: Detail::new("status 503, \"busy\"") };
        Row {
            market: "hk".parse().unwrap(),
            vantage: "hk-1".parse().unwrap(),
            probe: ProbeKey {
                target: "oregon-api".parse().unwrap(),
                probe: "https".parse().unwrap(),
                kind: ProbeKind::Http,
                family: Family::V6,
                warm: true,
                interval: Micros::from_secs(1),
                timeout: Micros::from_secs(5),
            },
            phase: Phase::Total,
            start: Timestamp::from_second(1_700_000_000).unwrap(),
            length_s: 3_600,
            covered_s: 3_540,
            ok: 2,
            degraded: 1,
            failures: BTreeMap::from([((FailureCode::Http5xx, Phase::Request), failure)]),
            addresses: ["192.0.2.1".parse().unwrap()].into(),
            latencies: LatencyHistogram::from_samples(latencies.iter().copied().map(Micros::new)),
        }
    }

    #[test]
    fn a_row_comes_back_as_it_went() {
        for latencies in [&[][..], &[812, 60_000_000]] {
            let row = row(latencies);
            let line = RowsLine::Row(Box::new(RowDocument::from(&row)));
            let text = serde_json::to_string(&line).unwrap();
            let RowsLine::Row(read) = serde_json::from_str(&text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(Row::try_from(*read), Ok(row));
        }
    }

    #[test]
    fn a_histogram_that_is_none_is_an_error() {
        let document = RowDocument::from(&row(&[812]));
        for wrong in ["", "AAAA", "not base64"] {
            let wrong = RowDocument { histogram: Some(wrong.to_owned()), ..document.clone() };
            assert_eq!(Row::try_from(wrong), Err(NoHistogram));
        }
    }

    #[test]
    fn the_first_line_and_the_last_are_told_from_rows() {
        let begin = RowsLine::Begin(Timestamp::from_second(1_700_000_000).unwrap());
        let text = serde_json::to_string(&begin).unwrap();
        assert_eq!(text, r#"{"begin":"2023-11-14T22:13:20Z"}"#);
        assert_eq!(serde_json::to_string(&RowsLine::End(96)).unwrap(), r#"{"end":96}"#);
    }
}

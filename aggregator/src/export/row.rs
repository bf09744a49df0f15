//! One phase of one probe in one interval.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use jiff::Timestamp;
use vantage_wire::report::{FailureCount, ProbeKey};
use vantage_wire::{Attribution, FailureCode, LatencyHistogram, MarketId, Phase, VantageId};

/// One phase of one probe in one interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The market of the vantage point.
    pub market: MarketId,
    /// Who measured.
    pub vantage: VantageId,
    /// What.
    pub probe: ProbeKey,
    /// The phase that the latencies are of.
    pub phase: Phase,
    /// When the interval starts.
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
    pub failures: BTreeMap<(FailureCode, Phase), FailureCount>,
    /// The addresses that were probed.
    pub addresses: BTreeSet<IpAddr>,
    /// How long the phase took in the attempts that completed it.
    pub latencies: LatencyHistogram,
}

impl Row {
    /// Attempts whose failure is laid to this.
    pub fn failed(&self, attribution: Attribution) -> u64 {
        self.failures
            .iter()
            .filter(|((code, _), _)| code.attribution() == attribution)
            .fold(0, |sum, (_, row)| sum.saturating_add(row.count))
    }
}

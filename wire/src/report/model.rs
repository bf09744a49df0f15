//! What a report says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use prost::Message as _;

use super::encoded::EncodedHistogram;
use super::error::{Invalid, Locate as _, Problem, ReportError};
use super::health::Health;
use super::probe::{ProbeKey, ProbeKind};
use super::{bounds, decode, encode, message};
use crate::failure::{Detail, FailureCode};
use crate::id::{BootId, Sequence, VantageId};
use crate::phase::Phase;
use crate::text::Text;
use crate::units::Micros;
use crate::window::Window;

/// The name and version of the software that made a report, such as `vantage-agent 0.1.0`.
pub type Software = Text<64>;

/// One message of an agent. Vantage point, boot id and sequence number make it unique: a report
/// that comes twice is counted once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Who measured.
    pub vantage: VantageId,
    /// In which run of the agent.
    pub boot: BootId,
    /// Which report of that run, without gaps.
    pub sequence: Sequence,
    /// With which software.
    pub software: Software,
    /// What was measured. A window may occur more than once, here or in other reports: what they
    /// say adds up.
    pub windows: Vec<WindowReport>,
    /// How the agent fares.
    pub health: Health,
}

impl Report {
    /// The report as protobuf, not compressed. Equal reports give equal bytes.
    ///
    /// # Errors
    ///
    /// [`ReportError`] where the report does not add up or exceeds the [limits](bounds).
    pub fn encode(&self) -> Result<Vec<u8>, ReportError> {
        let bytes = encode::report(self)?.encode_to_vec();
        bounds::check(&bytes)?;
        Ok(bytes)
    }

    /// Reads a report from protobuf that is not compressed.
    ///
    /// # Errors
    ///
    /// [`ReportError`] where the bytes are no report, exceed the [limits](bounds) or do not add up.
    pub fn decode(bytes: &[u8]) -> Result<Decoded, ReportError> {
        bounds::check(bytes)?;
        let message = message::Report::decode(bytes)
            .map_err(|source| ReportError::Protobuf { message: "report", source })?;
        Ok(decode::report(message)?)
    }
}

/// A report, and what a newer writer put into it that this version cannot keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// All that could be read.
    pub report: Report,
    /// What was left out.
    pub omitted: Omitted,
}

/// What a reader left out because it has no name for it. Anything but zero says that the agent
/// runs a newer version than this software, and should be told to the operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    /// Probe keys with an unknown kind or address family.
    pub probes: u64,
    /// Attempts of those probes.
    pub attempts: u64,
    /// Histograms of unknown phases.
    pub histograms: u64,
}

/// What was measured in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowReport {
    /// When, by corrected time.
    pub window: Window,
    /// The correction, or `None` where the agent had not been able to estimate one and placed the
    /// window by its own clock.
    pub clock: Option<ClockOffset>,
    /// The outcome of each probe.
    pub tallies: BTreeMap<ProbeKey, Tally>,
}

/// An estimate of how far the agent's clock was off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// What was added to the agent's clock to get UTC, in microseconds.
    pub offset_us: i64,
    /// How far the estimate may be off, either way.
    pub bound: Micros,
}

/// The outcome of one probe in one window.
///
/// Every attempt that was due is either in `ok` or in one row of `failures`, also those that the
/// agent could not start ([`FailureCode::AgentMissedSlot`]), so that due = ok + Σ failures. Of a
/// decoded tally the following is known:
///
/// - no row of failures counts nothing, and due does not overflow;
/// - `degraded` is at most due;
/// - a histogram holds at least one sample and at most one per due attempt;
/// - the histogram of the probe's [outcome phase](ProbeKind::outcome_phase) holds exactly `ok`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Attempts that succeeded.
    pub ok: u64,
    /// Attempts, of either outcome, made while the agent judged itself to be at fault.
    pub degraded: u64,
    /// Attempts that failed, by why and where.
    pub failures: BTreeMap<(FailureCode, Phase), FailureCount>,
    /// How long each phase took, in all attempts that completed it, also those that failed later.
    pub phases: BTreeMap<Phase, EncodedHistogram>,
    /// The addresses that were probed.
    pub addresses: BTreeSet<IpAddr>,
}

/// How often something failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureCount {
    /// How often, at least once.
    pub count: u64,
    /// What was said about the last one that had a detail.
    pub last_detail: Detail,
}

impl Tally {
    /// Attempts that were due; `u64::MAX` where they cannot be counted.
    pub fn due(&self) -> u64 {
        self.failures.values().fold(self.ok, |due, row| due.saturating_add(row.count))
    }

    pub(super) fn check(&self, kind: ProbeKind) -> Result<(), Invalid> {
        if self.failures.values().any(|row| row.count == 0) {
            return Err(Problem::Zero).field("failures");
        }
        let whole = self.due();
        if whole == u64::MAX {
            return Err(Problem::Overflow).field("failures");
        }
        if self.degraded > whole {
            let problem = Problem::MoreThanWhole { found: self.degraded, whole };
            return Err(problem).field("degraded");
        }
        for (phase, histogram) in &self.phases {
            let problem = match histogram.count() {
                0 => Problem::Zero,
                found if found > whole => Problem::MoreThanWhole { found, whole },
                _ => continue,
            };
            return Err(problem).field(phase.name()).field("phases");
        }
        let outcome = kind.outcome_phase();
        let found = self.phases.get(&outcome).map_or(0, EncodedHistogram::count);
        if found != self.ok {
            let problem = Problem::Count { found, expected: self.ok };
            return Err(problem).field(outcome.name()).field("phases");
        }
        Ok(())
    }
}

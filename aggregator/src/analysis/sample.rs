//! What was measured in one block.

use std::collections::BTreeMap;

use vantage_wire::histogram::{CountOverflow, NotContained};
use vantage_wire::{FailureCode, HistogramMerger, LatencyHistogram, Micros, Phase};

/// Attempts of one market at one site, of one kind of probe and one phase.
///
/// Attempts whose failure is laid to the agent or to the configuration say nothing about the site:
/// they are counted, but are no part of any statistic. What they cost is coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    latencies: LatencyHistogram,
    penalties: LatencyHistogram,
    failures: BTreeMap<(Phase, FailureCode), u64>,
    /// Seconds that windows cover, added up over vantage points.
    pub covered_s: u64,
    /// Seconds that they would cover if nothing were missing.
    pub expected_s: u64,
}

/// Whether a failure in phase `failed` keeps an attempt from having a latency in `phase`.
///
/// The phase that spans the attempt is kept from it by any failure, a part of it only by a failure
/// in itself or before it: the handshake of an attempt whose request failed later is a latency like
/// any other.
pub fn concerns(failed: Phase, phase: Phase) -> bool {
    match phase {
        Phase::Total => true,
        // Of TCP, the handshake; of ICMP, everything.
        Phase::Rtt => matches!(failed, Phase::Dns | Phase::Connect | Phase::Rtt | Phase::Total),
        _ => failed <= phase || failed == Phase::Total,
    }
}

impl Sample {
    /// All of these together: the same as [merging](Self::merge) one after the other, and faster.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where they have more than 2⁶³ attempts together.
    pub fn sum<'a>(samples: impl IntoIterator<Item = &'a Self>) -> Result<Self, CountOverflow> {
        let mut sum = Self::default();
        let mut merger = HistogramMerger::new();
        for sample in samples {
            merger.add(&sample.latencies)?;
            sum.merge_all_but_latencies(sample)?;
        }
        sum.latencies = merger.finish();
        Ok(sum)
    }

    /// Adds successes.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where there would be more than 2⁶³ attempts; nothing is added then.
    pub fn add_latencies(&mut self, latencies: &LatencyHistogram) -> Result<(), CountOverflow> {
        self.latencies.merge(latencies)
    }

    /// Adds failures, each of which cost its user the probe's `timeout`.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where there would be more than 2⁶³ attempts; nothing is added then.
    pub fn add_failures(
        &mut self,
        phase: Phase,
        code: FailureCode,
        count: u64,
        timeout: Micros,
    ) -> Result<(), CountOverflow> {
        let held = self.failures.get(&(phase, code)).copied().unwrap_or(0);
        let sum = held.checked_add(count).ok_or(CountOverflow { held, added: count })?;
        if code.attribution().counts_against_site() {
            self.penalties.record_n(timeout, count)?;
        }
        if sum > 0 {
            self.failures.insert((phase, code), sum);
        }
        Ok(())
    }

    /// Adds what another block, or another vantage point, has measured.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where there would be more than 2⁶³ attempts; what has been added until
    /// then stays.
    pub fn merge(&mut self, other: &Self) -> Result<(), CountOverflow> {
        self.latencies.merge(&other.latencies)?;
        self.merge_all_but_latencies(other)
    }

    fn merge_all_but_latencies(&mut self, other: &Self) -> Result<(), CountOverflow> {
        self.penalties.merge(&other.penalties)?;
        for (key, added) in &other.failures {
            let held = self.failures.entry(*key).or_default();
            *held = held.checked_add(*added).ok_or(CountOverflow { held: *held, added: *added })?;
        }
        self.covered_s = self.covered_s.saturating_add(other.covered_s);
        self.expected_s = self.expected_s.saturating_add(other.expected_s);
        Ok(())
    }

    /// Takes away what was merged before: the exact inverse of [`merge`](Self::merge).
    ///
    /// # Errors
    ///
    /// [`NotContained`] where it was not; what has been taken away until then stays away.
    pub fn subtract(&mut self, other: &Self) -> Result<(), NotContained> {
        self.latencies.subtract(&other.latencies)?;
        self.penalties.subtract(&other.penalties)?;
        for (key, taken) in &other.failures {
            if let Some(held) = self.failures.get_mut(key) {
                *held = held.saturating_sub(*taken);
            }
        }
        self.failures.retain(|_, count| *count > 0);
        self.covered_s = self.covered_s.saturating_sub(other.covered_s);
        self.expected_s = self.expected_s.saturating_sub(other.expected_s);
        Ok(())
    }

    /// Latencies of the attempts that completed the phase.
    pub const fn latencies(&self) -> &LatencyHistogram {
        &self.latencies
    }

    /// Failed attempts that count against the site, each at its timeout.
    pub const fn penalties(&self) -> &LatencyHistogram {
        &self.penalties
    }

    /// All failures, also those of agents and configuration, by where and why.
    pub const fn failures(&self) -> &BTreeMap<(Phase, FailureCode), u64> {
        &self.failures
    }

    /// Attempts that are known to have taken no longer than this, failed ones by their timeout, as
    /// far as the buckets tell (see [`LatencyHistogram::count_at_or_below`]).
    pub fn attempts_within(&self, latency: Micros) -> u64 {
        let completed = self.latencies.count_at_or_below(latency);
        completed.saturating_add(self.penalties.count_at_or_below(latency))
    }

    /// Attempts that speak about the site: completed, or failed by its fault.
    pub const fn attempts(&self) -> u64 {
        self.latencies.count().saturating_add(self.penalties.count())
    }

    /// Attempts that failed by the site's fault, or by that of the way to it.
    pub const fn failed(&self) -> u64 {
        self.penalties.count()
    }

    /// Attempts that say nothing about the site, by the fault of agents or configuration, or by
    /// nobody's.
    pub fn excused(&self) -> u64 {
        let codes = self.failures.iter();
        codes
            .filter(|((_, code), _)| !code.attribution().counts_against_site())
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// The share of the time that was measured, from 0 to 1; `None` where none was expected.
    pub fn coverage(&self) -> Option<f64> {
        (self.expected_s > 0).then(|| self.covered_s as f64 / self.expected_s as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_concerns_its_phase_and_those_after_it() {
        use Phase::{Connect, Dns, Request, Rtt, Tls, Total};
        for (failed, phase) in
            [(Dns, Connect), (Connect, Connect), (Tls, Request), (Request, Total), (Total, Dns)]
        {
            assert!(concerns(failed, phase), "{failed} {phase}");
        }
        assert!(!concerns(Request, Connect));
        assert!(!concerns(Connect, Dns));
        assert!(concerns(Connect, Rtt) && concerns(Rtt, Rtt), "handshake and echo");
        assert!(!concerns(Tls, Rtt), "the handshake had been completed");
    }

    #[test]
    fn only_failures_that_speak_about_the_site_are_attempts() {
        let mut sample = Sample::default();
        let timeout = Micros::from_secs(5);
        for (code, count) in [
            (FailureCode::TcpTimeout, 3),
            (FailureCode::DnsServfail, 2),
            (FailureCode::AgentOffline, 7),
            (FailureCode::ConfigInvalid, 1),
            (FailureCode::Unknown, 1),
            (FailureCode::TlsReset, 0),
        ] {
            sample.add_failures(code.default_phase(), code, count, timeout).unwrap();
        }
        assert_eq!((sample.attempts(), sample.failed(), sample.excused()), (5, 5, 9));
        assert_eq!(sample.failures().len(), 5);
        assert_eq!(sample.penalties().count_at_or_below(Micros::from_secs(4)), 0);
        assert_eq!(sample.attempts_within(timeout), 5);
    }

    #[test]
    fn coverage_is_known_only_where_something_was_expected() {
        assert_eq!(Sample::default().coverage(), None);
        let half = Sample { covered_s: 43_200, expected_s: 86_400, ..Sample::default() };
        assert_eq!(half.coverage(), Some(0.5));
    }
}

//! What has come of a target's attempts so far.

use std::collections::BTreeMap;
use std::net::IpAddr;

use vantage_wire::report::ProbeKind;
use vantage_wire::{Attribution, Failure, FailureCode, LatencyHistogram, Micros, Phase};

use crate::attempt::{Attempt, Facts};

/// A target's attempts, counted.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The target, as the person wrote it.
    pub target: String,
    /// The kind of its probe.
    pub kind: ProbeKind,
    /// Attempts that succeeded.
    pub ok: u64,
    /// Failed attempts, by phase and code. Attempts that were given up when the program was stopped are
    /// not among them.
    pub failures: BTreeMap<(Phase, FailureCode), FailureCount>,
    /// Attempts given up when the program was stopped.
    pub cancelled: u64,
    /// What was learned from the latest attempt that learned anything.
    pub facts: Facts,
    /// Addresses probed, and how often.
    pub addresses: BTreeMap<IpAddr, u64>,
    // By position in `Phase::ALL`.
    phases: Vec<LatencyHistogram>,
    exact: Vec<Exact>,
}

/// What a histogram only has to three digits.
#[derive(Debug, Clone, Copy, Default)]
struct Exact {
    shortest: Micros,
    longest: Micros,
    sum: Micros,
}

/// Failures of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureCount {
    /// How many.
    pub count: u64,
    /// The latest one.
    pub latest: Failure,
}

impl Tally {
    /// Nothing yet.
    pub fn new(target: &str, kind: ProbeKind) -> Self {
        Self {
            target: target.to_owned(),
            kind,
            ok: 0,
            failures: BTreeMap::new(),
            cancelled: 0,
            facts: Facts::default(),
            addresses: BTreeMap::new(),
            phases: vec![LatencyHistogram::new(); Phase::ALL.len()],
            exact: vec![Exact::default(); Phase::ALL.len()],
        }
    }

    /// Counts an attempt.
    pub fn add(&mut self, attempt: &Attempt) {
        for (phase, took) in attempt.phases.iter() {
            if let Some(at) = position(phase) {
                let (times, exact) = (&mut self.phases[at], &mut self.exact[at]);
                let first = times.is_empty();
                exact.shortest = if first { took } else { exact.shortest.min(took) };
                exact.longest = exact.longest.max(took);
                exact.sum = exact.sum.saturating_add(took);
                // Only 2^63 attempts could overflow a histogram.
                let _ = times.record(took);
            }
        }
        if let Some(address) = attempt.address {
            *self.addresses.entry(address).or_default() += 1;
        }
        if attempt.facts != Facts::default() {
            self.facts.clone_from(&attempt.facts);
        }
        match &attempt.failure {
            None => self.ok += 1,
            Some(failure) if failure.code == FailureCode::AgentCancelled => self.cancelled += 1,
            Some(failure) => {
                self.failures
                    .entry((failure.phase, failure.code))
                    .and_modify(|known| {
                        known.count += 1;
                        known.latest = failure.clone();
                    })
                    .or_insert_with(|| FailureCount { count: 1, latest: failure.clone() });
            }
        }
    }

    /// Slots that have ended, but for those given up when the program was stopped.
    pub fn attempts(&self) -> u64 {
        self.ok + self.failed()
    }

    /// Attempts that failed, for whatever reason.
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failures| failures.count).sum()
    }

    /// Failed attempts that say something about the target: those of the agent and of the
    /// configuration do not.
    pub fn failed_by_target(&self) -> u64 {
        let counts = |failures: &&FailureCount| failures.latest.attribution().counts_against_site();
        self.failures.values().filter(counts).map(|failures| failures.count).sum()
    }

    /// Whether no attempt came as far as the target: its name was not resolved, or the machine
    /// could send nothing.
    pub fn never_got_there(&self) -> bool {
        let before_target = |failures: &FailureCount| {
            let failure = &failures.latest;
            let by_name = failure.phase == Phase::Dns && self.kind != ProbeKind::Dns;
            by_name
                || matches!(failure.attribution(), Attribution::Agent | Attribution::Config)
                    && failure.code != FailureCode::Http429
                    && failure.code != FailureCode::TlsClientCert
        };
        self.ok == 0 && !self.failures.is_empty() && self.failures.values().all(before_target)
    }

    /// The phase that stands for the whole attempt.
    pub fn outcome_phase(&self) -> Phase {
        self.kind.outcome_phase()
    }

    /// Times of a phase; empty where it never was completed.
    pub fn histogram(&self, phase: Phase) -> &LatencyHistogram {
        &self.phases[position(phase).unwrap_or(0)]
    }

    /// The longest time of a phase, exactly; zero where it never was completed.
    pub fn longest(&self, phase: Phase) -> Micros {
        position(phase).map_or(Micros::ZERO, |at| self.exact[at].longest)
    }

    /// The shortest time of a phase, exactly; zero where it never was completed.
    pub fn shortest(&self, phase: Phase) -> Micros {
        position(phase).map_or(Micros::ZERO, |at| self.exact[at].shortest)
    }

    /// The mean time of a phase, to the microsecond; `None` where it never was completed.
    pub fn mean(&self, phase: Phase) -> Option<Micros> {
        let sum = self.exact[position(phase)?].sum.get();
        let count = self.histogram(phase).count();
        (count > 0).then(|| Micros::new((sum + count / 2) / count))
    }

    /// A quantile of a phase, never above the longest time.
    pub fn quantile(&self, phase: Phase, quantile: f64) -> Option<Micros> {
        self.histogram(phase).quantile(quantile).map(|time| time.min(self.longest(phase)))
    }

    /// The phases that were completed at least once, in their order.
    pub fn completed(&self) -> impl Iterator<Item = Phase> + '_ {
        Phase::ALL.iter().copied().filter(|phase| !self.histogram(*phase).is_empty())
    }
}

fn position(phase: Phase) -> Option<usize> {
    Phase::ALL.iter().position(|known| *known == phase)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn failed(code: FailureCode) -> Attempt {
        Attempt::new().failed(Failure::new(code, "as told"))
    }

    #[test]
    fn what_was_given_up_is_no_failure_and_what_is_ours_is_not_the_targets() {
        let mut tally = Tally::new("api.test:443", ProbeKind::Tcp);
        let mut ok = Attempt::new();
        ok.phases.set(Phase::Total, Duration::from_millis(7));
        tally.add(&ok);
        for micros in [0, 4_001] {
            let mut other = Attempt::new();
            other.phases.set(Phase::Connect, Duration::from_micros(micros));
            tally.add(&other.failed(Failure::new(FailureCode::TlsEof, "as told")));
        }
        let exact = (tally.shortest(Phase::Connect).get(), tally.mean(Phase::Connect));
        assert_eq!(exact, (0, Some(Micros::new(2_001))));
        for code in
            [FailureCode::TcpRefused, FailureCode::AgentMissedSlot, FailureCode::AgentCancelled]
        {
            tally.add(&failed(code));
        }
        let counts = (tally.attempts(), tally.failed(), tally.failed_by_target(), tally.cancelled);
        assert_eq!(counts, (5, 4, 3, 1));
        assert_eq!(tally.quantile(Phase::Total, 0.99), Some(Micros::from_millis(7)));
    }

    #[test]
    fn an_attempt_that_ends_before_the_target_never_got_there() {
        for (kind, code, expected) in [
            (ProbeKind::Tcp, FailureCode::DnsNxdomain, true),
            (ProbeKind::Tcp, FailureCode::AgentOffline, true),
            (ProbeKind::Icmp, FailureCode::AgentPermission, true),
            (ProbeKind::Tcp, FailureCode::TcpRefused, false),
            (ProbeKind::Http, FailureCode::Http429, false),
            // The server that says so is what is measured.
            (ProbeKind::Dns, FailureCode::DnsNxdomain, false),
        ] {
            let mut tally = Tally::new("api.test", kind);
            assert!(!tally.never_got_there());
            tally.add(&failed(code));
            assert_eq!(tally.never_got_there(), expected, "{kind} {code}");
        }
    }
}

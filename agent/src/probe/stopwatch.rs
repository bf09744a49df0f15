//! Times the phases of an attempt and ends those that take too long.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use vantage_wire::{Failure, Phase};

use crate::attempt::Attempt;
use crate::net::timeout;
use crate::spec::{PhaseTimeouts, ProbeSpec};

/// The times of one attempt.
#[derive(Debug)]
pub struct Stopwatch {
    /// What is known of the attempt so far.
    pub attempt: Attempt,
    due: Instant,
    deadline: Instant,
    phase_timeouts: PhaseTimeouts,
    outcome_phase: Phase,
    succeeded: Option<Instant>,
}

impl Stopwatch {
    /// A watch for an attempt that was due to start its work at this moment.
    pub fn new(due: Instant, spec: &ProbeSpec) -> Self {
        Self {
            attempt: Attempt::new(),
            due,
            deadline: due + spec.timeout,
            phase_timeouts: spec.phase_timeouts,
            outcome_phase: spec.action.kind().outcome_phase(),
            succeeded: None,
        }
    }

    /// Carries out a phase, sets its time, and ends it where it takes too long.
    ///
    /// # Errors
    /// The phase's failure, or its timeout.
    pub async fn time<T>(
        &mut self,
        phase: Phase,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let start = Instant::now();
        let outcome = self.limit(phase, work).await?;
        self.attempt.phases.set(phase, start.elapsed());
        Ok(outcome)
    }

    /// Carries out a phase whose time is taken elsewhere, and ends it where it takes too long.
    ///
    /// # Errors
    /// The phase's failure, or its timeout.
    pub async fn limit<T>(
        &self,
        phase: Phase,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        match timeout_at(self.phase_deadline(phase), work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(self.timed_out(phase)),
        }
    }

    /// The failure of a phase that took too long.
    pub fn timed_out(&self, phase: Phase) -> Failure {
        let detail = match self.phase_limit(phase) {
            Some(limit) if Instant::now() < self.deadline => format!("no answer within {limit:?}"),
            _ => format!("no answer within {:?} of the attempt's start", self.deadline - self.due),
        };
        Failure::in_phase(timeout(phase), phase, &detail)
    }

    /// When the attempt must be over.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When a phase that begins now must be over.
    pub fn phase_deadline(&self, phase: Phase) -> Instant {
        let limit = self.phase_limit(phase);
        limit.map_or(self.deadline, |limit| self.deadline.min(Instant::now() + limit))
    }

    fn phase_limit(&self, phase: Phase) -> Option<Duration> {
        match phase {
            Phase::Dns => self.phase_timeouts.dns,
            Phase::Connect => self.phase_timeouts.connect,
            Phase::Tls => self.phase_timeouts.tls,
            Phase::Request => self.phase_timeouts.request,
            Phase::Transfer => self.phase_timeouts.transfer,
            Phase::Total | Phase::Rtt => None,
        }
    }

    /// Says when the attempt succeeded, where more is done after that moment.
    pub fn succeed_at(&mut self, moment: Instant) {
        self.succeeded = Some(moment);
    }

    /// The attempt with its outcome. A success gets its total, from when it was due; a probe whose
    /// outcome phase is not `total` has set that itself.
    pub fn finish(mut self, outcome: Result<(), Failure>) -> Attempt {
        match outcome {
            Ok(()) => {
                if self.outcome_phase == Phase::Total {
                    let end = self.succeeded.unwrap_or_else(Instant::now);
                    let total = end.saturating_duration_since(self.due);
                    self.attempt.phases.set(Phase::Total, total);
                }
                self.attempt
            }
            Err(failure) => self.attempt.failed(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use vantage_wire::FailureCode;
    use vantage_wire::report::Family;

    use super::*;
    use crate::spec::{Action, TcpSpec};

    fn spec(timeout: Duration, phase_timeouts: PhaseTimeouts) -> ProbeSpec {
        let host = "192.0.2.1".parse().unwrap();
        let action = Action::Tcp(TcpSpec { host, port: 1 });
        ProbeSpec { action, family: Family::Any, timeout, phase_timeouts }
    }

    #[tokio::test(start_paused = true)]
    async fn a_phase_ends_at_its_own_limit_or_at_the_attempts() {
        let second = Duration::from_secs(1);
        let limits = PhaseTimeouts { dns: Some(second), ..PhaseTimeouts::default() };
        let due = Instant::now();
        let mut watch = Stopwatch::new(due, &spec(3 * second, limits));
        let never = || std::future::pending::<Result<(), Failure>>();
        let dns = watch.time(Phase::Dns, never()).await.unwrap_err();
        assert_eq!((dns.code, due.elapsed()), (FailureCode::DnsTimeout, second));
        let tls = watch.time(Phase::Tls, never()).await.unwrap_err();
        assert_eq!(
            (tls.code, tls.phase, due.elapsed()),
            (FailureCode::TlsTimeout, Phase::Tls, 3 * second)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn total_counts_from_when_the_attempt_was_due() {
        let due = Instant::now();
        tokio::time::advance(Duration::from_millis(5)).await;
        let watch = Stopwatch::new(due, &spec(Duration::from_secs(1), PhaseTimeouts::default()));
        let attempt = watch.finish(Ok(()));
        assert_eq!(attempt.phases.get(Phase::Total).unwrap().get(), 5_000);
    }
}

//! Carries out a schedule: starts attempts when they are due, several at a time, and hands on
//! what came of each.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_wire::{Failure, FailureCode};

use crate::alarm::{Alarm, KernelAlarm, RuntimeAlarm};
use crate::attempt::Attempt;
use crate::metrics::{Counting, Metrics};
use crate::net::Network;
use crate::probe::Probe;
use crate::rate::{TargetRates, TooOften};
use crate::schedule::{Next, ProbeIndex, Schedule};
use crate::stalls::Stalls;

/// An attempt and its place in the schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The probe.
    pub probe: ProbeIndex,
    /// When the attempt was due.
    pub due: Instant,
    /// How much later it began; zero for a slot without an attempt.
    pub late: Duration,
    /// How long the event loop stood still at a stretch between then and the end, where that was
    /// longer than [`LATEST_START`](crate::schedule::LATEST_START); else zero.
    pub held_up: Duration,
    /// What came of it.
    pub attempt: Attempt,
}

/// Most attempts under way at once. Each holds a few sockets' worth of memory and descriptors;
/// what comes beyond is a missed slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InFlight(pub usize);

impl Default for InFlight {
    fn default() -> Self {
        Self(4_096)
    }
}

/// Probes with their schedule.
#[derive(Debug)]
pub struct Runner<N> {
    probes: Vec<Arc<Probe<N>>>,
    schedule: Schedule,
    in_flight: InFlight,
    quiet_until: Vec<Option<Instant>>,
    stalls: Stalls,
    counting: Counting,
}

impl<N: Network> Runner<N> {
    /// A runner without probes.
    pub fn new(in_flight: InFlight) -> Self {
        Self {
            probes: Vec::new(),
            schedule: Schedule::default(),
            in_flight,
            quiet_until: Vec::new(),
            stalls: Stalls::default(),
            counting: None,
        }
    }

    /// Tells scrapers how many attempts are under way.
    pub(crate) fn count_into(&mut self, metrics: Arc<Metrics>) {
        self.counting = Some(metrics);
    }

    /// Adds a probe, as [`Schedule::add`].
    pub fn add(
        &mut self,
        probe: Probe<N>,
        first: Instant,
        interval: Duration,
        attempts: Option<u64>,
    ) -> ProbeIndex {
        self.probes.push(Arc::new(probe));
        self.quiet_until.push(None);
        self.schedule.add(first, interval, attempts)
    }

    /// As [`Runner::add`], for a probe whose target has room for it under its cap.
    ///
    /// # Errors
    /// When all the probes of its target together would exceed the cap; nothing is added then.
    pub fn add_within(
        &mut self,
        rates: &mut TargetRates,
        probe: Probe<N>,
        first: Instant,
        interval: Duration,
        attempts: Option<u64>,
    ) -> Result<ProbeIndex, TooOften> {
        rates.claim(probe.spec(), interval)?;
        Ok(self.add(probe, first, interval, attempts))
    }

    /// Runs until every probe has made its attempts or `stop` is cancelled, and tells `settled`
    /// of every slot, exactly once, in the order in which they ended. When stopped, attempts under
    /// way are given up and end as `agent_cancelled`.
    ///
    /// `settled` runs between the starts of attempts and must return at once.
    ///
    /// # Panics
    /// With the panic of an attempt: a crashed task stops the process.
    pub async fn run(self, settled: impl FnMut(Outcome), stop: CancellationToken) {
        match KernelAlarm::open() {
            Ok(alarm) => self.run_by(alarm, settled, stop).await,
            // Out of descriptors: the attempts will say so, each a little late.
            Err(_) => self.run_by(RuntimeAlarm, settled, stop).await,
        }
    }

    /// As [`Runner::run`], woken by this alarm.
    ///
    /// # Panics
    /// With the panic of an attempt.
    pub async fn run_by(
        mut self,
        mut alarm: impl Alarm,
        mut settled: impl FnMut(Outcome),
        stop: CancellationToken,
    ) {
        let mut under_way: JoinSet<Outcome> = JoinSet::new();
        loop {
            if let Some(metrics) = &self.counting {
                metrics.in_flight(under_way.len());
            }
            let wait = match self.schedule.next(Instant::now()) {
                Next::Start { probe, due } => {
                    match self.obstacle(probe, due, under_way.len()) {
                        Some(failure) => settled(Outcome::without_attempt(probe, due, failure)),
                        None => self.start(probe, due, &mut under_way, &stop),
                    }
                    continue;
                }
                Next::Missed { probe, due } => {
                    self.stalls.note(due, Instant::now());
                    let failure = Failure::new(FailureCode::AgentMissedSlot, "the agent was late");
                    settled(Outcome::without_attempt(probe, due, failure));
                    continue;
                }
                Next::WaitUntil(at) => Some(at),
                Next::Nothing if under_way.is_empty() => return,
                Next::Nothing => None,
            };
            let next_slot = async {
                match wait {
                    Some(at) => alarm.until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Attempts are started before outcomes are looked at.
                biased;
                () = next_slot => {}
                Some(ended) = under_way.join_next() => self.take(ended, &mut settled),
                () = stop.cancelled() => break,
            }
        }
        // Attempts see the same token and end by themselves.
        while let Some(ended) = under_way.join_next().await {
            self.take(ended, &mut settled);
        }
    }

    /// Why a slot whose time has come gets no attempt.
    fn obstacle(&self, probe: ProbeIndex, due: Instant, under_way: usize) -> Option<Failure> {
        if self.quiet_until[probe].is_some_and(|until| due < until) {
            let detail = "the target asked to be left alone (Retry-After)";
            return Some(Failure::new(FailureCode::Http429, detail));
        }
        if under_way >= self.in_flight.0 {
            let detail = format!("{under_way} attempts are under way already");
            return Some(Failure::new(FailureCode::AgentMissedSlot, &detail));
        }
        None
    }

    fn start(
        &self,
        probe: ProbeIndex,
        due: Instant,
        under_way: &mut JoinSet<Outcome>,
        stop: &CancellationToken,
    ) {
        let (work, stop) = (Arc::clone(&self.probes[probe]), stop.clone());
        under_way.spawn(async move {
            let late = due.elapsed();
            let attempt = stop.run_until_cancelled(work.attempt(due)).await.unwrap_or_else(|| {
                let detail = "the agent is stopping";
                Attempt::new().failed(Failure::new(FailureCode::AgentCancelled, detail))
            });
            Outcome { probe, due, late, held_up: Duration::ZERO, attempt }
        });
    }

    fn take(
        &mut self,
        ended: Result<Outcome, tokio::task::JoinError>,
        settled: &mut impl FnMut(Outcome),
    ) {
        let mut outcome = match ended {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Nobody aborts attempts but the run-time when it ends.
            Err(_) => return,
        };
        // Slots are come to before outcomes are looked at: what ended for a stall finds it noted.
        outcome.held_up = self.stalls.longest(outcome.due, Instant::now());
        let asked_for = outcome.attempt.facts.http.as_ref().and_then(|http| http.retry_after);
        if let Some(pause) = asked_for {
            self.quiet_until[outcome.probe] = Some(Instant::now() + pause);
        }
        settled(outcome);
    }
}

impl Outcome {
    /// A slot in which nothing was sent.
    fn without_attempt(probe: ProbeIndex, due: Instant, failure: Failure) -> Self {
        let attempt = Attempt::new().failed(failure);
        Self { probe, due, late: Duration::ZERO, held_up: Duration::ZERO, attempt }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, SocketAddr};

    use tokio::io::DuplexStream;
    use vantage_wire::report::Family;

    use super::*;
    use crate::guard::Guard;
    use crate::net::tls::TlsClients;
    use crate::net::{Connected, Handshake, Resolver};
    use crate::probe::Surroundings;
    use crate::rate::RateCap;
    use crate::spec::{Action, PhaseTimeouts, ProbeSpec, TcpSpec};

    const SECOND: Duration = Duration::from_secs(1);

    /// A network whose handshakes take a given time.
    struct Slow(Duration, Resolver);

    impl Network for Slow {
        type Stream = DuplexStream;

        async fn connect(&self, _: SocketAddr) -> Result<Connected<DuplexStream>, Failure> {
            tokio::time::sleep(self.0).await;
            let handshake = Handshake { kernel: None, user_space: self.0, syn_retransmits: 0 };
            Ok(Connected { stream: tokio::io::duplex(1).0, handshake, local_port: None })
        }

        async fn resolve(&self, _: &str, _: Family, _: Instant) -> Result<Vec<IpAddr>, Failure> {
            Err(Failure::new(FailureCode::DnsNxdomain, "no names here"))
        }

        fn resolver(&self) -> &Resolver {
            &self.1
        }
    }

    fn probe(handshake: Duration, timeout: Duration) -> Probe<Slow> {
        let host = "192.0.2.1".parse().unwrap();
        let spec = ProbeSpec {
            action: Action::Tcp(TcpSpec { host, port: 1 }),
            family: Family::Any,
            timeout,
            phase_timeouts: PhaseTimeouts::default(),
        };
        let network = Arc::new(Slow(handshake, Resolver::new(Vec::new(), 1)));
        let tls = TlsClients::new();
        let guard = Guard::PUBLIC_ONLY;
        Probe::new(spec, Surroundings { network, guard, tls, contact: None }).unwrap()
    }

    async fn outcomes(runner: Runner<Slow>, stop: CancellationToken) -> Vec<Outcome> {
        let mut all = Vec::new();
        runner.run_by(RuntimeAlarm, |outcome| all.push(outcome), stop).await;
        all
    }

    fn codes(outcomes: &[Outcome]) -> Vec<Option<FailureCode>> {
        outcomes.iter().map(|outcome| outcome.attempt.failure.as_ref().map(|f| f.code)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn attempts_overlap_when_answers_are_slower_than_the_interval() {
        let mut runner = Runner::new(InFlight::default());
        let start = Instant::now();
        runner.add(probe(5 * SECOND, 10 * SECOND), start, SECOND, Some(8));
        let all = outcomes(runner, CancellationToken::new()).await;
        assert_eq!(codes(&all), [None; 8]);
        // The last was due at 7 s and took 5 s: nothing waited for anything.
        assert_eq!(start.elapsed(), 12 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_exceeds_the_bound_is_missed_and_counted() {
        let mut runner = Runner::new(InFlight(2));
        runner.add(probe(5 * SECOND, 10 * SECOND), Instant::now(), SECOND, Some(4));
        let all = outcomes(runner, CancellationToken::new()).await;
        let missed = Some(FailureCode::AgentMissedSlot);
        assert_eq!(codes(&all), [missed, missed, None, None]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_a_targets_cap_is_refused_before_it_runs() {
        let mut rates = TargetRates::new(RateCap::per_second(1.5).unwrap());
        let mut runner = Runner::new(InFlight::default());
        let start = Instant::now();
        let mut add = |interval| {
            let probe = probe(SECOND, SECOND * 2);
            runner.add_within(&mut rates, probe, start, interval, Some(3)).map_err(|e| e.probes)
        };
        assert_eq!([SECOND, SECOND, SECOND * 2].map(&mut add), [Ok(0), Err(2), Ok(1)]);
        assert_eq!(outcomes(runner, CancellationToken::new()).await.len(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_knows_that_the_loop_stood_still() {
        let mut runner = Runner::new(InFlight::default());
        let start = Instant::now();
        runner.add(probe(SECOND * 3, SECOND * 9), start, SECOND * 5, Some(2));
        runner.add(probe(SECOND / 100, SECOND), start, SECOND / 10, Some(60));
        let mut all = Vec::new();
        let alarm = Oversleeping { from: start + SECOND, to: start + SECOND * 2 };
        runner.run_by(alarm, |outcome| all.push(outcome), CancellationToken::new()).await;
        let mut slow = all.iter().filter(|outcome| outcome.probe == 0);
        let held_up: Vec<_> = slow.by_ref().map(|outcome| outcome.held_up).collect();
        assert_eq!(held_up, [SECOND, Duration::ZERO]);
        assert!(codes(&all).contains(&Some(FailureCode::AgentMissedSlot)));
    }

    /// Wakes at the end of a time for whatever is due in it.
    struct Oversleeping {
        from: Instant,
        to: Instant,
    }

    impl Alarm for Oversleeping {
        async fn until(&mut self, at: Instant) {
            let oversleeps = (self.from..self.to).contains(&at);
            tokio::time::sleep_until(if oversleeps { self.to } else { at }).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_settles_what_is_under_way() {
        let mut runner = Runner::new(InFlight::default());
        runner.add(probe(5 * SECOND, 10 * SECOND), Instant::now(), SECOND, None);
        let stop = CancellationToken::new();
        let all = tokio::join!(outcomes(runner, stop.clone()), async {
            tokio::time::sleep(SECOND * 5 / 2).await;
            stop.cancel();
        })
        .0;
        assert_eq!(codes(&all), [Some(FailureCode::AgentCancelled); 3]);
    }
}

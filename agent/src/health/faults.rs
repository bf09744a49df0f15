//! Whose fault a failed attempt was: the site's, or the agent's own.
//!
//! An attempt that failed by path, resolver or target while the agent had no network
//! ([`Anchors`]), or while its event loop stood still for longer than a missed slot takes
//! ([`LATEST_START`]), says nothing about the site. Its failure becomes `agent_offline` or
//! `agent_resource`, which is loss of coverage; the phase stays, and the detail keeps what it
//! looked like.
//!
//! That the network is gone is known only a moment after the first attempts have failed for it.
//! Failed attempts therefore wait until the anchors have answered after them, or have not.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode};

use super::{Anchor, Anchors, Observation};
use crate::runner::Outcome;
use crate::schedule::LATEST_START;

/// Failed attempts that wait; beyond, the oldest are taken as they are.
const MOST_WAITING: usize = 4_096;

/// Judges attempts by what the agent was like meanwhile. Told what ended and when; reads no clock.
#[derive(Debug)]
pub struct Faults {
    anchors: Anchors,
    waiting: VecDeque<Ended>,
}

/// An attempt that has ended.
#[derive(Debug)]
struct Ended {
    outcome: Outcome,
    at: Instant,
}

impl Faults {
    /// For an agent with so many anchors; without any, only the event loop is looked at.
    pub fn new(anchors: usize) -> Self {
        Self { anchors: Anchors::new(anchors), waiting: VecDeque::new() }
    }

    /// What is known of the anchors.
    pub fn anchors(&self) -> &Anchors {
        &self.anchors
    }

    /// Takes in that an anchor was asked, by what came of its probe, which ended `now`.
    pub fn anchor_ended(&mut self, anchor: usize, outcome: &Outcome, now: Instant) {
        if let Some(answered) = Anchor::answered(&outcome.attempt) {
            let began = outcome.due + outcome.late;
            self.anchors.observe(Observation { anchor, began, ended: now, answered });
        }
    }

    /// Takes in an attempt that ended `now`, or a slot without one.
    pub fn attempt_ended(&mut self, outcome: Outcome, now: Instant) {
        if outcome.attempt.is_ok() {
            self.anchors.target_answered(now);
        }
        self.waiting.push_back(Ended { outcome, at: now });
    }

    /// The attempts about which all is known, judged; in no particular order.
    pub fn take(&mut self) -> Vec<Outcome> {
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut judged = Vec::new();
        while let Some(ended) = waiting.pop_front() {
            match self.judge(&ended) {
                Some(verdict) => judged.push(blame(ended.outcome, verdict)),
                None if self.waiting.len() + waiting.len() >= MOST_WAITING => {
                    judged.push(ended.outcome);
                }
                None => self.waiting.push_back(ended),
            }
        }
        judged
    }

    /// All attempts, for a shutdown in order: those about which too little is known as they are.
    pub fn take_all(&mut self) -> Vec<Outcome> {
        let mut judged = self.take();
        judged.extend(self.waiting.drain(..).map(|ended| ended.outcome));
        judged
    }

    /// Since when attempts wait: windows that are not over by then must stay open.
    pub fn waiting_since(&self) -> Option<Instant> {
        self.waiting.iter().map(|ended| ended.outcome.due).min()
    }

    /// What the agent was to blame for; `None` while that is not known.
    fn judge(&self, ended: &Ended) -> Option<Verdict> {
        let against_site = |failure: &Failure| failure.attribution().counts_against_site();
        if !ended.outcome.attempt.failure.as_ref().is_some_and(against_site) {
            return Some(Verdict::NotTheAgent);
        }
        let held_up = ended.outcome.held_up;
        match (held_up > LATEST_START, self.anchors.was_offline(ended.outcome.due, ended.at)) {
            (_, Some(true)) => Some(Verdict::Offline),
            (true, _) => Some(Verdict::StoodStill(held_up)),
            (false, Some(false)) => Some(Verdict::NotTheAgent),
            (false, None) => None,
        }
    }
}

/// What the agent was to blame for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    NotTheAgent,
    Offline,
    StoodStill(Duration),
}

fn blame(mut outcome: Outcome, verdict: Verdict) -> Outcome {
    let (code, why) = match verdict {
        Verdict::NotTheAgent => return outcome,
        Verdict::Offline => (FailureCode::AgentOffline, "no anchor answered".to_owned()),
        Verdict::StoodStill(late) => {
            (FailureCode::AgentResource, format!("the event loop stood still for {late:?}"))
        }
    };
    if let Some(failure) = &mut outcome.attempt.failure {
        let looked_like = format!("{why}; it looked like {}: {}", failure.code, failure.detail);
        *failure = Failure::in_phase(code, failure.phase, &looked_like);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use vantage_wire::Phase;

    use super::*;
    use crate::attempt::Attempt;

    const MS: Duration = Duration::from_millis(1);

    fn outcome(due: Instant, late: Duration, code: Option<FailureCode>) -> Outcome {
        let mut attempt = Attempt::new();
        attempt.failure = code.map(|code| Failure::new(code, "as told"));
        Outcome { probe: 0, due, late, held_up: Duration::ZERO, attempt }
    }

    fn seen(outcomes: &[Outcome]) -> Vec<Option<(FailureCode, Phase)>> {
        let failure = |outcome: &Outcome| {
            outcome.attempt.failure.as_ref().map(|failure| (failure.code, failure.phase))
        };
        outcomes.iter().map(failure).collect()
    }

    #[test]
    fn a_failure_waits_for_the_anchors() {
        let start = Instant::now();
        let at = |millis| start + MS * millis;
        let mut faults = Faults::new(2);
        faults.attempt_ended(outcome(at(0), Duration::ZERO, None), at(20));
        faults.attempt_ended(outcome(at(0), Duration::ZERO, Some(FailureCode::TcpReset)), at(30));
        assert_eq!(seen(&faults.take()), [None], "a success needs no excuse");
        assert_eq!(faults.waiting_since(), Some(at(0)));
        faults.anchor_ended(0, &outcome(at(40), Duration::ZERO, None), at(60));
        assert_eq!(seen(&faults.take()), [Some((FailureCode::TcpReset, Phase::Connect))]);

        faults.attempt_ended(outcome(at(70), Duration::ZERO, Some(FailureCode::TlsEof)), at(99));
        let silent = outcome(at(80), Duration::ZERO, Some(FailureCode::TcpTimeout));
        faults.anchor_ended(0, &silent, at(1_080));
        assert_eq!(faults.take(), []);
        faults.anchor_ended(1, &silent, at(1_080));
        let judged = faults.take();
        assert_eq!(seen(&judged), [Some((FailureCode::AgentOffline, Phase::Tls))]);
        let failure = judged[0].attempt.failure.as_ref().unwrap();
        let said = "no anchor answered; it looked like tls_eof: as told";
        assert_eq!(failure.detail.as_str(), said);
    }

    #[test]
    fn what_is_the_agents_or_the_configurations_stays_so() {
        let now = Instant::now();
        let mut faults = Faults::new(2);
        for code in
            [FailureCode::AgentMissedSlot, FailureCode::TargetDenied, FailureCode::AgentCancelled]
        {
            faults.attempt_ended(outcome(now, Duration::ZERO, Some(code)), now);
            assert_eq!(seen(&faults.take()), [Some((code, code.default_phase()))]);
        }
    }

    #[test]
    fn a_loop_that_stood_still_excuses_what_it_met() {
        let now = Instant::now();
        let mut faults = Faults::new(0);
        for (held_up, code) in
            [(LATEST_START, FailureCode::TcpTimeout), (MS * 101, FailureCode::AgentResource)]
        {
            let mut timeout = outcome(now, Duration::ZERO, Some(FailureCode::TcpTimeout));
            timeout.held_up = held_up;
            faults.attempt_ended(timeout, now);
            assert_eq!(seen(&faults.take()), [Some((code, Phase::Connect))]);
        }
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_lost() {
        let now = Instant::now();
        let mut faults = Faults::new(2);
        let mut taken = 0;
        for _ in 0..MOST_WAITING + 10 {
            faults.attempt_ended(outcome(now, Duration::ZERO, Some(FailureCode::TlsEof)), now);
            taken += faults.take().len();
        }
        assert_eq!(taken, 10);
        assert_eq!(faults.take_all().len(), MOST_WAITING);
        assert_eq!(faults.waiting_since(), None);
    }
}

//! When the agent had a network, by what its anchors answered.
//!
//! An *outage* is a run of unanswered questions, among them one to each anchor, between two
//! answers. Where exactly between the last answer before it and the first question that was
//! answered after it the network went and came back, nobody knows; the whole of it counts, as it
//! is better to lose some coverage than to blame a site.
//!
//! Anchors can be the ones that are gone: blocked, or given up by their operators. When they have
//! been dark for [`TRUSTED_FOR`] and targets answer nevertheless, they prove nothing until one
//! answers again.
//!
//! Nothing here reads a clock or sends a packet: it is told what was seen, and when.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// For how long anchors are believed against targets that answer. Uplinks are seldom gone for
/// longer while something still answers, such as a target in the same data centre.
pub const TRUSTED_FOR: Duration = Duration::from_mins(10);
/// Outages remembered: attempts last a minute at most, so that older ones matter to none.
const MOST_OUTAGES: usize = 64;

/// An anchor was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observation {
    /// Which one, from 0.
    pub anchor: usize,
    /// When it was asked.
    pub began: Instant,
    /// When it answered or had not done so in time.
    pub ended: Instant,
    /// Whether it did.
    pub answered: bool,
}

/// What the anchors answered.
#[derive(Debug, Clone)]
pub struct Anchors {
    // Of each anchor, whether its latest question was answered.
    latest: Vec<Option<bool>>,
    // Of each anchor, whether it failed to answer since the last answer of any.
    silent: Vec<bool>,
    answered: Option<Answered>,
    // When a target answered last.
    target_answered: Option<Instant>,
    outages: VecDeque<(Option<Instant>, Instant)>,
}

/// The latest question that was answered.
#[derive(Debug, Clone, Copy)]
struct Answered {
    began: Instant,
    ended: Instant,
}

impl Anchors {
    /// So many anchors, none of which has been asked. Without any there are no outages.
    pub fn new(count: usize) -> Self {
        Self {
            latest: vec![None; count],
            silent: vec![false; count],
            answered: None,
            target_answered: None,
            outages: VecDeque::new(),
        }
    }

    /// How many answered when they were last asked, of how many.
    pub fn reachable(&self) -> (usize, usize) {
        let reachable = self.latest.iter().filter(|answered| **answered == Some(true)).count();
        (reachable, self.latest.len())
    }

    /// Takes an observation in. They may come in any order in which they ended; one of an anchor
    /// that is not there is ignored.
    pub fn observe(&mut self, seen: Observation) {
        let Some(latest) = self.latest.get_mut(seen.anchor) else { return };
        *latest = Some(seen.answered);
        if !seen.answered {
            // A question that was under way when an answer came tells nothing new.
            if self.answered.is_none_or(|answered| seen.began >= answered.began) {
                self.silent[seen.anchor] = true;
            }
            return;
        }
        if self.is_dark() && self.are_trusted() {
            if self.outages.len() == MOST_OUTAGES {
                self.outages.pop_front();
            }
            self.outages.push_back((self.dark_since(), seen.began));
        }
        self.silent.fill(false);
        let newer = self.answered.is_none_or(|answered| answered.ended < seen.ended);
        if newer {
            self.answered = Some(Answered { began: seen.began, ended: seen.ended });
        }
    }

    /// Takes note that a target answered.
    pub fn target_answered(&mut self, at: Instant) {
        self.target_answered = self.target_answered.max(Some(at));
    }

    /// Whether the agent was without a network at some time from one moment to another; `None`
    /// while that cannot be told, because no anchor has answered since.
    pub fn was_offline(&self, from: Instant, to: Instant) -> Option<bool> {
        let overlaps = |(since, until): &(Option<Instant>, Instant)| {
            since.is_none_or(|since| since < to) && *until > from
        };
        if self.latest.is_empty() {
            return Some(false);
        }
        if self.outages.iter().any(overlaps) {
            return Some(true);
        }
        if self.is_dark() && self.dark_since().is_none_or(|since| since < to) {
            return Some(self.are_trusted());
        }
        // An outage that is found later begins with this answer at the earliest.
        let known = self.answered.is_some_and(|answered| answered.ended >= to);
        known.then_some(false)
    }

    fn is_dark(&self) -> bool {
        !self.silent.is_empty() && self.silent.iter().all(|silent| *silent)
    }

    /// Since when no anchor has answered; `None` where none ever did.
    fn dark_since(&self) -> Option<Instant> {
        self.answered.map(|answered| answered.ended)
    }

    /// Whether silence of the anchors means that there is no network.
    fn are_trusted(&self) -> bool {
        // Without a single answer ever, one of a target is worth more.
        match (self.dark_since(), self.target_answered) {
            (Some(since), Some(target)) => target < since + TRUSTED_FOR,
            (None, Some(_)) => false,
            (_, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds after an arbitrary start.
    struct Clock(Instant);

    impl Clock {
        fn at(&self, seconds: f64) -> Instant {
            self.0 + Duration::from_secs_f64(seconds)
        }

        /// An anchor is asked; without an answer that takes a second.
        fn ask(&self, anchors: &mut Anchors, anchor: usize, began: f64, answered: bool) {
            let ended = began + if answered { 0.02 } else { 1.0 };
            let (began, ended) = (self.at(began), self.at(ended));
            anchors.observe(Observation { anchor, began, ended, answered });
        }
    }

    /// Two anchors that answer at 0 and 1 s, are silent from 2 to 7 s and answer again at 8 s.
    fn outage(clock: &Clock) -> Anchors {
        let mut anchors = Anchors::new(2);
        for (second, answered) in
            [true, true, false, false, false, false, false, false, true].into_iter().enumerate()
        {
            clock.ask(&mut anchors, second % 2, second as f64, answered);
        }
        anchors
    }

    #[test]
    fn what_overlaps_an_outage_is_the_agents() {
        let clock = Clock(Instant::now());
        let anchors = outage(&clock);
        for (from, to, expected) in [
            (0.2, 0.9, Some(false)),
            (0.2, 1.5, Some(true)),
            (1.1, 1.9, Some(true)),
            (3.0, 4.0, Some(true)),
            (7.9, 20.0, Some(true)),
            (8.0, 8.0, Some(false)),
            (8.01, 8.5, None),
        ] {
            assert_eq!(anchors.was_offline(clock.at(from), clock.at(to)), expected, "{from}");
        }
        assert_eq!(anchors.reachable(), (1, 2));
    }

    #[test]
    fn an_outage_is_known_when_both_were_silent() {
        let clock = Clock(Instant::now());
        let mut anchors = Anchors::new(2);
        let attempt = (clock.at(1.0), clock.at(2.0));
        assert_eq!(anchors.was_offline(attempt.0, attempt.1), None, "nobody was asked");
        clock.ask(&mut anchors, 0, 0.0, true);
        clock.ask(&mut anchors, 0, 2.0, false);
        clock.ask(&mut anchors, 0, 4.0, false);
        assert_eq!(anchors.was_offline(attempt.0, attempt.1), None, "one may be down itself");
        clock.ask(&mut anchors, 1, 5.0, false);
        assert_eq!(anchors.was_offline(attempt.0, attempt.1), Some(true));
        assert_eq!(anchors.was_offline(clock.at(0.0), clock.at(0.01)), Some(false));
    }

    #[test]
    fn one_anchor_that_answers_is_enough() {
        let clock = Clock(Instant::now());
        let mut anchors = Anchors::new(2);
        for second in 0..20 {
            clock.ask(&mut anchors, second % 2, second as f64, second % 2 == 1);
        }
        assert_eq!(anchors.was_offline(clock.at(3.0), clock.at(9.0)), Some(false));
    }

    #[test]
    fn a_question_overtaken_by_an_answer_is_no_outage() {
        let clock = Clock(Instant::now());
        let mut anchors = Anchors::new(2);
        // Both were asked before the answer, and given up after it.
        clock.ask(&mut anchors, 1, 3.5, true);
        clock.ask(&mut anchors, 0, 3.0, false);
        clock.ask(&mut anchors, 1, 3.1, false);
        assert_eq!(anchors.was_offline(clock.at(2.0), clock.at(3.4)), Some(false));
    }

    #[test]
    fn without_anchors_there_is_no_outage() {
        let now = Instant::now();
        assert_eq!(Anchors::new(0).was_offline(now, now), Some(false));
    }

    #[test]
    fn anchors_that_are_gone_for_good_do_not_excuse_everything() {
        let clock = Clock(Instant::now());
        let mut anchors = outage(&clock);
        for second in 9..2_000 {
            clock.ask(&mut anchors, second % 2, second as f64, false);
        }
        let late = (clock.at(1_990.0), clock.at(1_991.0));
        anchors.target_answered(clock.at(300.0));
        assert_eq!(anchors.was_offline(late.0, late.1), Some(true), "a target nearby, perhaps");
        anchors.target_answered(clock.at(1_000.0));
        assert_eq!(anchors.was_offline(late.0, late.1), Some(false));
        // They are believed again as soon as one answers.
        clock.ask(&mut anchors, 0, 2_000.0, true);
        clock.ask(&mut anchors, 0, 2_002.0, false);
        clock.ask(&mut anchors, 1, 2_003.0, false);
        assert_eq!(anchors.was_offline(clock.at(2_002.0), clock.at(2_003.0)), Some(true));
    }

    #[test]
    fn an_agent_that_starts_without_a_network_knows() {
        let clock = Clock(Instant::now());
        let mut anchors = Anchors::new(2);
        clock.ask(&mut anchors, 0, 0.0, false);
        clock.ask(&mut anchors, 1, 1.0, false);
        assert_eq!(anchors.was_offline(clock.at(0.0), clock.at(0.5)), Some(true));
    }
}

//! Attempts on their way into windows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::report::{ClockOffset, ProbeKey, WindowReport};
use vantage_wire::{Micros, UtcMicros, WindowLength};

use crate::clock::{Estimate, WallClock};
use crate::health::{Faults, SelfCheck, SelfChecks};
use crate::metrics::{Counting, Metrics};
use crate::record::{AgentState, Recorder};
use crate::runner::Outcome;

/// How long after the longest timeout a window may still get attempts: an attempt ends within its
/// timeout, and is handed on at once, if the machine can.
const MARGIN: Duration = Duration::from_secs(1);

/// Records attempts of one assignment after the other, by corrected time.
#[derive(Debug)]
pub struct Recording<C> {
    clock: C,
    estimate: Arc<Mutex<Estimate>>,
    keys: Vec<ProbeKey>,
    recorder: Recorder,
    /// Windows of former assignments.
    closed: Vec<WindowReport>,
    settles_after: Duration,
    /// The last slot of each probe that was recorded.
    last: BTreeMap<ProbeKey, Instant>,
    checks: SelfChecks,
    state: AgentState,
    /// Holds failed attempts until it is known whether the agent was to blame for them.
    faults: Faults,
    counting: Counting,
}

impl<C: WallClock> Recording<C> {
    /// Records nothing until an assignment begins.
    pub fn new(clock: C, estimate: Arc<Mutex<Estimate>>) -> Self {
        Self {
            clock,
            estimate,
            keys: Vec::new(),
            recorder: Recorder::new(WindowLength::MINUTE, Vec::new()),
            closed: Vec::new(),
            settles_after: Duration::ZERO,
            last: BTreeMap::new(),
            checks: SelfChecks::default(),
            state: AgentState::Well,
            faults: Faults::new(0),
            counting: None,
        }
    }

    /// Counts attempts for scrapers, too.
    pub fn count_into(&mut self, metrics: Arc<Metrics>) {
        self.counting = Some(metrics);
    }

    /// What is counted for scrapers, if anything is.
    pub(crate) fn counting(&self) -> Counting {
        self.counting.clone()
    }

    /// What is to be added to the machine's clock, and how far that may be off; `None` where it is
    /// not known.
    pub(crate) fn clock(&self) -> Option<ClockOffset> {
        self.estimate().offset(self.clock.read())
    }

    /// Begins with other probes, in the order of their schedule, and so many anchors. All windows
    /// of the former ones are closed: what they hold adds up with what comes.
    pub fn begin(&mut self, length: WindowLength, keys: Vec<ProbeKey>, anchors: usize) {
        self.close_all();
        self.faults = Faults::new(anchors);
        let longest = keys.iter().map(|key| key.timeout).max().unwrap_or(Micros::ZERO);
        // Windows of the former assignment are closed; its timeouts matter no more.
        self.settles_after = Duration::from(longest) + MARGIN;
        self.last.retain(|key, _| keys.contains(key));
        self.recorder = Recorder::new(length, keys.clone());
        if let Some(metrics) = &self.counting {
            metrics.begin(&keys);
        }
        self.keys = keys;
    }

    /// The last slot of a probe that was recorded, by whatever assignment.
    pub fn last_slot(&self, key: &ProbeKey) -> Option<Instant> {
        self.last.get(key).copied()
    }

    /// Records a slot, once it is known whose fault its failure was.
    pub fn settle(&mut self, outcome: Outcome) {
        let Some(key) = self.keys.get(outcome.probe) else { return };
        let last = self.last.entry(key.clone()).or_insert(outcome.due);
        *last = (*last).max(outcome.due);
        self.checks.began(outcome.late);
        self.faults.attempt_ended(outcome, Instant::now());
        self.record_judged();
    }

    /// Takes in that an anchor was asked.
    pub fn anchor_settled(&mut self, anchor: usize, outcome: &Outcome) {
        self.faults.anchor_ended(anchor, outcome, Instant::now());
        self.record_judged();
    }

    fn record_judged(&mut self) {
        for outcome in self.faults.take() {
            self.record(&outcome);
        }
    }

    fn record(&mut self, outcome: &Outcome) {
        let due = self.place(outcome.due);
        self.recorder.record(outcome.probe, due, &outcome.attempt, self.state);
        if let (Some(metrics), Some(key)) = (&self.counting, self.keys.get(outcome.probe)) {
            metrics.attempt(key, &outcome.attempt);
        }
    }

    fn place(&self, moment: Instant) -> UtcMicros {
        self.estimate().place(moment, self.clock.read())
    }

    fn estimate(&self) -> std::sync::MutexGuard<'_, Estimate> {
        self.estimate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the windows whose attempts are all over.
    pub fn close(&mut self) -> Vec<WindowReport> {
        self.record_judged();
        let now = self.clock.read();
        let settled = now.monotonic.checked_sub(self.settles_after).unwrap_or(now.monotonic);
        let settled = self.faults.waiting_since().map_or(settled, |since| settled.min(since));
        let (clock, settled) = {
            let mut estimate = self.estimate();
            (estimate.offset(now), estimate.place(settled, now))
        };
        let closed = self.recorder.close(settled, clock);
        let mut all = std::mem::take(&mut self.closed);
        all.extend(closed);
        all
    }

    /// Closes every window.
    pub fn finish(&mut self) -> Vec<WindowReport> {
        self.close_all();
        std::mem::take(&mut self.closed)
    }

    fn close_all(&mut self) {
        for outcome in self.faults.take_all() {
            self.record(&outcome);
        }
        let clock = self.estimate().offset(self.clock.read());
        let closed = self.recorder.close_all(clock);
        self.closed.extend(closed);
    }

    /// Checks the machine; attempts are marked accordingly from now on.
    pub fn check(&mut self) -> SelfCheck {
        let check = self.checks.take(self.faults.anchors());
        self.state = check.state();
        check
    }
}

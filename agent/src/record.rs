//! Keeps what attempts measured until their window closes.
//!
//! Memory is bounded by samples, not by histograms: a series holds its window's raw samples, a few
//! dozen integers, and is encoded when the window closes. Only a series with thousands of samples
//! in one window is folded into a histogram before that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, ProbeKey, Tally, WindowReport,
};
use vantage_wire::{
    FailureCode, HistogramMerger, LatencyHistogram, Micros, Phase, UtcMicros, Window, WindowLength,
};

use crate::attempt::Attempt;
use crate::schedule::ProbeIndex;

/// Samples of one phase held as integers; beyond, they are folded into a histogram (16 kB against
/// the some 10 kB that a histogram of as many spread-out samples takes).
const MOST_RAW_SAMPLES: usize = 4_096;
/// Addresses kept of one series in one window: what is beyond says no more than "many".
const MOST_ADDRESSES: usize = 64;

/// Records attempts by window and series.
#[derive(Debug)]
pub struct Recorder {
    length: WindowLength,
    keys: Vec<ProbeKey>,
    open: BTreeMap<Window, BTreeMap<ProbeIndex, Series>>,
    // One scratch histogram for all windows.
    merger: HistogramMerger,
}

/// What one probe measured in one window.
#[derive(Debug, Default)]
struct Series {
    ok: u64,
    degraded: u64,
    failures: BTreeMap<(FailureCode, Phase), FailureCount>,
    phases: BTreeMap<Phase, Samples>,
    addresses: BTreeSet<IpAddr>,
}

#[derive(Debug, Default)]
struct Samples {
    raw: Vec<u32>,
    folded: LatencyHistogram,
}

/// How the agent itself was when an attempt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentState {
    /// Well: what was measured is about the network.
    Well,
    /// Its self-checks found it at fault; the attempt is counted and marked.
    Degraded,
}

impl Recorder {
    /// A recorder for these probes, by their place in the schedule.
    pub fn new(length: WindowLength, keys: Vec<ProbeKey>) -> Self {
        Self { length, keys, open: BTreeMap::new(), merger: HistogramMerger::new() }
    }

    /// Takes an attempt into the window in which it was due. A probe that the recorder was not
    /// told of is not recorded.
    pub fn record(
        &mut self,
        probe: ProbeIndex,
        due: UtcMicros,
        attempt: &Attempt,
        agent: AgentState,
    ) {
        if probe >= self.keys.len() {
            return;
        }
        let window = Window::containing(due, self.length);
        let series = self.open.entry(window).or_default().entry(probe).or_default();
        series.degraded += u64::from(agent == AgentState::Degraded);
        match &attempt.failure {
            None => series.ok += 1,
            Some(failure) => {
                let row =
                    series.failures.entry((failure.code, failure.phase)).or_insert_with(|| {
                        FailureCount { count: 0, last_detail: failure.detail.clone() }
                    });
                row.count += 1;
                row.last_detail.clone_from(&failure.detail);
            }
        }
        for (phase, took) in attempt.phases.iter() {
            series.phases.entry(phase).or_default().push(took, &mut self.merger);
        }
        if series.addresses.len() < MOST_ADDRESSES {
            series.addresses.extend(attempt.address);
        }
    }

    /// Closes every window that ends at or before `settled`, oldest first. The caller passes the
    /// time up to which every attempt is over: now, less the longest timeout.
    pub fn close(&mut self, settled: UtcMicros, clock: Option<ClockOffset>) -> Vec<WindowReport> {
        let mut closed = Vec::new();
        while let Some(entry) = self.open.first_entry() {
            if entry.key().end() > settled {
                break;
            }
            let (window, series) = entry.remove_entry();
            closed.push(self.encode(window, series, clock));
        }
        closed
    }

    /// Closes every window, for a shutdown in order.
    pub fn close_all(&mut self, clock: Option<ClockOffset>) -> Vec<WindowReport> {
        let open = std::mem::take(&mut self.open);
        open.into_iter().map(|(window, series)| self.encode(window, series, clock)).collect()
    }

    fn encode(
        &mut self,
        window: Window,
        series: BTreeMap<ProbeIndex, Series>,
        clock: Option<ClockOffset>,
    ) -> WindowReport {
        let tallies = series
            .into_iter()
            .map(|(probe, series)| (self.keys[probe].clone(), series.encode(&mut self.merger)))
            .collect();
        WindowReport { window, clock, tallies }
    }
}

impl Series {
    fn encode(self, merger: &mut HistogramMerger) -> Tally {
        let phases = self
            .phases
            .into_iter()
            .map(|(phase, samples)| (phase, EncodedHistogram::from(&samples.whole(merger))))
            .collect();
        Tally {
            ok: self.ok,
            degraded: self.degraded,
            failures: self.failures,
            phases,
            addresses: self.addresses,
        }
    }
}

impl Samples {
    fn push(&mut self, took: Micros, merger: &mut HistogramMerger) {
        if self.raw.len() >= MOST_RAW_SAMPLES {
            self.folded = std::mem::take(self).whole(merger);
        }
        // A histogram ends at 60 s; no attempt lasts longer.
        self.raw.push(u32::try_from(took.get()).unwrap_or(u32::MAX));
    }

    fn whole(self, merger: &mut HistogramMerger) -> LatencyHistogram {
        let samples = self.raw.into_iter().map(|us| Micros::new(us.into()));
        let recent = LatencyHistogram::from_samples(samples);
        if self.folded.is_empty() {
            return recent;
        }
        // The counts of one window stay far below the 2^63 at which adding fails.
        let _ = merger.add(&self.folded);
        let _ = merger.add(&recent);
        merger.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use vantage_wire::Failure;
    use vantage_wire::report::{Family, ProbeKind};

    use super::*;

    fn key(target: &str) -> ProbeKey {
        ProbeKey {
            target: target.parse().unwrap(),
            probe: "https".parse().unwrap(),
            kind: ProbeKind::Http,
            family: Family::Any,
            warm: false,
            interval: Micros::from_secs(1),
            timeout: Micros::from_secs(5),
        }
    }

    fn at(second: i64) -> UtcMicros {
        UtcMicros::from_unix_seconds(1_400_000_040 + second).unwrap()
    }

    fn took(millis: u64) -> Attempt {
        let mut attempt = Attempt::new();
        attempt.phases.set(Phase::Connect, Duration::from_millis(millis / 2));
        attempt.phases.set(Phase::Total, Duration::from_millis(millis));
        attempt.address = Some("192.0.2.1".parse().unwrap());
        attempt
    }

    fn reset_after(millis: u64) -> Attempt {
        let mut attempt = Attempt::new();
        attempt.phases.set(Phase::Connect, Duration::from_millis(millis));
        attempt.failed(Failure::new(FailureCode::TlsReset, "reset by peer"))
    }

    #[test]
    fn attempts_count_in_the_window_in_which_they_were_due() {
        let mut recorder = Recorder::new(WindowLength::MINUTE, vec![key("a"), key("b")]);
        recorder.record(0, at(1), &took(40), AgentState::Well);
        recorder.record(0, at(59), &took(60), AgentState::Degraded);
        recorder.record(1, at(59), &reset_after(7), AgentState::Well);
        recorder.record(0, at(60), &took(50), AgentState::Well);
        assert!(recorder.close(at(59), None).is_empty(), "nothing has ended yet");

        let closed = recorder.close(at(60), None);
        assert_eq!(closed.len(), 1);
        let tally = &closed[0].tallies[&key("a")];
        assert_eq!((tally.ok, tally.degraded, tally.due()), (2, 1, 2));
        let total = tally.phases[&Phase::Total].decode().unwrap();
        assert_eq!(total, LatencyHistogram::from_samples([40, 60].map(Micros::from_millis)));
        assert_eq!(tally.addresses.len(), 1);

        let failed = &closed[0].tallies[&key("b")];
        let row = &failed.failures[&(FailureCode::TlsReset, Phase::Tls)];
        assert_eq!((failed.ok, row.count, row.last_detail.as_str()), (0, 1, "reset by peer"));
        assert_eq!(failed.phases[&Phase::Connect].decode().unwrap().count(), 1);
        assert!(!failed.phases.contains_key(&Phase::Total));

        assert_eq!(recorder.close_all(None).len(), 1);
        assert!(recorder.close_all(None).is_empty());
    }

    #[test]
    fn many_samples_are_folded_without_loss() {
        let mut recorder = Recorder::new(WindowLength::MINUTE, vec![key("a")]);
        let mut expected = LatencyHistogram::new();
        for n in 0..3 * MOST_RAW_SAMPLES as u64 + 17 {
            let millis = 20 + n % 900;
            recorder.record(0, at(0), &took(millis), AgentState::Well);
            expected.record(Micros::from_millis(millis)).unwrap();
        }
        let closed = recorder.close_all(None);
        let total = closed[0].tallies[&key("a")].phases[&Phase::Total].decode().unwrap();
        assert_eq!(total, expected);
    }
}

//! Probes that cannot be carried out as assigned: their slots are counted all the same, so that
//! somebody sees it.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use vantage_wire::{Failure, FailureCode};

use crate::attempt::Attempt;
use crate::runner::Outcome;
use crate::schedule::{Next, ProbeIndex, Schedule};

/// The schedule of probes that are never carried out.
#[derive(Debug, Default)]
pub struct Unready {
    schedule: Schedule,
    /// Of each: its place among all probes, and why.
    probes: Vec<(ProbeIndex, String)>,
}

impl Unready {
    /// Adds a probe.
    pub fn add(&mut self, probe: ProbeIndex, first: Instant, interval: Duration, why: String) {
        self.schedule.add(first, interval, None);
        self.probes.push((probe, why));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.probes.len()
    }

    /// Tells of every slot when it is due, until stopped.
    pub async fn run(mut self, mut settled: impl FnMut(Outcome), stop: CancellationToken) {
        loop {
            match self.schedule.next(Instant::now()) {
                Next::Start { probe, due } | Next::Missed { probe, due } => {
                    let (probe, why) = &self.probes[probe];
                    let failure = Failure::new(FailureCode::ConfigInvalid, why);
                    let attempt = Attempt::new().failed(failure);
                    settled(Outcome {
                        probe: *probe,
                        due,
                        late: Duration::ZERO,
                        held_up: Duration::ZERO,
                        attempt,
                    });
                }
                Next::WaitUntil(at) => {
                    if stop.run_until_cancelled(sleep_until(at)).await.is_none() {
                        return;
                    }
                }
                Next::Nothing => return stop.cancelled().await,
            }
        }
    }
}

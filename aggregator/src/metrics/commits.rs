//! Transactions that store reports.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use vantage_service::metrics::{Bounds, Durations, Exposition, Sample, Value};
use vantage_wire::Micros;

use super::{lock, names};

/// From 1 ms to 32 s, by factors of 2.
static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| Bounds::exponential(0, -10..=5));

/// What came of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CommitOutcome {
    /// All of it is stored.
    Stored,
    /// The disk is full.
    Full,
    /// The store is busy or away.
    Busy,
    /// The store failed.
    Failed,
}

impl CommitOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Full => "full",
            Self::Busy => "busy",
            Self::Failed => "failed",
        }
    }
}

/// How transactions ended, and how long they took.
#[derive(Debug)]
pub struct Commits(Mutex<Counts>);

#[derive(Debug)]
struct Counts {
    outcomes: BTreeMap<CommitOutcome, u64>,
    took: Durations,
}

impl Default for Commits {
    fn default() -> Self {
        // That nothing has failed yet is told, too.
        let outcomes = BTreeMap::from([
            (CommitOutcome::Stored, 0),
            (CommitOutcome::Full, 0),
            (CommitOutcome::Busy, 0),
            (CommitOutcome::Failed, 0),
        ]);
        Self(Mutex::new(Counts { outcomes, took: Durations::new(&BOUNDS) }))
    }
}

impl Commits {
    /// A transaction ended.
    pub fn count(&self, outcome: CommitOutcome, took: Duration) {
        let mut counts = lock(&self.0);
        *counts.outcomes.entry(outcome).or_default() += 1;
        counts.took.add(&BOUNDS, Micros::from_duration_saturating(took).get(), 1);
    }

    /// Adds them to an exposition.
    pub fn put(&self, exposition: &mut Exposition) {
        let counts = lock(&self.0);
        let outcomes = counts.outcomes.iter();
        exposition.put(
            names::COMMITS,
            outcomes.map(|(outcome, count)| Sample::new([outcome.name()], Value::Count(*count))),
        );
        exposition.put_one(names::COMMIT_DURATION, counts.took.value(&BOUNDS));
    }
}

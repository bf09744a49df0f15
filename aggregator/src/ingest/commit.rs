//! Group commit: whatever has queued up goes into one transaction, then every sender is answered.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;
use vantage_service::metrics::{Exposition, Value};
use vantage_wire::exchange::Stored;

use crate::metrics::{CommitOutcome, Commits, names};
use crate::store::{IncomingReport, Store, StoreError};

/// Most reports in one transaction: beyond, a transaction gets longer but not cheaper by report.
const MOST_IN_ONE: usize = 512;
/// Most reports that wait.
const MOST_WAITING: usize = 4_096;
/// Most bytes, as sent, of the reports that wait; decoded they take a few times as much.
const MOST_WAITING_KIB: u32 = 64 * 1_024;

/// How long the failure of a commit makes the aggregator not ready.
const FAILURE_COUNTS: Duration = Duration::from_secs(15);

/// Whether the store can be written, as the last commit found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// The last commit succeeded.
    Ready,
    /// The disk is full.
    Full,
    /// It is busy, away or failing.
    Failing,
}

/// The way in: takes a report and answers when it is stored for good.
#[derive(Clone, Debug)]
pub struct CommitQueue {
    waiting: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    state: watch::Receiver<Noted>,
    commits: Arc<Commits>,
}

/// What the last commit found, and when.
type Noted = (StoreState, Instant);

/// The other end, for the one task that writes.
#[derive(Debug)]
pub struct Committer {
    store: Store,
    waiting: mpsc::Receiver<Waiting>,
    state: watch::Sender<Noted>,
    commits: Arc<Commits>,
}

#[derive(Debug)]
struct Waiting {
    report: IncomingReport,
    answer: oneshot::Sender<Result<Stored, CommitError>>,
    room: OwnedSemaphorePermit,
}

/// Why a report was not stored. It may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Too many reports wait already.
    #[error("too many reports wait to be stored")]
    Overloaded,
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// The store is busy or away.
    #[error("the store is busy or away")]
    Busy,
    /// The store failed; the log says why.
    #[error("the store failed")]
    Failed,
}

/// A queue into this store, and its other end.
pub fn queue(store: Store) -> (CommitQueue, Committer) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    let (state_sender, state) = watch::channel((StoreState::Ready, Instant::now()));
    let room = Arc::new(Semaphore::new(MOST_WAITING_KIB as usize));
    let commits: Arc<Commits> = Arc::default();
    (
        CommitQueue { waiting: sender, room, state, commits: Arc::clone(&commits) },
        Committer { store, waiting: receiver, state: state_sender, commits },
    )
}

impl CommitQueue {
    /// Stores a report that took so many bytes on its way, and answers once that is for good.
    ///
    /// # Errors
    ///
    /// [`CommitError`]: the report is not stored, or, where the answer of the database was lost,
    /// may be; sending it again is safe.
    pub async fn store(&self, report: IncomingReport, bytes: usize) -> Result<Stored, CommitError> {
        let kib = u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX).max(1);
        let room = Arc::clone(&self.room)
            .try_acquire_many_owned(kib)
            .map_err(|_| CommitError::Overloaded)?;
        let (answer, answered) = oneshot::channel();
        self.waiting
            .try_send(Waiting { report, answer, room })
            .map_err(|_| CommitError::Overloaded)?;
        answered.await.unwrap_or(Err(CommitError::Failed))
    }

    /// Whether the store can be written. A failure counts for a while only: whoever sends reports to
    /// those that are ready must find out some time that it can be written again.
    pub fn state(&self) -> StoreState {
        let (state, since) = *self.state.borrow();
        if since.elapsed() > FAILURE_COUNTS { StoreState::Ready } else { state }
    }

    /// Adds to an exposition what waits, and how commits went.
    pub fn put(&self, exposition: &mut Exposition) {
        let waiting = self.waiting.max_capacity() - self.waiting.capacity();
        let held_kib = (MOST_WAITING_KIB as usize).saturating_sub(self.room.available_permits());
        let writable = self.state() == StoreState::Ready;
        for (metric, value) in [
            (names::QUEUE_REPORTS, waiting as u64),
            (names::QUEUE_BYTES, held_kib as u64 * 1_024),
            (names::WRITABLE, writable.into()),
        ] {
            exposition.put_one(metric, Value::Count(value));
        }
        self.commits.put(exposition);
    }
}

impl Committer {
    /// Writes until every [`CommitQueue`] is gone and nothing waits any more.
    pub async fn run(mut self) {
        let mut taken = Vec::with_capacity(MOST_IN_ONE);
        while self.waiting.recv_many(&mut taken, MOST_IN_ONE).await > 0 {
            let mut reports = Vec::with_capacity(taken.len());
            let mut answers = Vec::with_capacity(taken.len());
            for Waiting { report, answer, room } in taken.drain(..) {
                reports.push(report);
                answers.push((answer, room));
            }
            // The room is given back when the answer is given.
            for ((answer, _room), outcome) in answers.into_iter().zip(self.write(&reports).await) {
                // A sender that is gone will ask again, and be told it is a duplicate.
                let _ = answer.send(outcome);
            }
        }
    }

    /// Writes reports together; where that fails for no reason that passes, one by one, so that a
    /// report that cannot be stored does not keep the others out.
    async fn write(&self, reports: &[IncomingReport]) -> Vec<Result<Stored, CommitError>> {
        let together = self.append(reports).await;
        let error = match together {
            Ok(stored) => return stored.into_iter().map(Ok).collect(),
            Err(error) => CommitError::from(&error),
        };
        if error != CommitError::Failed || reports.len() == 1 {
            return vec![Err(error); reports.len()];
        }
        let mut outcomes = Vec::with_capacity(reports.len());
        for report in reports {
            let alone = self.append(std::slice::from_ref(report)).await;
            let outcome = alone.map_err(|error| CommitError::from(&error));
            outcomes.push(
                outcome.and_then(|stored| stored.first().copied().ok_or(CommitError::Failed)),
            );
        }
        outcomes
    }

    async fn append(&self, reports: &[IncomingReport]) -> Result<Vec<Stored>, StoreError> {
        let began = Instant::now();
        let outcome = self.store.append(reports).await;
        self.commits.count(
            outcome.as_ref().map_or_else(Into::into, |_| CommitOutcome::Stored),
            began.elapsed(),
        );
        self.note(&outcome);
        outcome
    }

    /// Logs a change of state once, not every failure.
    fn note<T>(&self, outcome: &Result<T, StoreError>) {
        let state = match outcome {
            Ok(_) => StoreState::Ready,
            Err(StoreError::Full(_)) => StoreState::Full,
            Err(_) => StoreState::Failing,
        };
        self.state.send_if_modified(|(held, since)| {
            let changed = *held != state;
            (*held, *since) = (state, Instant::now());
            match outcome {
                Ok(_) if changed => tracing::info!("the store can be written again"),
                Err(error) if changed => {
                    tracing::error!(error = %crate::log::chain(error), "the store cannot be written; agents keep their reports");
                }
                _ => {}
            }
            changed
        });
    }
}

impl From<&StoreError> for CommitOutcome {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::Full,
            StoreError::Busy(_) => Self::Busy,
            _ => Self::Failed,
        }
    }
}

impl From<&StoreError> for CommitError {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Full(_) => Self::Full,
            StoreError::Busy(_) => Self::Busy,
            _ => Self::Failed,
        }
    }
}

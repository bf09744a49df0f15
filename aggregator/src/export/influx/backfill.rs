//! Writing what the store has from one time to another, to a server or as text.
//!
//! Windows are written as long as they are kept, hours where only those are left: their points have
//! `window_s=3600`. The hours of a vantage point are read one by one; what does not fit into a
//! request waits for nothing, so memory does not grow with the length of the time.
//!
//! To a server it is written in turns, as the exporter does, so both may run at once. Where the
//! server fails, what was not written yet is read again.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use vantage_service::Backoff;

use super::answer::{LONGEST_WAIT, WriteError};
use super::delivery::Delivered;
use super::filling::Filling;
use super::latency::Place;
use super::lines::{Bounds, Lines};
use super::scores::{ScoreSettings, Scores};
use super::writing::{Writing, WritingError};
use crate::catalogue::Catalogue;
use crate::store::{InfluxTurn, KeptHour, Store, StoreError};

const HOUR_S: i64 = 3_600;
const STEP_S: usize = 3_600;
/// Between two tries to get the turn.
const TURN_PAUSE: Duration = Duration::from_millis(200);
/// Tries in a row, about five minutes, after which a server is given up.
const MOST_FAILURES: u32 = 9;

/// What to write.
pub struct Backfill {
    /// Where it is read.
    pub store: Store,
    /// Says what targets belong to.
    pub catalogue: Arc<Catalogue>,
    /// The first second.
    pub from_unix_s: i64,
    /// The end, not included.
    pub to_unix_s: i64,
    /// The scores to write with it.
    pub scores: ScoreSettings,
}

/// Where lines go.
pub enum Sink {
    /// To a server.
    Server {
        /// Writes in turns.
        writing: Box<Writing>,
        /// For the pauses between tries.
        random: Box<ChaCha8Rng>,
    },
    /// As text.
    Text {
        /// Where to.
        to: Box<dyn Write + Send>,
        /// How much is written at once.
        bounds: Bounds,
    },
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Hours of vantage points that were written by windows.
    pub by_windows: u64,
    /// Hours of vantage points that were written by their sums.
    pub by_hours: u64,
    /// Times of which there are scores.
    pub scores: u64,
    /// What the server has, and what it will not take.
    pub delivered: Delivered,
    /// Series that do not add up.
    pub faults: u64,
}

/// How far it has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Up to this second everything is written.
    pub reached_unix_s: i64,
    /// Lines that were written.
    pub points: u64,
}

/// Why it did not get to the end.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The store cannot be read.
    #[error("failed to read the store")]
    Store(#[from] StoreError),
    /// The server cannot be written to.
    #[error(transparent)]
    Server(#[from] WriteError),
    /// The text cannot be written.
    #[error("failed to write the lines")]
    Text(#[from] std::io::Error),
}

/// One hour of one vantage point, or the scores of one time.
#[derive(Clone, Debug)]
enum Step {
    Hour { start_s: i64, place: Place },
    Scores { tick_s: i64 },
}

impl Backfill {
    /// Writes everything, tells `progress` of it now and then, and sums up.
    ///
    /// # Errors
    ///
    /// [`BackfillError`]: what was written before stays written; to write it again changes nothing.
    pub async fn run(
        &self,
        sink: &mut Sink,
        mut progress: impl FnMut(Progress),
    ) -> Result<Summary, BackfillError> {
        let agents = self.store.vantages().await?.into_iter();
        let places: Vec<Place> = agents
            .map(|agent| Place {
                market: agent.registration.market,
                vantage: agent.registration.vantage,
            })
            .collect();
        let mut summary = Summary::default();
        let hours = match self.store.kept_hours().await? {
            Some((first_s, last_s)) => {
                let from_s = self.from_unix_s - self.from_unix_s.rem_euclid(HOUR_S);
                from_s.max(first_s)..self.to_unix_s.min(last_s + HOUR_S)
            }
            None => 0..0,
        };
        let mut failures = (Backoff::up_to(LONGEST_WAIT), 0);
        for start_s in hours.step_by(STEP_S) {
            let hour = places.iter().map(|place| Step::Hour { start_s, place: place.clone() });
            let within = start_s.max(self.from_unix_s)..(start_s + HOUR_S).min(self.to_unix_s);
            let scores = Scores::between(&self.scores, within.start, within.end);
            let scores = scores.into_iter().flatten().map(|tick_s| Step::Scores { tick_s });
            let steps: Vec<Step> = hour.chain(scores).collect();
            let mut done = 0;
            while done < steps.len() {
                match self.write_some(&steps[done..], sink).await {
                    Ok((count, part)) => {
                        done += count;
                        failures = (Backoff::up_to(LONGEST_WAIT), 0);
                        summary.add(part);
                    }
                    Err(error) => {
                        let Sink::Server { random, .. } = sink else { return Err(error) };
                        let BackfillError::Server(error) = error else { return Err(error) };
                        let is_hopeless =
                            matches!(error, WriteError::Denied { .. } | WriteError::Token(_));
                        failures.1 += 1;
                        if is_hopeless || failures.1 > MOST_FAILURES {
                            return Err(error.into());
                        }
                        let pause = failures.0.next(error.at_least(), &mut **random);
                        tracing::warn!(?pause, "what is not written yet is tried again: {error}");
                        tokio::time::sleep(pause).await;
                    }
                }
            }
            progress(Progress { reached_unix_s: within.end, points: summary.delivered.written });
        }
        if let Sink::Text { to, .. } = sink {
            to.flush()?;
        }
        Ok(summary)
    }

    /// Writes steps until a request is full, then to the end of the step. Answers how many steps
    /// that were.
    async fn write_some(
        &self,
        steps: &[Step],
        sink: &mut Sink,
    ) -> Result<(usize, Summary), BackfillError> {
        sink.take_turn().await?;
        let mut part = Summary::default();
        let written = self.write_steps(steps, sink, &mut part).await;
        sink.end_turn().await?;
        Ok((written?, part))
    }

    async fn write_steps(
        &self,
        steps: &[Step],
        sink: &mut Sink,
        part: &mut Summary,
    ) -> Result<usize, BackfillError> {
        let mut lines = Lines::default();
        let mut done = 0;
        for step in steps {
            let mut filling = self.filling(step, &mut lines, part).await?;
            while let Some(some) = filling.take() {
                (lines, filling) = some.fill(lines, sink.bounds()).await?;
                if filling.is_some() {
                    sink.flush(&mut lines, part).await?;
                }
            }
            done += 1;
            if lines.is_full(sink.bounds()) {
                break;
            }
        }
        sink.flush(&mut lines, part).await?;
        Ok(done)
    }

    async fn filling(
        &self,
        step: &Step,
        lines: &mut Lines,
        part: &mut Summary,
    ) -> Result<Option<Filling>, BackfillError> {
        let (start_s, place) = match step {
            Step::Hour { start_s, place } => (*start_s, place.clone()),
            Step::Scores { tick_s } => {
                let before = lines.count();
                let written = self.scores.write(&self.store, &self.catalogue, *tick_s, lines).await;
                written.map_err(BackfillError::from)?;
                part.scores += u64::from(lines.count() > before);
                return Ok(None);
            }
        };
        let catalogue = Arc::clone(&self.catalogue);
        let filling = match self.store.kept_hour(&place.vantage, start_s).await? {
            KeptHour::Windows(mut windows) => {
                windows.retain(|window| {
                    let start_s = window.report.window.start_unix_s();
                    (self.from_unix_s..self.to_unix_s).contains(&start_s)
                });
                part.by_windows += u64::from(!windows.is_empty());
                Filling::of_windows(windows, place, catalogue).await?
            }
            KeptHour::Sums(sums) => {
                part.by_hours += u64::from(!sums.is_empty());
                Filling::of_hour(sums, start_s, place, catalogue).await?
            }
        };
        part.faults += filling.faults;
        Ok(Some(filling))
    }
}

impl Summary {
    fn add(&mut self, part: Self) {
        self.by_windows += part.by_windows;
        self.by_hours += part.by_hours;
        self.scores += part.scores;
        self.faults += part.faults;
        self.delivered.add(part.delivered);
    }
}

impl Sink {
    fn bounds(&self) -> Bounds {
        match self {
            Self::Server { writing, .. } => writing.bounds(),
            Self::Text { bounds, .. } => *bounds,
        }
    }

    async fn take_turn(&mut self) -> Result<(), BackfillError> {
        let Self::Server { writing, .. } = self else { return Ok(()) };
        while writing.take_turn().await? == InfluxTurn::Another {
            tokio::time::sleep(TURN_PAUSE).await;
        }
        Ok(())
    }

    async fn end_turn(&mut self) -> Result<(), BackfillError> {
        let Self::Server { writing, .. } = self else { return Ok(()) };
        Ok(writing.end_turn(&[]).await?)
    }

    async fn flush(&mut self, lines: &mut Lines, part: &mut Summary) -> Result<(), BackfillError> {
        match self {
            Self::Server { writing, .. } => part.delivered.add(writing.flush(lines).await?),
            Self::Text { to, .. } => {
                to.write_all(lines.as_bytes())?;
                part.delivered.written += lines.count() as u64;
                lines.clear();
            }
        }
        Ok(())
    }
}

impl From<WritingError> for BackfillError {
    fn from(error: WritingError) -> Self {
        match error {
            WritingError::Store(error) => Self::Store(error),
            WritingError::Write(error) => Self::Server(error),
            // Read again, in a turn of its own.
            WritingError::Another | WritingError::Stopped => {
                Self::Server(WriteError::Unreached(error.to_string().as_str().into()))
            }
        }
    }
}

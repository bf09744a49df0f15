//! The task that exports as data come in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_service::Backoff;

use super::agent;
use super::answer::LONGEST_WAIT;
use super::filling::Filling;
use super::latency::Place;
use super::lines::Lines;
use super::scores::{ScoreSettings, Scores};
use super::status::{Condition, Status};
use super::writing::{Writing, WritingError};
use crate::agents;
use crate::catalogue::Catalogue;
use crate::store::{InfluxNote, InfluxTurn, StoreError};

/// Between two looks for something to write.
const EVERY: Duration = Duration::from_secs(2);
/// Between two tries where the store fails, or another writer has the turn.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// Notes that are dealt with in one turn.
const NOTES_AT_ONCE: u32 = 256;
/// Most bytes of points about agents that wait for InfluxDB; the oldest go first. With 50 agents,
/// about five hours.
const MOST_AGENT_BYTES: usize = 4 << 20;
/// Between two looks at the agents.
const AGENTS_EVERY_S: i64 = 60;
/// Between two counts of what is to be written, which may be much.
const COUNT_EVERY: Duration = Duration::from_secs(15);

/// Exports as data come in.
pub struct Exporter {
    writing: Writing,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    scores: ScoreSettings,
    random: ChaCha8Rng,
    status: watch::Sender<Status>,
    /// What agents were like, by minute, as far as it is not written.
    agents: Vec<(i64, Lines)>,
    lines: Lines,
    counted: Option<Instant>,
}

impl Exporter {
    /// An exporter that has not begun, and where its status can be seen.
    pub fn new(
        writing: Writing,
        catalogue: watch::Receiver<Arc<Catalogue>>,
        scores: ScoreSettings,
        random: ChaCha8Rng,
    ) -> (Self, watch::Receiver<Status>) {
        let (status, seen) = watch::channel(Status::default());
        let exporter = Self {
            writing,
            catalogue,
            scores,
            random,
            status,
            agents: Vec::new(),
            lines: Lines::default(),
            counted: None,
        };
        (exporter, seen)
    }

    /// Switches the export on in the store and exports until draining.
    ///
    /// # Errors
    ///
    /// None: a store or a server that fails is tried again.
    pub async fn run(mut self, draining: CancellationToken) -> anyhow::Result<()> {
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        let mut is_on = false;
        loop {
            let round = if is_on { self.round().await } else { self.switch_on(&mut is_on).await };
            let pause = match round {
                Ok(is_more) => {
                    backoff.reset();
                    if is_more { Duration::ZERO } else { EVERY }
                }
                Err(WritingError::Stopped) => return Ok(()),
                Err(WritingError::Another) => {
                    self.becomes(Condition::Another, None);
                    STORE_PAUSE
                }
                Err(WritingError::Store(error)) => {
                    self.becomes((&error).into(), Some(&crate::log::chain(&error)));
                    STORE_PAUSE
                }
                Err(WritingError::Write(error)) => {
                    self.becomes((&error).into(), Some(&error.to_string()));
                    backoff.next(error.at_least(), &mut self.random)
                }
            };
            if draining.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn switch_on(&mut self, is_on: &mut bool) -> Result<bool, WritingError> {
        if self.writing.store().switch_influx_on(self.writing.now()).await? {
            tracing::info!(
                "the export to InfluxDB is switched on; `vantage export influx` writes what is older"
            );
        }
        *is_on = true;
        Ok(true)
    }

    /// Writes some of what is to be written. Answers whether there is more.
    async fn round(&mut self) -> Result<bool, WritingError> {
        self.count_backlog().await?;
        self.look_at_agents().await?;
        let notes = self.writing.store().influx_notes(NOTES_AT_ONCE).await?;
        let mut scores = self.due_scores().await?;
        if notes.is_empty() && self.agents.is_empty() && scores.is_none() {
            self.becomes(Condition::Well, None);
            return Ok(false);
        }
        match self.writing.take_turn().await? {
            InfluxTurn::Taken => {}
            InfluxTurn::Another => return Err(WritingError::Another),
            InfluxTurn::Off => {
                self.becomes(Condition::Off, None);
                return Ok(false);
            }
        }
        let mut written = Vec::with_capacity(notes.len());
        let mut outcome = self.write_agents().await;
        if outcome.is_ok()
            && let Some(scores) = &mut scores
        {
            outcome = self.write_scores(scores).await;
        }
        if outcome.is_ok() {
            outcome = self.write_notes(notes, &mut written).await;
        }
        self.lines.clear();
        // Also after a failure: what was written before it need not be written again.
        self.writing.end_turn(&written).await?;
        outcome?;
        self.becomes(Condition::Well, None);
        Ok(written.len() >= NOTES_AT_ONCE as usize || scores.is_some_and(|scores| scores.is_more()))
    }

    /// Remembers what agents are like, once a minute.
    async fn look_at_agents(&mut self) -> Result<(), WritingError> {
        let now = self.writing.now();
        let now_s = now.unix_seconds_floor();
        let minute_s = now_s - now_s.rem_euclid(AGENTS_EVERY_S);
        if self.agents.last().is_some_and(|(last_s, _)| *last_s >= minute_s)
            || self.status.borrow().agents_unix_s >= Some(minute_s)
        {
            return Ok(());
        }
        let mut lines = Lines::default();
        for (agent, health) in agents::list_with_health(self.writing.store(), now).await? {
            agent::write(&agent, health.as_ref(), minute_s, &mut lines);
        }
        self.status.send_modify(|status| status.agents_unix_s = Some(minute_s));
        if !lines.is_empty() {
            self.agents.push((minute_s, lines));
        }
        let mut bytes: usize = self.agents.iter().map(|(_, lines)| lines.as_bytes().len()).sum();
        let surplus = self.agents.iter().take_while(|(_, lines)| {
            let is_surplus = bytes > MOST_AGENT_BYTES;
            bytes -= lines.as_bytes().len();
            is_surplus
        });
        let surplus = surplus.count();
        self.agents.drain(..surplus);
        Ok(())
    }

    async fn write_agents(&mut self) -> Result<(), WritingError> {
        while let Some((_, lines)) = self.agents.first() {
            self.lines.append(lines);
            self.flush().await?;
            self.agents.remove(0);
        }
        Ok(())
    }

    async fn due_scores(&self) -> Result<Option<Scores>, WritingError> {
        let newest = self.writing.store().influx_scored().await?;
        Ok(Scores::due(&self.scores, newest, self.writing.now().unix_seconds_floor()))
    }

    /// Writes the scores of one time.
    async fn write_scores(&mut self, scores: &mut Scores) -> Result<(), WritingError> {
        let Some(tick_s) = scores.next() else { return Ok(()) };
        let catalogue = Arc::clone(&self.catalogue.borrow());
        let store = self.writing.store().clone();
        self.scores.write(&store, &catalogue, tick_s, &mut self.lines).await?;
        self.flush().await?;
        store.set_influx_scored(tick_s).await?;
        self.status.send_modify(|status| status.scored_unix_s = Some(tick_s));
        Ok(())
    }

    /// Writes what notes are about, and adds to `written` those of which all is written.
    async fn write_notes(
        &mut self,
        notes: Vec<InfluxNote>,
        written: &mut Vec<InfluxNote>,
    ) -> Result<(), WritingError> {
        // Those about the same windows are one task.
        let mut tasks: BTreeMap<(i64, String), Vec<InfluxNote>> = BTreeMap::new();
        for note in notes {
            let key = (note.start_unix_s, note.vantage.to_string());
            tasks.entry(key).or_default().push(note);
        }
        let mut pending: Vec<InfluxNote> = Vec::new();
        for notes in tasks.into_values() {
            let mut filling = self.filling(&notes[0]).await?;
            while let Some(some) = filling.take() {
                let lines = std::mem::take(&mut self.lines);
                (self.lines, filling) = some.fill(lines, self.writing.bounds()).await?;
                if filling.is_some() || self.lines.is_full(self.writing.bounds()) {
                    self.flush().await?;
                    written.append(&mut pending);
                }
            }
            pending.extend(notes);
        }
        self.flush().await?;
        written.append(&mut pending);
        Ok(())
    }

    /// What a note is about; `None` where there is nothing to be written.
    async fn filling(&mut self, note: &InfluxNote) -> Result<Option<Filling>, WritingError> {
        let place = Place { market: note.market.clone(), vantage: note.vantage.clone() };
        let windows = match self.writing.store().noted_windows(note).await {
            Ok(Some(windows)) => windows,
            Ok(None) => {
                self.lose(1);
                tracing::warn!(
                    vantage = %note.vantage, start_s = note.start_unix_s,
                    "windows came so late that those of their hour had been deleted; they are not exported"
                );
                return Ok(None);
            }
            Err(error @ StoreError::Corrupt { .. }) => {
                self.lose(1);
                tracing::error!(
                    vantage = %note.vantage, start_s = note.start_unix_s,
                    error = %crate::log::chain(&error), "windows cannot be read and are not exported"
                );
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let catalogue = Arc::clone(&self.catalogue.borrow());
        let filling = Filling::of_windows(windows, place, catalogue).await?;
        self.lose(filling.faults);
        Ok(Some(filling))
    }

    fn lose(&self, windows: u64) {
        if windows > 0 {
            self.status.send_modify(|status| status.windows_lost += windows);
        }
    }

    async fn flush(&mut self) -> Result<(), WritingError> {
        let delivered = self.writing.flush(&mut self.lines).await?;
        let now = self.writing.now();
        self.status.send_modify(|status| status.count(&delivered, now));
        Ok(())
    }

    async fn count_backlog(&mut self) -> Result<(), WritingError> {
        if self.counted.is_some_and(|counted| counted.elapsed() < COUNT_EVERY) {
            return Ok(());
        }
        self.counted = Some(Instant::now());
        let backlog = self.writing.store().influx_backlog().await?.unwrap_or_default();
        self.status.send_modify(|status| status.backlog = backlog);
        Ok(())
    }

    /// Notes a change of condition, and logs it once.
    fn becomes(&self, condition: Condition, error: Option<&str>) {
        let now = self.writing.now();
        let before = self.status.borrow().condition;
        self.status.send_modify(|status| {
            status.condition = condition;
            if let Some(error) = error {
                status.last_error = Some((now, error.to_owned()));
            }
        });
        match (error, before == condition) {
            (Some(error), false) => {
                tracing::warn!(condition = condition.name(), "points wait to be exported: {error}");
            }
            (Some(error), true) => {
                tracing::debug!(
                    condition = condition.name(),
                    "points wait to be exported: {error}"
                );
            }
            (None, false) => {
                tracing::info!(
                    condition = condition.name(),
                    "the export to InfluxDB has changed its condition"
                );
            }
            (None, true) => {}
        }
    }
}

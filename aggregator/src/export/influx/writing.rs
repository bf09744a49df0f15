//! One writer's turn: reading and writing while nobody else does.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_wire::UtcMicros;

use super::answer::WriteError;
use super::delivery::{BeforeRequest, Delivered, deliver};
use super::lines::{Bounds, Lines};
use super::server::Server;
use crate::clock::WallClock;
use crate::store::{INFLUX_TURN, InfluxNote, InfluxTurn, InfluxWriter, Store, StoreError};

/// A turn is kept up when it is as old.
const KEEP_AFTER: Duration = Duration::from_secs(20);
/// Less is never sent at once, however often the server finds it too large.
const LEAST_BYTES: usize = 16 << 10;

/// Why writing stopped.
#[derive(Debug, thiserror::Error)]
pub enum WritingError {
    /// The server.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The store.
    #[error("{}", crate::log::chain(.0))]
    Store(#[from] StoreError),
    /// Another writer has the turn.
    #[error("another process writes to InfluxDB at the moment")]
    Another,
    /// It was told to stop.
    #[error("stopped")]
    Stopped,
}

/// How much is sent at once, and how fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// In one request.
    pub bounds: Bounds,
    /// Points per second, on average over a request.
    pub points_per_second: u32,
}

/// The right to write, which one process has at a time.
struct Turn {
    store: Store,
    writer: InfluxWriter,
    clock: Arc<dyn WallClock>,
    /// When it was last taken or kept up.
    kept: Instant,
}

impl Turn {
    async fn take(&mut self) -> Result<InfluxTurn, StoreError> {
        let now = self.clock.now();
        let turn_us = i64::try_from(INFLUX_TURN.get()).unwrap_or(i64::MAX);
        let until = UtcMicros::new(now.get().saturating_add(turn_us));
        self.kept = Instant::now();
        self.store.take_influx_turn(&self.writer, now, until).await
    }
}

impl BeforeRequest for Turn {
    type Error = WritingError;

    async fn see_to_it(&mut self) -> Result<(), WritingError> {
        if self.kept.elapsed() < KEEP_AFTER {
            return Ok(());
        }
        match self.take().await? {
            InfluxTurn::Another => Err(WritingError::Another),
            InfluxTurn::Taken | InfluxTurn::Off => Ok(()),
        }
    }
}

/// Writes in turns.
pub struct Writing {
    turn: Turn,
    server: Server,
    pace: Pace,
    stop: CancellationToken,
    /// No request before.
    next: Instant,
}

impl Writing {
    /// A writer that has not begun. `writer` is drawn at random.
    pub fn new(
        store: Store,
        server: Server,
        writer: InfluxWriter,
        pace: Pace,
        clock: Arc<dyn WallClock>,
        stop: CancellationToken,
    ) -> Self {
        let now = Instant::now();
        Self { turn: Turn { store, writer, clock, kept: now }, server, pace, stop, next: now }
    }

    /// How much is sent at once now: less than at first where the server found that too large.
    pub const fn bounds(&self) -> Bounds {
        self.pace.bounds
    }

    /// The store that is read.
    pub const fn store(&self) -> &Store {
        &self.turn.store
    }

    /// The time now.
    pub fn now(&self) -> UtcMicros {
        self.turn.clock.now()
    }

    /// Begins a turn, or keeps it up.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn take_turn(&mut self) -> Result<InfluxTurn, StoreError> {
        self.turn.take().await
    }

    /// Ends the turn; what these notes are about is written.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn end_turn(&self, written: &[InfluxNote]) -> Result<(), StoreError> {
        self.turn.store.end_influx_turn(&self.turn.writer, written).await
    }

    /// Writes lines, within a turn, and takes them away where that succeeds.
    ///
    /// # Errors
    ///
    /// [`WritingError`]: some of the lines may be written.
    pub async fn flush(&mut self, lines: &mut Lines) -> Result<Delivered, WritingError> {
        if lines.is_empty() {
            return Ok(Delivered::default());
        }
        let waiting = self.stop.run_until_cancelled(tokio::time::sleep_until(self.next));
        waiting.await.ok_or(WritingError::Stopped)?;
        let delivered = deliver(&self.server, lines, &self.stop, &mut self.turn).await?;
        let delivered = delivered.ok_or(WritingError::Stopped)?;
        if delivered.too_large {
            self.pace.bounds.bytes = (self.pace.bounds.bytes / 2).max(LEAST_BYTES);
        }
        let span = lines.count() as f64 / f64::from(self.pace.points_per_second.max(1));
        self.next = Instant::now() + Duration::from_secs_f64(span);
        lines.clear();
        Ok(delivered)
    }
}

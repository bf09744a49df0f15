//! Closes windows when their time has come and brings them into the spool.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use vantage_wire::report::{Health, WindowReport};

use super::Recording;
use crate::clock::WallClock;
use crate::ship::SharedSpool;
use crate::spool::Storage;

/// How often windows are looked at.
const TURN: Duration = Duration::from_secs(1);
/// How many turns lie between two checks of the machine.
const TURNS_TO_CHECK: u64 = 10;

/// Works until probing has ended, and then closes every window.
pub async fn run<C: WallClock, S: Storage + Send + 'static>(
    recording: Arc<Mutex<Recording<C>>>,
    spool: SharedSpool<S>,
    health: Arc<Mutex<Health>>,
    news: Arc<Notify>,
    probed: CancellationToken,
) {
    let recording = || recording.lock().unwrap_or_else(PoisonError::into_inner);
    let mut keeping = Keeping { spool, health, news, troubled: false, ill: Vec::new() };
    let mut turns = tokio::time::interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut turn = 0_u64;
    while probed.run_until_cancelled(turns.tick()).await.is_some() {
        if turn.is_multiple_of(TURNS_TO_CHECK) {
            let check = recording().check();
            keeping.note(check.to_health(), check.problems()).await;
        }
        turn += 1;
        let closed = recording().close();
        if !closed.is_empty() || (keeping.troubled && turn.is_multiple_of(TURNS_TO_CHECK)) {
            keeping.append(closed).await;
        }
    }
    let closed = recording().finish();
    keeping.append(closed).await;
}

struct Keeping<S> {
    spool: SharedSpool<S>,
    health: Arc<Mutex<Health>>,
    news: Arc<Notify>,
    /// Whether the last windows found no room.
    troubled: bool,
    /// What the operator was told about the machine.
    ill: Vec<String>,
}

impl<S: Storage + Send + 'static> Keeping<S> {
    async fn append(&mut self, windows: Vec<WindowReport>) {
        let kept = self.spool.append(windows).await;
        match (&kept, self.troubled) {
            (Err(error), false) => tracing::error!(
                %error,
                "windows stay in memory, merged as needed, until there is room on disk"
            ),
            (Ok(()), true) => tracing::info!("all windows are on disk again"),
            _ => {}
        }
        self.troubled = kept.is_err();
        self.news.notify_one();
    }

    /// Takes note of how the machine fares.
    async fn note(&mut self, mut found: Health, problems: Vec<String>) {
        let holdings = self.spool.holdings().await;
        found.spool_bytes = Some(holdings.disk_bytes);
        found.spool_windows = Some(holdings.windows);
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = found;
        match (self.ill.is_empty(), problems.is_empty()) {
            (true, false) => tracing::warn!(
                problems = problems.join("; "),
                "this machine is the problem: attempts are marked as degraded"
            ),
            (false, true) => tracing::info!("this machine is well again"),
            _ => {}
        }
        self.ill = problems;
    }
}

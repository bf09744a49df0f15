//! Asks the aggregator what to probe, and hears of every change.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_service::Backoff;
use vantage_wire::VantageId;
use vantage_wire::exchange::Assignment;

use crate::assignment;
use crate::clock::WallClock;
use crate::ship::{Aggregator, ExchangeError, LONGEST_WAIT, Transport};
use crate::spool::Folder;

/// Least time between two questions: an aggregator that does not wait for news must not be
/// besieged.
const LEAST: Duration = Duration::from_secs(5);

/// Asks until stopped. What is new is kept in the folder and published.
pub async fn run<T: Transport, C: WallClock>(
    aggregator: &Aggregator<T, C>,
    vantage: &VantageId,
    folder: Folder,
    publish: watch::Sender<Option<Arc<Assignment>>>,
    mut random: impl Rng,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    // What was kept may be of another aggregator's making: the first question names no version.
    let mut version: Option<String> = None;
    loop {
        let asked = Instant::now();
        let asking = aggregator.assignment(vantage, version.as_deref());
        let Some(answer) = stop.run_until_cancelled(asking).await else { return };
        let pause = match answer {
            Ok(news) => {
                backoff.reset();
                if let Some(assignment) = news {
                    version = Some(assignment.version.clone());
                    take(assignment, vantage, &folder, &publish).await;
                }
                LEAST.saturating_sub(asked.elapsed())
            }
            Err(error) => {
                let at_least = match &error {
                    ExchangeError::Busy { retry_after, .. } => *retry_after,
                    _ => None,
                };
                let first = !backoff.is_failing();
                let wait = backoff.next(at_least, &mut random);
                if first {
                    tracing::warn!(%error, ?wait, "no assignment was had; the last one stays");
                } else {
                    tracing::debug!(%error, ?wait, "no assignment was had");
                }
                wait
            }
        };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

async fn take(
    assignment: Assignment,
    vantage: &VantageId,
    folder: &Folder,
    publish: &watch::Sender<Option<Arc<Assignment>>>,
) {
    if assignment.vantage != *vantage {
        tracing::error!(other = %assignment.vantage, "an assignment for another agent is ignored");
        return;
    }
    let same = publish.borrow().as_deref() == Some(&assignment);
    if same {
        return;
    }
    tracing::info!(version = assignment.version, paused = assignment.paused, "a new assignment");
    let assignment = Arc::new(assignment);
    let (mut folder, kept) = (folder.clone(), Arc::clone(&assignment));
    let saved = tokio::task::spawn_blocking(move || assignment::save(&mut folder, &kept)).await;
    if let Ok(Err(error)) = saved {
        tracing::error!(%error, "the assignment cannot be kept for the next start");
    }
    publish.send_replace(Some(assignment));
}

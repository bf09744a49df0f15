//! Looks at agents, store and ranking from time to time, so that no scrape has to.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fleet::Fleet;
use super::{Metrics, lock};
use crate::agents;
use crate::answers::{AnswerError, Scope, rank};
use crate::catalogue::Catalogue;
use crate::clock::WallClock;
use crate::store::{Store, StoreError};

/// The first look: soon, so that a process that was started again is not blind for long.
const FIRST: Duration = Duration::from_secs(1);
/// What took so long is not done again before so many times as long: at most a twentieth of the time
/// goes into it, however large the fleet.
const REST: u32 = 19;

/// How long to wait between two looks.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// At agents and store.
    pub fleet: Duration,
    /// Between two rankings.
    pub ranking: Duration,
}

impl Default for Pauses {
    fn default() -> Self {
        Self { fleet: Duration::from_secs(10), ranking: Duration::from_mins(10) }
    }
}

/// Looks until draining.
///
/// # Errors
///
/// None: what cannot be found out now may be later.
pub async fn survey(
    metrics: Arc<Metrics>,
    store: Store,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    clock: Arc<dyn WallClock>,
    pauses: Pauses,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    let surveyor = Surveyor { metrics, store, catalogue, clock };
    let fleet = async {
        loop {
            let began = Instant::now();
            surveyor.look_at_fleet().await;
            rest(pauses.fleet, began).await;
        }
    };
    let ranking = async {
        loop {
            let began = Instant::now();
            surveyor.rank().await;
            rest(pauses.ranking, began).await;
        }
    };
    let looking = async {
        tokio::time::sleep(FIRST).await;
        tokio::join!(fleet, ranking)
    };
    draining.run_until_cancelled(looking).await;
    Ok(())
}

/// Waits for the next look after one that began then.
async fn rest(pause: Duration, began: Instant) {
    tokio::time::sleep(pause.max(began.elapsed() * REST)).await;
}

struct Surveyor {
    metrics: Arc<Metrics>,
    store: Store,
    catalogue: watch::Receiver<Arc<Catalogue>>,
    clock: Arc<dyn WallClock>,
}

impl Surveyor {
    async fn look_at_fleet(&self) {
        match self.fleet().await {
            Ok(fleet) => *lock(&self.metrics.fleet) = Some(fleet),
            Err(error) => {
                tracing::warn!(error = %crate::log::chain(&error), "metrics of the fleet have to wait");
            }
        }
    }

    async fn fleet(&self) -> Result<Fleet, StoreError> {
        let agents = agents::list(&self.store, self.clock.now()).await?;
        Ok(Fleet { agents, store: self.store.figures().await? })
    }

    async fn rank(&self) {
        let catalogue = Arc::clone(&self.catalogue.borrow());
        let (began, at) = (Instant::now(), self.clock.now());
        let now = Timestamp::from_second(at.unix_seconds_floor()).unwrap_or_default();
        match rank(&self.store, &catalogue, &Scope::default(), now).await {
            Ok(answer) => lock(&self.metrics.ranking).succeeded(answer, at, began.elapsed()),
            Err(AnswerError::NotEnoughData(_)) => lock(&self.metrics.ranking).found_nothing(),
            Err(error) => {
                tracing::warn!(error = %crate::log::chain(&error), "the sites cannot be ranked");
                lock(&self.metrics.ranking).failed();
            }
        }
    }
}

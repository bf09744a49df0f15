//! The agent at work: tasks that probe, keep, ship and ask what to do, and the order in which
//! they end.
//!
//! When told to stop, the agent first ends all probes, then closes all windows into the spool,
//! then delivers as much as it can in a bounded time. A task that ends by itself, by an error or a
//! panic, ends the agent in the same order, and not well.

mod enrol;
mod keep;
mod poll;
mod probing;
mod recording;
mod unready;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vantage_service::Supervisor;
use vantage_wire::exchange::Assignment;
use vantage_wire::report::Health;

use crate::clock::WallClock;
use crate::metrics::{self, Metrics};
use crate::ship::{Aggregator, Sealer, SharedSpool, Shipper, Transport};
use crate::spool::{Folder, Storage};

pub use enrol::{EnrolError, register};
pub use probing::{Network, Probing};
pub use recording::Recording;

/// All that an agent consists of.
#[derive(Debug)]
pub struct Agent<T, C, S> {
    /// Whom it reports to.
    pub aggregator: Arc<Aggregator<T, C>>,
    /// Where the assignment is kept.
    pub folder: Folder,
    /// The assignment that was kept.
    pub assignment: Option<Assignment>,
    /// What was measured and not yet delivered.
    pub spool: SharedSpool<S>,
    /// Makes its reports.
    pub sealer: Sealer,
    /// What attempts are recorded in.
    pub recording: Arc<Mutex<Recording<C>>>,
    /// What probes need of the machine.
    pub network: Network,
    /// Most time for delivering what is left.
    pub drain: Duration,
    /// Seed of all jitter.
    pub seed: u64,
    /// Whom to tell about its life.
    pub supervisor: Supervisor,
    /// Where scrapers may ask, if they may.
    pub metrics: Option<MetricsPage>,
}

/// Where scrapers ask, and what they are told.
#[derive(Debug)]
pub struct MetricsPage {
    /// Where.
    pub listener: TcpListener,
    /// What.
    pub metrics: Arc<Metrics>,
}

/// A task that ended before it was told to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("task {0:?} ended by itself")]
pub struct Crashed(pub &'static str);

/// A panic while it was held ends the agent.
fn lock<T>(guarded: &Mutex<T>) -> MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T, C, S> Agent<T, C, S>
where
    T: Transport,
    C: WallClock,
    S: Storage + Send + 'static,
{
    /// Works until `stop` is cancelled, and ends in order. May be given up in no other way: what
    /// was not yet spooled would be lost.
    ///
    /// # Errors
    /// [`Crashed`] where a task ended by itself.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Crashed> {
        let health: Arc<Mutex<Health>> = Arc::clone(&self.sealer.health);
        let (news, probed, kept) =
            (Arc::new(Notify::new()), CancellationToken::new(), CancellationToken::new());
        let vantage = self.sealer.vantage.clone();
        let (publish, assignments) = watch::channel(self.assignment.map(Arc::new));
        let mut tasks: JoinSet<&'static str> = JoinSet::new();
        let mut counting = None;

        if let Some(MetricsPage { listener, metrics }) = self.metrics {
            lock(&self.recording).count_into(Arc::clone(&metrics));
            counting = Some(Arc::clone(&metrics));
            let (recording, health) = (Arc::clone(&self.recording), Arc::clone(&health));
            let exposition = Arc::new(move || {
                let clock = lock(&recording).clock();
                let health = lock(&health).clone();
                metrics.exposition(&health, clock)
            });
            let stopping = stop.clone();
            tasks.spawn(async move {
                metrics::serve(listener, exposition, stopping).await;
                "metrics"
            });
        }

        let probing = Probing::new(self.network, Arc::clone(&self.recording));
        let (stopping, ended) = (stop.clone(), probed.clone());
        tasks.spawn(async move {
            let _ended = ended.drop_guard();
            probing.run(assignments, stopping).await;
            "probes"
        });

        let (spool, told, ended) = (self.spool.clone(), Arc::clone(&news), kept.clone());
        let recording = Arc::clone(&self.recording);
        tasks.spawn(async move {
            let _ended = ended.drop_guard();
            keep::run(recording, spool, health, told, probed).await;
            "spool"
        });

        let random = |stream| {
            let mut random = ChaCha8Rng::seed_from_u64(self.seed);
            random.set_stream(stream);
            random
        };
        let aggregator = Arc::clone(&self.aggregator);
        let mut shipper = Shipper::new(Arc::clone(&aggregator), self.spool, self.sealer, random(1));
        if let Some(metrics) = counting {
            shipper.count_into(metrics);
        }
        let (told, drain, kept_all) = (news, self.drain, kept);
        tasks.spawn(async move {
            shipper.run(&told, &kept_all).await;
            // Once more, now that all windows are there, and only for so long.
            let left = tokio::time::timeout(drain, shipper.ship()).await;
            if !matches!(left, Ok(None)) {
                tracing::info!("some windows stay in the spool until the next start");
            }
            "shipper"
        });

        let (stopping, random) = (stop.clone(), random(2));
        tasks.spawn(async move {
            poll::run(&aggregator, &vantage, self.folder, publish, random, stopping).await;
            "assignment"
        });
        let (supervisor, stopping) = (self.supervisor.clone(), stop.clone());
        tasks.spawn(async move {
            supervisor.keep_alive(&stopping).await;
            // Before what may take long: delivering what is left.
            supervisor.stopping();
            "watchdog"
        });

        self.supervisor.ready();
        let mut crashed = None;
        while let Some(ended) = tasks.join_next().await {
            let name = match ended {
                Ok(name) => name,
                Err(error) => {
                    // The panic itself is on stderr already.
                    tracing::error!(%error, "a task crashed");
                    crashed.get_or_insert("crashed task");
                    stop.cancel();
                    continue;
                }
            };
            if !stop.is_cancelled() {
                tracing::error!(task = name, "a task ended by itself");
                crashed.get_or_insert(name);
                stop.cancel();
            }
        }
        crashed.map_or(Ok(()), |name| Err(Crashed(name)))
    }
}

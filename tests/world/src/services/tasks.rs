//! What every service runs in: its stop, its tasks, its limit of connections and its counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections (for DNS over UDP: delayed answers) that one service serves at a time. Further TCP connections wait in
/// the kernel's backlog; further delayed DNS answers are not given.
pub const MAX_CONNECTIONS: usize = 4096;

/// The surroundings of one service.
pub struct Tasks {
    stop: CancellationToken,
    tracker: TaskTracker,
    permits: Arc<Semaphore>,
    connections: AtomicU64,
    requests: AtomicU64,
    failure: OnceLock<String>,
}

impl Tasks {
    /// Surroundings that end with `stop`.
    pub fn new(stop: CancellationToken) -> Arc<Self> {
        let tracker = TaskTracker::new();
        tracker.close();
        Arc::new(Self {
            stop,
            tracker,
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            connections: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failure: OnceLock::new(),
        })
    }

    /// Cancelled when the service is to end.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Runs `work` until it ends or the service does.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            stop.run_until_cancelled(work).await;
        });
    }

    /// Runs `work`, which must end by itself soon after the service's stop.
    pub fn spawn_to_the_end(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// A place among the connections; waits until there is one.
    pub async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// A place among the connections, if there is one now.
    pub fn try_permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// Counts a connection.
    pub fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request or a DNS query.
    pub fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Connections counted so far.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Requests counted so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Notes why the service stopped serving. The first reason stays.
    pub fn fail(&self, reason: String) {
        let _ = self.failure.set(reason);
    }

    /// Why the service stopped serving by itself, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Waits until every task has ended.
    pub async fn ended(&self) {
        self.tracker.wait().await;
    }
}

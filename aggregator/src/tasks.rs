//! The life of the process: every task is supervised, and one that dies takes the process along,
//! in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of the process and the two signals they obey.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Take on nothing more and finish what was accepted.
    draining: CancellationToken,
    /// Stop where you are.
    aborting: CancellationToken,
    tracker: TaskTracker,
    failed: Arc<AtomicBool>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when nothing more is to be taken on.
    pub const fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Starts a task that the process cannot do without: it ends only when draining, and any
    /// other end, by return, error or panic, drains the process and makes it fail.
    pub fn essential(
        &self,
        name: &'static str,
        work: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let mut end = End { tasks: self.clone(), name, in_order: false };
        self.tracker.spawn(async move {
            let aborting = end.tasks.aborting.clone();
            match aborting.run_until_cancelled(work).await {
                Some(Ok(())) if end.tasks.draining.is_cancelled() => end.in_order = true,
                Some(Err(error)) => tracing::error!(task = name, "{error:#}"),
                // Too early, or cut short with something undone that was accepted.
                Some(Ok(())) | None => {}
            }
            drop(end);
        });
    }

    /// Starts a task that serves one client; its failure harms nobody else. It is waited for when
    /// draining, and cut short when aborting.
    pub fn serving(&self, work: impl Future<Output = ()> + Send + 'static) {
        let aborting = self.aborting.clone();
        self.tracker.spawn(async move {
            aborting.run_until_cancelled(work).await;
        });
    }

    /// Waits until draining begins, then until every task has ended, at most for `grace`; what
    /// still runs then is cut short. Returns whether all ended in order.
    pub async fn finish(self, grace: Duration) -> bool {
        self.draining.cancelled().await;
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_err() {
            tracing::warn!(grace_s = grace.as_secs(), "not drained in time, stopping");
            self.failed.store(true, Ordering::Relaxed);
            self.aborting.cancel();
            self.tracker.wait().await;
        }
        !self.failed.load(Ordering::Relaxed)
    }
}

/// Says what the end of a task means, also when it panics.
struct End {
    tasks: Tasks,
    name: &'static str,
    in_order: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        if !self.in_order {
            tracing::error!(task = self.name, "ended out of order; stopping the process");
            self.tasks.failed.store(true, Ordering::Relaxed);
        }
        self.tasks.draining.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn a_task_that_panics_drains_the_process_and_makes_it_fail() {
        let tasks = Tasks::new();
        let drained = tasks.draining().clone();
        tasks.essential("waits", async move {
            drained.cancelled().await;
            Ok(())
        });
        tasks.essential("panics", async { panic!("on purpose") });
        assert!(!tasks.finish(GRACE).await);
    }

    #[tokio::test]
    async fn a_task_that_returns_too_early_makes_the_process_fail() {
        let tasks = Tasks::new();
        tasks.essential("returns", async { Ok(()) });
        assert!(!tasks.finish(GRACE).await);
    }

    #[tokio::test]
    async fn draining_in_order_is_no_failure() {
        let tasks = Tasks::new();
        let drained = tasks.draining().clone();
        tasks.essential("waits", async move {
            drained.cancelled().await;
            Ok(())
        });
        tasks.draining().cancel();
        assert!(tasks.finish(GRACE).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_drain_is_cut_short_and_makes_the_process_fail() {
        let tasks = Tasks::new();
        tasks.serving(std::future::pending());
        tasks.draining().cancel();
        assert!(!tasks.finish(GRACE).await);
    }
}

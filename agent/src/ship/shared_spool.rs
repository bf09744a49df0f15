//! The spool, shared by those who fill and those who empty it.

use std::sync::{Arc, Mutex, PoisonError};

use vantage_wire::Sequence;
use vantage_wire::report::{ReportError, WindowReport};

use crate::spool::{Holdings, Pending, Spool, SpoolError, Storage};

/// A spool whose disk work happens on another thread: a sync may take a second, and attempts must
/// begin on time. Clones share.
#[derive(Debug)]
pub struct SharedSpool<S>(Arc<Mutex<Spool<S>>>);

impl<S> Clone for SharedSpool<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Storage + Send + 'static> SharedSpool<S> {
    /// Shares a spool.
    pub fn new(spool: Spool<S>) -> Self {
        Self(Arc::new(Mutex::new(spool)))
    }

    /// As [`Spool::append`].
    ///
    /// # Errors
    /// As there.
    pub async fn append(&self, windows: Vec<WindowReport>) -> Result<(), SpoolError> {
        self.with(|spool| spool.append(windows)).await
    }

    /// As [`Spool::next_report`].
    ///
    /// # Errors
    /// As there.
    pub async fn next_report(
        &self,
        most_windows: usize,
        seal: impl FnMut(Sequence, Vec<WindowReport>) -> Result<Vec<u8>, ReportError> + Send + 'static,
    ) -> Result<Option<(Pending, Vec<u8>)>, SpoolError> {
        self.with(move |spool| spool.next_report(most_windows, seal)).await
    }

    /// As [`Spool::acknowledge`].
    ///
    /// # Errors
    /// As there.
    pub async fn acknowledge(&self, report: Pending) -> Result<(), SpoolError> {
        self.with(move |spool| spool.acknowledge(report)).await
    }

    /// As [`Spool::refuse`].
    ///
    /// # Errors
    /// As there.
    pub async fn refuse(&self, report: Pending) -> Result<(), SpoolError> {
        self.with(move |spool| spool.refuse(report)).await
    }

    /// As [`Spool::holdings`].
    pub async fn holdings(&self) -> Holdings {
        self.with(|spool| spool.holdings()).await
    }

    async fn with<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Spool<S>) -> R + Send + 'static,
    ) -> R {
        let shared = Arc::clone(&self.0);
        let work = tokio::task::spawn_blocking(move || {
            // A panic while it was held has ended the process.
            work(&mut shared.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match work.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only a run-time that ends cancels such work, and with it whoever waits for it.
            Err(_) => std::future::pending().await,
        }
    }
}

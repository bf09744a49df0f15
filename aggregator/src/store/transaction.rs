//! The one place where writing transactions begin and end.

use std::time::Duration;

use sqlx::AnyConnection;

use super::error::StoreError;
use super::open::Store;

/// How often a transaction is tried before the caller hears that the store is busy.
const TRIES: u32 = 6;
/// The pause after the first try; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

impl Store {
    /// Runs `work` in a transaction that is committed where `work` succeeds, and tries again where
    /// the store is [busy](StoreError::Busy): `work` may run several times, each time on a store
    /// in which the earlier tries left no trace.
    ///
    /// A connection may be lost between a commit and the news of it. Then `work` runs again on its
    /// own results, so it must be idempotent.
    pub(super) async fn write<T>(
        &self,
        mut work: impl AsyncFnMut(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.write_once(&mut work).await {
                Err(StoreError::Busy(source)) => {
                    tracing::debug!(%source, pause_ms = pause.as_millis(), "store is busy");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                ended => return ended,
            }
        }
        self.write_once(&mut work).await
    }

    async fn write_once<T>(
        &self,
        work: &mut impl AsyncFnMut(&mut AnyConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut transaction = self.writer.begin_with(self.dialect.begin_write()).await?;
        let result = work(&mut transaction).await?;
        transaction.commit().await?;
        Ok(result)
    }

    /// Begins a transaction that reads one state of the store, whatever is written meanwhile.
    pub(super) async fn snapshot(
        &self,
    ) -> Result<sqlx::Transaction<'static, sqlx::Any>, StoreError> {
        Ok(self.readers.begin_with(self.dialect.begin_read()).await?)
    }
}

//! The one place where writing transactions begin and end.

use std::time::Duration;

use sqlx::{AnyConnection, Connection as _};

use super::dialect::Dialect;
use super::error::StoreError;
use super::open::Store;

/// How often a transaction is tried before the caller hears that the store is busy.
const TRIES: u32 = 6;
/// The pause after the first try; each later one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(10);

/// Something to be written in one transaction.
///
/// It may be made several times, each time to a store in which the earlier tries left no trace. As
/// a connection may be lost between a commit and the news of it, a change must also bear to be made
/// a second time on top of its own results.
///
/// A trait rather than an asynchronous closure: the compiler cannot yet prove of such a closure that
/// its future may move between threads.
pub(super) trait Change: Sync {
    /// What the change has to tell.
    type Output: Send;

    /// Makes the change. An error undoes it.
    fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

impl Store {
    /// Makes a change in a transaction of its own, and tries again where the store is
    /// [busy](StoreError::Busy).
    pub(super) async fn write<C: Change>(&self, change: &C) -> Result<C::Output, StoreError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.write_once(change).await {
                Err(StoreError::Busy(source)) => {
                    tracing::debug!(%source, pause_ms = pause.as_millis(), "store is busy");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                ended => return ended,
            }
        }
        self.write_once(change).await
    }

    async fn write_once<C: Change>(&self, change: &C) -> Result<C::Output, StoreError> {
        let mut connection = self.writer.acquire().await?;
        match attempt(&mut connection, self.dialect, change).await {
            Ok(result) => result,
            Err(error) => {
                // Whether a transaction is still open is not known: on a full disk SQLite ends it
                // by itself, and sqlx would take the next one for a part of it. A new connection
                // knows. That this one does not close in order is no news.
                let _ = connection.close().await;
                Err(error)
            }
        }
    }

    /// Begins a transaction that reads one state of the store, whatever is written meanwhile.
    pub(super) async fn snapshot(
        &self,
    ) -> Result<sqlx::Transaction<'static, sqlx::Any>, StoreError> {
        Ok(self.readers.begin_with(self.dialect.begin_read()).await?)
    }
}

/// Makes the change in a transaction. The inner result leaves the connection as it was before; after
/// an outer error it must not be used again.
async fn attempt<C: Change>(
    connection: &mut AnyConnection,
    dialect: Dialect,
    change: &C,
) -> Result<Result<C::Output, StoreError>, StoreError> {
    let mut transaction = connection.begin_with(dialect.begin_write()).await?;
    match change.make(&mut transaction, dialect).await {
        Ok(output) => {
            transaction.commit().await?;
            Ok(Ok(output))
        }
        Err(error) => match transaction.rollback().await {
            Ok(()) => Ok(Err(error)),
            Err(_) => Err(error),
        },
    }
}

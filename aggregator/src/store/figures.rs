//! How large the store is, and how far behind with its roll-ups.

use super::dialect::Dialect;
use super::error::StoreError;
use super::level::Level;
use super::open::Store;
use super::read::Columns;

/// How the store is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreFigures {
    /// Hours of vantage points that wait to be rolled up.
    pub hours_waiting: u64,
    /// Days of vantage points that wait to be rolled up.
    pub days_waiting: u64,
    /// Size of the database, in bytes: of the file, without what is on its way into it; of PostgreSQL,
    /// of all that is in the database.
    pub bytes: u64,
}

impl Store {
    /// How the store is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where it cannot be read.
    pub async fn figures(&self) -> Result<StoreFigures, StoreError> {
        let size = match self.dialect {
            Dialect::Sqlite => {
                "SELECT p.page_count * s.page_size FROM pragma_page_count() p, pragma_page_size() s"
            }
            Dialect::Postgres => "SELECT pg_database_size(current_database())",
        };
        let size = sqlx::query(size).fetch_one(&self.readers).await?;
        Ok(StoreFigures {
            hours_waiting: self.waiting(Level::Hour).await?,
            days_waiting: self.waiting(Level::Day).await?,
            bytes: Columns { table: "the database", row: &size }.count(0, "size")?,
        })
    }

    async fn waiting(&self, level: Level) -> Result<u64, StoreError> {
        let row =
            sqlx::query("SELECT COUNT(*) FROM spans WHERE level = $1 AND rolled < generation")
                .bind(level.number())
                .fetch_one(&self.readers)
                .await?;
        Columns { table: "spans", row: &row }.count(0, "count")
    }
}

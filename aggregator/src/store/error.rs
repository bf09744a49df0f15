//! What can go wrong in a store, told apart by what a caller can do about it.

use std::io;

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use vantage_wire::VantageId;
use vantage_wire::report::ReportError;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not do what it was asked. Nothing has been changed then.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer is in the way, or the connection was lost: worth another try with the same
    /// arguments.
    #[error("store is busy")]
    Busy(#[source] BoxError),
    /// There is no space left on the disk. Works again once there is.
    #[error("disk of the store is full")]
    Full(#[source] BoxError),
    /// A value that our own code could not have written.
    #[error("bad value in {table}.{column}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A vantage point that was never enrolled. Its reports should not have been let in.
    #[error("vantage {0} is not enrolled")]
    UnknownVantage(VantageId),
    /// A window that does not add up. It should not have been let in.
    #[error("report of vantage {vantage} cannot be stored")]
    Unsound {
        /// Whose report it is.
        vantage: VantageId,
        /// What is wrong with it.
        #[source]
        source: ReportError,
    },
    /// The database cannot be reached, used or understood.
    #[error("store failed")]
    Backend(#[source] BoxError),
}

/// SQLite result codes (<https://www.sqlite.org/rescode.html>), the primary code in the low byte.
mod sqlite {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const FULL: i32 = 13;
    /// The shared memory of the write-ahead log cannot grow; the disk is full, as a rule.
    pub(super) const IOERR_SHMSIZE: i32 = 0x0a | (19 << 8);
}

impl StoreError {
    /// An error that no other kind describes.
    pub(crate) fn backend(error: impl Into<BoxError>) -> Self {
        Self::Backend(error.into())
    }

    fn of_sqlite(code: &str, error: sqlx::Error) -> Self {
        let extended: i32 = code.parse().unwrap_or_default();
        match (extended & 0xff, extended) {
            (sqlite::BUSY | sqlite::LOCKED, _) => Self::Busy(error.into()),
            (sqlite::FULL, _) | (_, sqlite::IOERR_SHMSIZE) => Self::Full(error.into()),
            _ => Self::Backend(error.into()),
        }
    }

    /// By SQLSTATE (PostgreSQL manual, appendix A).
    fn of_postgres(code: &str, error: sqlx::Error) -> Self {
        match code {
            "53100" => Self::Full(error.into()), // disk_full
            // Serialisation failure, deadlock, lock not available, too many connections, shutting
            // down, crashed, starting up.
            "40001" | "40P01" | "55P03" | "53300" | "57P01" | "57P02" | "57P03" => {
                Self::Busy(error.into())
            }
            _ if code.starts_with("08") => Self::Busy(error.into()), // connection exception
            _ => Self::Backend(error.into()),
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(source) if source.kind() == io::ErrorKind::StorageFull => {
                Self::Full(error.into())
            }
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => Self::Busy(error.into()),
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                if database.try_downcast_ref::<SqliteError>().is_some() {
                    Self::of_sqlite(&code, error)
                } else if database.try_downcast_ref::<PgDatabaseError>().is_some() {
                    Self::of_postgres(&code, error)
                } else {
                    Self::Backend(error.into())
                }
            }
            _ => Self::Backend(error.into()),
        }
    }
}

/// Whether an error says that a unique key was taken.
pub(super) fn is_unique_violation(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(database) if database.is_unique_violation())
}

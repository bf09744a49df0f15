//! Opening and closing.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AnyPool, ConnectOptions as _, Executor as _};

use super::dialect::Dialect;
use super::error::StoreError;
use super::location::Location;
use super::probes::ProbeCache;

static SQLITE_MIGRATIONS: Migrator = migrations(sqlx::migrate!("migrations/sqlite"));
static POSTGRES_MIGRATIONS: Migrator = migrations(sqlx::migrate!("migrations/postgres"));

/// Software that is older than the schema goes on working with it: migrations only add.
const fn migrations(mut migrator: Migrator) -> Migrator {
    migrator.ignore_missing = true;
    migrator
}

/// How long to wait for a connection, and for another process to finish writing to the file.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections that read an embedded store at the same time; the writer has one of its own.
const READERS: u32 = 4;
/// Connections to PostgreSQL, all purposes together.
const POSTGRES_CONNECTIONS: u32 = 8;

/// A connection is ready to write durably: committed means on the disk.
const SQLITE_WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536";
const SQLITE_READER: &str =
    "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384";
/// An acknowledged report must survive a crash of the server, whatever its default; a setting that
/// is stricter than `on` stays.
const POSTGRES_SESSION: &str = "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// The store. A handle: clones share connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) dialect: Dialect,
    pub(super) writer: AnyPool,
    pub(super) readers: AnyPool,
    pub(super) probes: ProbeCache,
}

impl Store {
    /// Opens the store at `location`, makes it where there is none, and brings its schema up to
    /// date.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the folder or the database cannot be used.
    pub async fn open(location: &Location) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match location {
            Location::Embedded(folder) => Self::open_embedded(folder).await,
            Location::Postgres(url) => {
                let pool = AnyPoolOptions::new()
                    .max_connections(POSTGRES_CONNECTIONS)
                    .acquire_timeout(PATIENCE)
                    .after_connect(|connection, _| {
                        Box::pin(
                            async move { connection.execute(POSTGRES_SESSION).await.map(|_| ()) },
                        )
                    })
                    .connect_with(options(url.as_str())?)
                    .await?;
                migrate(&POSTGRES_MIGRATIONS, &pool).await?;
                Ok(Self {
                    dialect: Dialect::Postgres,
                    writer: pool.clone(),
                    readers: pool,
                    probes: ProbeCache::default(),
                })
            }
        }
    }

    async fn open_embedded(folder: &Path) -> Result<Self, StoreError> {
        // SQLite's migrations do not lock out those of another process. The lock ends with the file.
        let lock_path = folder.join("vantage.lock");
        let directory = folder.to_owned();
        let locked = tokio::task::spawn_blocking(move || {
            fs::create_dir_all(directory)?;
            let file = File::create(lock_path)?;
            file.lock()?;
            Ok::<_, std::io::Error>(file)
        });
        let lock = locked.await.map_err(StoreError::backend)?;
        let lock = lock.map_err(|error| match error.kind() {
            ErrorKind::StorageFull => StoreError::Full(error.into()),
            _ => StoreError::backend(error),
        })?;

        let url = sqlite_url(&folder.join("vantage.db"))?;
        let writer = AnyPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SQLITE_WRITER).await.map(|_| ()) })
            })
            .connect_with(options(&format!("{url}?mode=rwc"))?)
            .await?;
        migrate(&SQLITE_MIGRATIONS, &writer).await?;
        drop(lock);
        let readers = AnyPoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SQLITE_READER).await.map(|_| ()) })
            })
            .connect_with(options(&url)?)
            .await?;
        Ok(Self { dialect: Dialect::Sqlite, writer, readers, probes: ProbeCache::default() })
    }

    /// Waits for what is under way and closes all connections, also those of clones of this handle.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

async fn migrate(migrations: &Migrator, pool: &AnyPool) -> Result<(), StoreError> {
    migrations.run(pool).await.map_err(|error| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error.into(),
        other => StoreError::backend(other),
    })
}

fn options(url: &str) -> Result<AnyConnectOptions, StoreError> {
    // sqlx would log every slow statement with its text, thousands of placeholders long.
    Ok(AnyConnectOptions::from_str(url)?.disable_statement_logging())
}

/// The URL of a file, every byte escaped that means something in a URL.
fn sqlite_url(file: &Path) -> Result<String, StoreError> {
    let path = std::path::absolute(file).map_err(StoreError::backend)?;
    let path = path.to_str().ok_or_else(|| StoreError::backend("the path is not UTF-8"))?;
    let mut url = String::from("sqlite://");
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                url.push(char::from(byte));
            }
            // Writing into a string does not fail.
            _ => {
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    Ok(url)
}

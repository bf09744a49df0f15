//! Which store a command works on.

use std::path::PathBuf;

use anyhow::Context as _;

use super::CommandError;
use crate::store::{Location, PostgresUrl, Store};

/// Arguments of every command that works on a store.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArguments {
    /// Folder of the embedded store.
    #[arg(long, value_name = "FOLDER", default_value = "./vantage-data", env = "VANTAGE_DATA")]
    data: PathBuf,
    /// A PostgreSQL database instead of the embedded store: `postgres://user:password@host/name`.
    #[arg(long, value_name = "URL", env = "VANTAGE_STORE", hide_env_values = true)]
    store: Option<String>,
}

impl StoreArguments {
    /// Where the store is.
    pub(super) fn location(&self) -> Result<Location, CommandError> {
        match &self.store {
            None => Ok(Location::Embedded(self.data.clone())),
            Some(url)
                if ["postgres://", "postgresql://"]
                    .iter()
                    .any(|scheme| url.starts_with(scheme)) =>
            {
                Ok(Location::Postgres(PostgresUrl::new(url)))
            }
            // Not quoted: it may hold a password.
            Some(_) => Err(CommandError::Usage(anyhow::anyhow!(
                "--store wants postgres://user:password@host/name; --data names a folder"
            ))),
        }
    }

    /// Opens the store; one that is not there is an error, not made.
    pub(super) async fn open_existing(&self) -> Result<Store, CommandError> {
        let location = self.location()?;
        if !location.exists() {
            let hint = "no store there; `vantage serve` makes one, --data names its folder";
            return Err(CommandError::Unreachable(anyhow::anyhow!("{location}: {hint}")));
        }
        open(&location).await
    }

    /// Opens the store, which is made where it is not there.
    pub(super) async fn open(&self) -> Result<Store, CommandError> {
        open(&self.location()?).await
    }
}

async fn open(location: &Location) -> Result<Store, CommandError> {
    let opened = Store::open(location).await;
    opened
        .with_context(|| format!("failed to open the store {location}"))
        .map_err(CommandError::Unreachable)
}

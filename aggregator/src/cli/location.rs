//! Which store a command works on.

use std::path::PathBuf;

use anyhow::Context as _;

use super::CommandError;
use crate::store::{Location, PostgresUrl, Store};

/// Where the embedded store is when nothing is said.
const USUAL_DATA: &str = "./vantage-data";

/// Arguments of every command that works on a store.
#[derive(Debug, clap::Args)]
pub(super) struct StoreArguments {
    /// Folder of the embedded store. [default: ./vantage-data]
    #[arg(long, value_name = "FOLDER", env = "VANTAGE_DATA")]
    data: Option<PathBuf>,
    /// A PostgreSQL database instead of the embedded store: `postgres://user:password@host/name`.
    #[arg(long, value_name = "URL", env = "VANTAGE_STORE", hide_env_values = true)]
    store: Option<String>,
}

impl StoreArguments {
    /// Where the store is.
    pub(super) fn location(&self) -> Result<Location, CommandError> {
        self.location_or(Location::Embedded(PathBuf::from(USUAL_DATA)))
    }

    /// Where the store is: `otherwise`, where nothing is said.
    pub(super) fn location_or(&self, otherwise: Location) -> Result<Location, CommandError> {
        match (&self.store, &self.data) {
            (Some(url), _) => PostgresUrl::parse(url).map(Location::Postgres).map_err(|error| {
                let message = format!("--store: {error}; --data names a folder");
                CommandError::Usage(anyhow::anyhow!(message))
            }),
            (None, Some(folder)) => Ok(Location::Embedded(folder.clone())),
            (None, None) => Ok(otherwise),
        }
    }

    /// Opens the store; one that is not there is an error, not made.
    pub(super) async fn open_existing(&self) -> Result<Store, CommandError> {
        Self::open_existing_at(&self.location()?).await
    }

    /// Opens the store at a location; one that is not there is an error, not made.
    pub(super) async fn open_existing_at(location: &Location) -> Result<Store, CommandError> {
        if !location.exists() {
            let hint = "no store there; `vantage serve` makes one, --data names its folder";
            return Err(CommandError::Unreachable(anyhow::anyhow!("{location}: {hint}")));
        }
        open(location).await
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

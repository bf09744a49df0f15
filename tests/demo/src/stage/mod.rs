//! What runs: the aggregator at its host, agents at theirs, and a way in from this machine.

mod agent;
mod aggregator;
mod crew;
mod door;
mod watched;

use std::path::{Path, PathBuf};

pub use agent::Identity;
pub use aggregator::{Aggregator, PORT};
pub use crew::Crew;
pub use door::{Door, open_door, taken_door};
pub use watched::Seen;

/// Where everything is kept while the demo runs.
#[derive(Debug, Clone)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Within a folder that is there.
    pub fn within(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The catalogue, which the aggregator follows.
    pub fn catalogue(&self) -> PathBuf {
        self.root.join("catalogue.toml")
    }

    /// A file beside the catalogue.
    pub fn beside_catalogue(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The aggregator's store.
    pub fn store(&self) -> PathBuf {
        self.root.join("vantage-data")
    }

    /// What an agent keeps.
    pub fn agent(&self, vantage: &str) -> PathBuf {
        self.root.join("agents").join(vantage)
    }

    /// What everything logs.
    pub fn log(&self) -> PathBuf {
        self.root.join("demo.log")
    }
}

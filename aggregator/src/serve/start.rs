//! Why `vantage serve` cannot begin, told apart by what has to change.

use std::io;

use super::listen::CertificateError;
use crate::api::ReadTokenError;
use crate::catalogue::Problems;
use crate::config::ConfigError;
use crate::export::influx::server::ServerProblem;
use crate::store::{Location, StoreError};

/// Why it cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The catalogue is not sound.
    #[error(transparent)]
    Catalogue(#[from] Problems),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The file of read tokens cannot be used.
    #[error(transparent)]
    ReadTokens(#[from] ReadTokenError),
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// InfluxDB cannot be written to as it is set.
    #[error("[influx]")]
    Influx(#[from] ServerProblem),
    /// The address is none of this machine's, or taken.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The store cannot be reached, written or understood.
    #[error("failed to open the store {location}")]
    Store {
        /// Where it should be.
        location: Location,
        /// What is wrong.
        #[source]
        source: StoreError,
    },
    /// The system refuses what every process needs.
    #[error("failed to prepare")]
    System(#[from] io::Error),
}

//! The export to InfluxDB, as a task of the process.

use std::io;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

use super::StartError;
use crate::catalogue::Catalogue;
use crate::clock::WallClock;
use crate::config::InfluxConfig;
use crate::export::influx::exporter::Exporter;
use crate::export::influx::scores::ScoreSettings;
use crate::export::influx::server::Server;
use crate::export::influx::status::Status;
use crate::export::influx::writing::{Pace, Writing};
use crate::random;
use crate::store::{InfluxWriter, Location, Store, StoreError};
use crate::tasks::Tasks;

/// An export of which everything that can be wrong with the settings was found right.
pub(super) struct Prepared {
    server: Server,
    pace: Pace,
    scores: ScoreSettings,
    writer: InfluxWriter,
    random: ChaCha8Rng,
}

impl Prepared {
    pub(super) fn new(config: &InfluxConfig, store: &Location) -> Result<Self, StartError> {
        // An embedded store has one aggregator: what is left of the turn of one that was killed
        // must not hold its successor up. Several that share a database are told apart.
        let writer = match store {
            Location::Embedded(_) => InfluxWriter::default(),
            Location::Postgres(_) => random::bytes().map_err(io::Error::other)?,
        };
        Ok(Self {
            server: Server::new(&config.server()?)?,
            pace: config.pace(),
            scores: config.scores(),
            writer,
            random: random::generator().map_err(io::Error::other)?,
        })
    }
}

/// Starts the export where it is set. Where it is not, but switched on in the store, says so: what
/// is added is noted there for nobody, unless another aggregator exports it.
pub(super) async fn start(
    prepared: Option<Prepared>,
    store: &Store,
    catalogue: &watch::Receiver<Arc<Catalogue>>,
    clock: &Arc<dyn WallClock>,
    tasks: &Tasks,
) -> Result<Option<watch::Receiver<Status>>, StoreError> {
    let Some(Prepared { server, pace, scores, writer, random }) = prepared else {
        if let Some(backlog) = store.influx_backlog().await? {
            tracing::warn!(
                notes = backlog.notes,
                "the export to InfluxDB is switched on in the store, but not set here; where no other \
                 aggregator exports, `vantage export influx --off` ends it"
            );
        }
        return Ok(None);
    };
    let (clock, stop) = (Arc::clone(clock), tasks.draining().clone());
    let writing = Writing::new(store.clone(), server, writer, pace, clock, stop);
    let (exporter, status) = Exporter::new(writing, catalogue.clone(), scores, random);
    tasks.essential("influx", exporter.run(tasks.draining().clone()));
    Ok(Some(status))
}

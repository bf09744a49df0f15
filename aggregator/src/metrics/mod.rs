//! What the aggregator says of itself, and of the sites, to Prometheus.
//!
//! ```text
//! requests, commits, reports ──count──▶ Metrics ◀──from time to time── survey: fleet, store, ranking
//!                                          │
//!                                  GET /metrics: Exposition
//! ```
//!
//! A scrape reads counters and what the [`survey`] found last: it never asks the store, however often
//! and by how many scrapers it comes. [`names`] has every metric, and `METRICS.md` says what they are
//! for.

mod attempts;
mod commits;
mod fleet;
mod influx;
pub mod names;
mod ranking;
mod requests;
mod survey;

use std::sync::{Arc, Mutex, PoisonError};

use vantage_service::metrics::{Exposition, ProcessFacts, Sample, Value};
use vantage_wire::exchange::Stored;
use vantage_wire::{MarketId, UtcMicros};

use crate::catalogue::Catalogue;
use crate::export::influx::status::Status;
use crate::ingest::CommitQueue;

pub use attempts::Counted;
pub use commits::{CommitOutcome, Commits};
pub use requests::Requests;
pub use survey::{Pauses, survey};

use attempts::Attempts;
use fleet::Fleet;
use ranking::Ranked;

/// All that is counted and found.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Requests by page.
    pub requests: Requests,
    attempts: Mutex<Attempts>,
    fleet: Mutex<Option<Fleet>>,
    ranking: Mutex<Ranked>,
}

impl Metrics {
    /// Nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A report from a market was stored, or had been before.
    pub fn report(
        &self,
        stored: Stored,
        counted: Counted,
        market: &MarketId,
        catalogue: &Catalogue,
    ) {
        match stored {
            Stored::Stored => lock(&self.attempts).add(counted, market, catalogue),
            Stored::Duplicate => lock(&self.attempts).add_duplicate(),
        }
    }

    /// Everything, now; of the export to InfluxDB where there is one.
    pub fn exposition(
        &self,
        queue: &CommitQueue,
        exporting: Option<&Status>,
        now: UtcMicros,
    ) -> Exposition {
        let mut exposition = Exposition::new();
        let version = Sample::new([env!("CARGO_PKG_VERSION")], Value::Count(1));
        exposition.put(names::BUILD, [version]);
        lock(&self.attempts).put(&mut exposition);
        queue.put(&mut exposition);
        self.requests.put(&mut exposition);
        if let Some(fleet) = &*lock(&self.fleet) {
            fleet.put(now, &mut exposition);
        }
        lock(&self.ranking).put(&mut exposition);
        if let Some(status) = exporting {
            influx::put(status, now, &mut exposition);
        }
        ProcessFacts::read().put(&mut exposition);
        exposition
    }
}

/// What is guarded here is only ever added to: a panic elsewhere leaves it as good as it was.
fn lock<T>(guarded: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    guarded.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Microseconds as Prometheus wants them.
fn seconds(us: f64) -> f64 {
    us / 1e6
}

//! The HTTP interface. `aggregator/API.md` has the conventions.

mod agent;
mod agents;
mod assignment;
mod enrolments;
mod health;
mod metrics;
mod openapi;
mod problem;
mod questions;
mod readers;
mod reports;
mod rows;
mod times;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::routing::{get, post};
use axum::{Router, middleware};
use http_body_util::LengthLimitError;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use vantage_wire::Micros;
use vantage_wire::exchange::{ASSIGNMENT, ENROLMENTS, REPORTS};

use crate::catalogue::Catalogue;
use crate::clock::WallClock;
use crate::export::influx::status as influx;
use crate::ingest::{CommitQueue, Registrations};
use crate::metrics::Metrics;
use crate::store::Store;

pub use openapi::document as openapi_document;
pub use problem::{ApiError, Problem};
pub use readers::{ReadAccess, ReadTokenError};

/// Where the list of agents is.
pub const AGENTS: &str = "/api/v1/agents";
/// Where the catalogue's markets are.
pub const MARKETS: &str = "/api/v1/markets";
/// Where the catalogue's sites are.
pub const SITES: &str = "/api/v1/sites";
/// Where the catalogue's migrations are.
pub const MIGRATIONS: &str = "/api/v1/migrations";
/// Where sites are ranked.
pub const RANKINGS: &str = "/api/v1/rankings";
/// Where migrations are compared, before and after.
pub const COMPARISONS: &str = "/api/v1/comparisons";
/// Where sites are chosen.
pub const PLANS: &str = "/api/v1/plans";
/// Where changes of level are.
pub const CHANGES: &str = "/api/v1/changes";
/// Where latencies and failures over time are.
pub const SERIES: &str = "/api/v1/series";
/// Where latencies and failures of a range are.
pub const HISTOGRAMS: &str = "/api/v1/histograms";
/// Where what was measured is, row by row.
pub const ROWS: &str = "/api/v1/rows";
/// Where all of this is described.
pub const OPENAPI: &str = "/api/v1/openapi.json";
/// Where Prometheus looks.
pub const METRICS: &str = "/metrics";
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_mins(1);
/// When to come again with what cannot be taken on now.
const PAUSE: Duration = Duration::from_secs(5);
/// Most reports that are on their way in at once, each at most [`MAX_ENVELOPE_BYTES`].
const MOST_ARRIVING: usize = 256;

/// What answers need.
#[derive(Clone)]
pub struct App {
    /// Where everything is kept.
    pub store: Store,
    /// The way of reports into the store.
    pub queue: CommitQueue,
    /// What is probed, from where: the latest that was sound.
    pub catalogue: watch::Receiver<Arc<Catalogue>>,
    /// Stamps what comes in.
    pub clock: Arc<dyn WallClock>,
    /// Who may read.
    pub readers: Arc<ReadAccess>,
    /// How long windows are kept.
    pub keep_windows: Micros,
    /// Cancelled when nothing more is taken on.
    pub draining: CancellationToken,
    /// How the export to InfluxDB fares; `None` where there is none.
    pub exporting: Option<watch::Receiver<influx::Status>>,
    /// What is told to Prometheus.
    pub metrics: Arc<Metrics>,
    registrations: Arc<Registrations>,
    /// Reports on their way in.
    arriving: Arc<Semaphore>,
    /// Readers who take rows.
    taking_rows: Arc<Semaphore>,
    /// Signature checks and decoding under way: work for the processor, not for the event loop.
    decoding: Arc<Semaphore>,
}

impl App {
    /// With nothing under way.
    pub fn new(
        store: Store,
        queue: CommitQueue,
        catalogue: watch::Receiver<Arc<Catalogue>>,
        clock: Arc<dyn WallClock>,
        readers: ReadAccess,
        keep_windows: Micros,
        draining: CancellationToken,
    ) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            queue,
            catalogue,
            clock,
            readers: Arc::new(readers),
            keep_windows,
            draining,
            exporting: None,
            metrics: Metrics::new(),
            registrations: Arc::default(),
            arriving: Arc::new(Semaphore::new(MOST_ARRIVING)),
            taking_rows: Arc::new(Semaphore::new(rows::MOST_READERS)),
            decoding: Arc::new(Semaphore::new(cores)),
        }
    }

    /// With an export.
    #[must_use]
    pub fn exporting(self, exporting: Option<watch::Receiver<influx::Status>>) -> Self {
        Self { exporting, ..self }
    }
}

/// Every page.
pub fn router(app: App) -> Router {
    let (clock, counted) = (Arc::clone(&app.clock), Arc::clone(&app.metrics));
    let pages = openapi::PAGES.iter();
    let questions =
        pages.fold(Router::new(), |router, page| router.route(page.path, (page.handler)()));
    questions
        .route(ENROLMENTS, post(enrolments::create))
        .route(REPORTS, post(reports::append))
        .route(ASSIGNMENT, get(assignment::get))
        .route(OPENAPI, get(openapi::describe))
        .route(METRICS, get(metrics::get))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback(async || Problem::NotFound.because(""))
        .method_not_allowed_fallback(async || Problem::MethodNotAllowed.because(""))
        .layer(middleware::from_fn_with_state(counted, metrics::count))
        .layer(middleware::from_fn_with_state(clock, times::stamp))
        .with_state(app)
}

/// The body of a request, of at most so many bytes.
async fn read(body: Body, most_bytes: usize) -> Result<Bytes, ApiError> {
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, most_bytes)).await;
    let read = read.map_err(|_| Problem::RequestTimeout.because(""))?;
    read.map_err(|error| {
        let cause = std::error::Error::source(&error);
        if cause.is_some_and(<dyn std::error::Error>::is::<LengthLimitError>) {
            return Problem::TooLarge.because(format!("at most {most_bytes} bytes are taken"));
        }
        Problem::BadRequest.because("the body did not arrive")
    })
}

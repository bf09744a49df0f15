//! `POST /api/v1/reports`: an agent hands over what it measured, and may forget it once answered.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use vantage_wire::exchange::{Acknowledgement, Stored};
use vantage_wire::report::bounds::MAX_ENVELOPE_BYTES;
use vantage_wire::report::{Envelope, Omitted, Report, ReportError};

use super::times::Received;
use super::{ApiError, App, Problem};
use crate::ingest::{Admission, CommitError, Refusal};
use crate::metrics::Counted;
use crate::store::IncomingReport;

pub(super) async fn append(State(app): State<App>, body: Body) -> Response {
    let Ok(_place) = app.arriving.try_acquire() else {
        return Problem::Overloaded.because("").retry_after(super::PAUSE).into_response();
    };
    let body = super::read(body, MAX_ENVELOPE_BYTES).await;
    let received = Received(app.clock.now());
    let answer = match body {
        Ok(body) => take(&app, body).await,
        Err(error) => Err(error),
    };
    let answer = answer.map(|outcome| Json(Acknowledgement { outcome }));
    (Extension(received), answer).into_response()
}

async fn take(app: &App, body: Bytes) -> Result<Stored, ApiError> {
    let bytes = body.len();
    let catalogue = Arc::clone(&app.catalogue.borrow());
    let envelope = Envelope::decode(&body).map_err(Refusal::from)?;
    let registration = app.registration(envelope.vantage()).await?;
    let admission = Admission { now: app.clock.now(), keep_windows: app.keep_windows };
    let key = registration.public_key;
    let admit = move || {
        let (report, omitted) = admission.admit(envelope, &key)?;
        let counted = Counted::of(&report, bytes);
        Ok::<_, Refusal>((report, omitted, counted))
    };
    let (report, omitted, counted) = app.decode(admit).await??;
    tell_of(&report, omitted);
    let report = IncomingReport { report, received: admission.now };
    let stored = app.queue.store(report, bytes).await?;
    app.metrics.report(stored, counted, &registration.market, &catalogue);
    Ok(stored)
}

impl App {
    /// Does work for the processor beside the event loop, as much at once as there are cores.
    async fn decode<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let internal = || Problem::Internal.because("");
        let _turn = self.decoding.acquire().await.map_err(|_| internal())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| internal())
    }
}

/// A newer agent measures what this version has no name for.
fn tell_of(report: &Report, omitted: Omitted) {
    if omitted != Omitted::default() {
        tracing::warn!(
            vantage = %report.vantage, software = %report.software,
            probes = omitted.probes, attempts = omitted.attempts, histograms = omitted.histograms,
            "part of a report is unknown to this version and left out: update the aggregator"
        );
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let problem = match &refusal {
            Refusal::Signature(_) => Problem::BadSignature,
            Refusal::Future(_) => Problem::FutureWindow,
            Refusal::Ancient(_) => Problem::AncientWindow,
            Refusal::Format(ReportError::Version { .. }) => Problem::UnsupportedVersion,
            Refusal::Format(ReportError::VantageMismatch { .. }) => Problem::AnotherVantage,
            Refusal::Format(ReportError::EnvelopeTooLarge { .. } | ReportError::ReportTooLarge) => {
                Problem::TooLarge
            }
            Refusal::Format(_) => Problem::MalformedReport,
        };
        problem.because(crate::log::chain(&refusal))
    }
}

impl From<CommitError> for ApiError {
    fn from(error: CommitError) -> Self {
        let problem = match error {
            CommitError::Overloaded => Problem::Overloaded,
            CommitError::Full => Problem::StoreFull,
            CommitError::Busy => Problem::StoreBusy,
            CommitError::Failed => return Problem::Internal.because(""),
        };
        problem.because("").retry_after(super::PAUSE)
    }
}

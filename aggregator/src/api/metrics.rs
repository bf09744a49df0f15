//! `GET /metrics`, and the counting of requests.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use vantage_service::metrics::Format;

use super::readers::Reader;
use super::{ApiError, App, Problem};
use crate::metrics::Metrics;

pub(super) async fn get(
    _: Reader,
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::negotiate(accept);
    let exporting = app.exporting.as_ref().map(|status| status.borrow().clone());
    let exposition = app.metrics.exposition(&app.queue, exporting.as_ref(), app.clock.now());
    let written = format.write(exposition).map_err(|_| {
        tracing::error!("metrics cannot be written");
        Problem::Internal.because("")
    })?;
    Ok(([(CONTENT_TYPE, format.content_type())], written).into_response())
}

/// Counts a request once it is answered.
pub(super) async fn count(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response {
    let page = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let problem = response.extensions().get::<Problem>().map(|problem| problem.name());
    metrics.requests.count(page.as_ref().map(MatchedPath::as_str), response.status(), problem);
    response
}

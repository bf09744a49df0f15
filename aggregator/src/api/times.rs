//! When a request had arrived and when it was answered, on every answer: agents estimate their
//! clocks from it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use vantage_wire::UtcMicros;
use vantage_wire::exchange::{ANSWERED_HEADER, RECEIVED_HEADER};

use crate::clock::WallClock;

/// Set by whoever reads a request's body once it has all of it; without it the arrival of the
/// headers counts, which for a request without a body is the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received(pub(super) UtcMicros);

pub(super) async fn stamp(
    State(clock): State<Arc<dyn WallClock>>,
    request: Request,
    next: Next,
) -> Response {
    let arrived = clock.now();
    let mut response = next.run(request).await;
    let received = response.extensions().get::<Received>().map_or(arrived, |received| received.0);
    let answered = clock.now();
    let headers = response.headers_mut();
    headers.insert(RECEIVED_HEADER, HeaderValue::from(received.get()));
    headers.insert(ANSWERED_HEADER, HeaderValue::from(answered.get()));
    response
}

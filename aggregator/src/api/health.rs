//! `/healthz` and `/readyz`: whether the process lives, and whether it can take on work.

use axum::extract::State;
use http::StatusCode;

use super::App;
use crate::ingest::StoreState;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

pub(super) async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    let not_ready = |reason| (StatusCode::SERVICE_UNAVAILABLE, reason);
    if app.draining.is_cancelled() {
        return not_ready("draining\n");
    }
    match app.queue.state() {
        StoreState::Ready => (StatusCode::OK, "ready\n"),
        StoreState::Full => not_ready("the disk is full\n"),
        StoreState::Failing => not_ready("the store cannot be written\n"),
    }
}

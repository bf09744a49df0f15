//! `GET /api/v1/assignment?version=…`: what an agent is to probe. A long poll: while the agent has
//! the latest version, the answer waits for a newer one.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde::Deserialize;

use super::{ApiError, App, Problem};

/// Below the minute after which many proxies cut idle connections.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The query.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The version the agent has; absent: none.
    #[serde(default)]
    version: String,
}

pub(super) async fn get(
    State(app): State<App>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    query: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let agent = app.signer(&method, &uri, &headers).await?;
    let Query(Parameters { version }) =
        query.map_err(|error| Problem::BadRequest.because(error.body_text()))?;
    let mut catalogue = app.catalogue.clone();
    let newer = async {
        loop {
            let assignment =
                catalogue.borrow_and_update().assignment(&agent.vantage, &agent.market);
            if assignment.version != version {
                return Some(assignment);
            }
            // The sender lives as long as the process serves.
            catalogue.changed().await.ok()?;
        }
    };
    let newer = app.draining.run_until_cancelled(tokio::time::timeout(LONGEST_WAIT, newer)).await;
    Ok(match newer {
        Some(Ok(Some(assignment))) => Json(assignment).into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    })
}

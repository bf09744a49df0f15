//! `GET /api/v1/agents`: how the agents fare.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::readers::Reader;
use super::{ApiError, App};
use crate::agents::{self, Agent};

/// The answer. Agents are few: there are no pages.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Agents {
    agents: Vec<Agent>,
}

pub(super) async fn list(_: Reader, State(app): State<App>) -> Result<Json<Agents>, ApiError> {
    let agents = agents::list(&app.store, app.clock.now()).await?;
    Ok(Json(Agents { agents }))
}

//! The pages that answer questions. Each takes its parameters from the query, and refuses those
//! that it does not know.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::readers::Reader;
use super::{ApiError, App, Problem};
use crate::answers::{
    AnswerError, ChangesAnswer, ChangesQuery, ComparisonAnswer, ComparisonQuery, HistogramsAnswer,
    MarketDocument, MigrationDocument, Parameters, PlanAnswer, PlanQuery, RankingsAnswer, Scope,
    SeriesAnswer, SeriesQuery, SiteDocument, changes, compare, histograms, markets, migrations,
    plan, rank, series, sites,
};
use crate::catalogue::Catalogue;

/// Pairs of the query, as they came.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;

impl From<AnswerError> for ApiError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Unknown { .. } | AnswerError::Senseless(_) => {
                Problem::BadRequest.because(error)
            }
            AnswerError::NotEnoughData(reason) => Problem::NotEnoughData.because(reason),
            AnswerError::Overflow(_) => {
                tracing::error!(%error, "a question has no answer");
                Problem::Internal.because("")
            }
            AnswerError::Store(error) => error.into(),
        }
    }
}

pub(super) fn parameters(pairs: Pairs) -> Result<Parameters, ApiError> {
    let Query(pairs) = pairs.map_err(|error| Problem::BadRequest.because(error))?;
    Ok(Parameters::new(pairs)?)
}

/// The catalogue of this moment: one answer is about one catalogue.
pub(super) fn catalogue(app: &App) -> Arc<Catalogue> {
    Arc::clone(&app.catalogue.borrow())
}

pub(super) fn now(app: &App) -> Timestamp {
    Timestamp::from_second(app.clock.now().unix_seconds_floor()).unwrap_or_default()
}

/// Lists of what the catalogue has.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Markets {
    markets: Vec<MarketDocument>,
}

pub(super) async fn list_markets(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<Markets>, ApiError> {
    parameters(pairs)?.finish()?;
    Ok(Json(Markets { markets: markets(&catalogue(&app)) }))
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sites {
    sites: Vec<SiteDocument>,
}

pub(super) async fn list_sites(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<Sites>, ApiError> {
    parameters(pairs)?.finish()?;
    Ok(Json(Sites { sites: sites(&catalogue(&app)) }))
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Migrations {
    migrations: Vec<MigrationDocument>,
}

pub(super) async fn list_migrations(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<Migrations>, ApiError> {
    parameters(pairs)?.finish()?;
    Ok(Json(Migrations { migrations: migrations(&catalogue(&app)) }))
}

fn series_query(pairs: Pairs) -> Result<SeriesQuery, ApiError> {
    let mut parameters = parameters(pairs)?;
    let query = SeriesQuery {
        scope: Scope::take_from(&mut parameters)?,
        service: parameters.take("service")?,
        blocks: parameters.take("blocks")?,
        cursor: parameters.take("cursor")?,
    };
    parameters.finish()?;
    Ok(query)
}

pub(super) async fn list_series(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<SeriesAnswer>, ApiError> {
    let query = series_query(pairs)?;
    Ok(Json(series(&app.store, &catalogue(&app), &query, now(&app)).await?))
}

pub(super) async fn list_histograms(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<HistogramsAnswer>, ApiError> {
    let query = series_query(pairs)?;
    Ok(Json(histograms(&app.store, &catalogue(&app), &query, now(&app)).await?))
}

pub(super) async fn get_rankings(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<RankingsAnswer>, ApiError> {
    let mut parameters = parameters(pairs)?;
    let scope = Scope::take_from(&mut parameters)?;
    parameters.finish()?;
    Ok(Json(rank(&app.store, &catalogue(&app), &scope, now(&app)).await?))
}

pub(super) async fn get_comparison(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ComparisonAnswer>, ApiError> {
    let mut parameters = parameters(pairs)?;
    let query = ComparisonQuery::take_from(&mut parameters)?;
    parameters.finish()?;
    Ok(Json(compare(&app.store, &catalogue(&app), &query, now(&app)).await?))
}

pub(super) async fn list_changes(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<ChangesAnswer>, ApiError> {
    let mut parameters = parameters(pairs)?;
    let query = ChangesQuery::take_from(&mut parameters)?;
    parameters.finish()?;
    Ok(Json(changes(&app.store, &catalogue(&app), &query, now(&app)).await?))
}

pub(super) async fn get_plan(
    _: Reader,
    State(app): State<App>,
    pairs: Pairs,
) -> Result<Json<PlanAnswer>, ApiError> {
    let mut parameters = parameters(pairs)?;
    let query = PlanQuery::take_from(&mut parameters)?;
    parameters.finish()?;
    Ok(Json(plan(&app.store, &catalogue(&app), &query, now(&app)).await?))
}

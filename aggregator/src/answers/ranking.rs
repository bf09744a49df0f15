//! Which site is best for each market, and for all of them together.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::MarketId;

use super::caveats;
use super::error::AnswerError;
use super::moment::Range;
use super::question::Question;
use super::scope::Scope;
use super::sites::{SiteReading, threshold};
use crate::analysis::{Caveat, RankSettings, Rankings, WeighedMarket, rank as rank_sites};
use crate::catalogue::Catalogue;
use crate::store::Store;

/// What counts, where there are too few days.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RankingsAnswer {
    /// What was asked.
    pub question: Question,
    /// The rankings of each market and of all of them together.
    #[serde(flatten)]
    pub rankings: Rankings,
    /// Share of the users of each market that was ranked, from 0 to 1.
    pub shares: BTreeMap<MarketId, f64>,
    /// What weakens the answer as a whole.
    pub caveats: Vec<Caveat>,
}

/// Ranks the sites in every market and overall.
///
/// # Errors
///
/// [`AnswerError`] where the scope makes no sense, nothing was measured, or the store cannot be
/// read.
pub async fn rank(
    store: &Store,
    catalogue: &Catalogue,
    scope: &Scope,
    now: Timestamp,
) -> Result<RankingsAnswer, AnswerError> {
    let settled = scope.settle(catalogue, now)?;
    let measured = SiteReading::read(store, catalogue, &settled).await?;
    let question = Question::new(&settled, &measured.probed, measured.level);
    if measured.reading.vantages.is_empty() {
        let Range { from, to } = question.range;
        // Who has just begun would wonder: agents report.
        let is_now =
            to.instant(&TimeZone::UTC) > now.saturating_sub(HOUR).unwrap_or(Timestamp::MIN);
        let hint = if is_now { "; an hour counts once it is over" } else { "" };
        let message =
            format!("nothing was measured by {} from {from} to {to}{hint}", question.probe);
        return Err(AnswerError::NotEnoughData(message));
    }
    let caveats = caveats::of_reading(catalogue, &settled.markets, &measured.reading);
    let weight = |market| catalogue.markets.get(market).map_or(1.0, |terms| terms.weight);
    let weights: BTreeMap<MarketId, f64> =
        settled.markets.iter().map(|market| (market.clone(), weight(market))).collect();
    let whole: f64 = weights.values().sum();
    let shares = weights.iter().map(|(id, weight)| (id.clone(), weight / whole)).collect();
    let settings = RankSettings {
        score: settled.score,
        threshold: threshold(catalogue),
        blocks: question.blocks,
    };
    let ranking = measured.with_views(move |mut views| {
        // A market of which nothing was measured is in the answer, too: without any site.
        let markets = weights.into_iter().map(|(market, weight)| {
            let views = views.remove(&market).unwrap_or_default();
            (market, WeighedMarket { weight, views })
        });
        rank_sites(&markets.collect(), &settings)
    });
    let rankings = ranking.await?;
    Ok(RankingsAnswer { question, rankings, shares, caveats })
}

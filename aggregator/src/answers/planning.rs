//! Which sites to host at.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::SiteId;

use super::caveats;
use super::error::{AnswerError, unknown};
use super::names::Names;
use super::parameters::Parameters;
use super::question::Question;
use super::scope::Scope;
use super::sites::SiteReading;
use crate::analysis::plan::{self, Infeasible, Plan, Scores};
use crate::analysis::{BlockLength, Caveat, Replicates, Shortage};
use crate::catalogue::{Catalogue, Objective, parse_span};
use crate::parallel;
use crate::store::Store;

/// What to plan, beside the catalogue's objective.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct PlanQuery {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show a text here as the command's own")]
    pub scope: Scope,
    /// Most sites to choose. [default: that of the objective]
    #[arg(long, value_name = "K")]
    pub sites: Option<usize>,
    /// Sites that must be chosen, divided by commas, beside those of the objective.
    #[arg(long, value_name = "SITES")]
    pub require: Option<Names<SiteId>>,
    /// Sites that must not be chosen, divided by commas, beside those of the objective.
    #[arg(long, value_name = "SITES")]
    pub forbid: Option<Names<SiteId>>,
    /// Most that the sites may cost per month. [default: that of the objective]
    #[arg(long, value_name = "COST")]
    pub max_cost: Option<f64>,
    /// The score that no market may exceed: 300ms. [default: that of the objective]
    #[arg(long, value_name = "SPAN")]
    pub worst_market: Option<String>,
    /// The score that no market may exceed when its best site is down: 400ms. [default: that of the
    /// objective]
    #[arg(long, value_name = "SPAN")]
    pub second_choice: Option<String>,
    /// Let the data of every market be anywhere.
    #[arg(long)]
    pub ignore_residency: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanAnswer {
    /// What was asked.
    pub question: Question,
    /// The plan; `null` where no set of sites meets the rules.
    pub plan: Option<Plan>,
    /// Why there is none.
    pub infeasible: Option<Infeasible>,
    /// The same in words, one sentence for each obstacle.
    pub obstacles: Vec<String>,
    /// What weakens the answer.
    pub caveats: Vec<Caveat>,
}

impl PlanQuery {
    /// Takes its parameters out of a query.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] for a value that does not parse.
    pub fn take_from(parameters: &mut Parameters) -> Result<Self, AnswerError> {
        Ok(Self {
            scope: Scope::take_from(parameters)?,
            sites: parameters.take("sites")?,
            require: parameters.take("require")?,
            forbid: parameters.take("forbid")?,
            max_cost: parameters.take("max_cost")?,
            worst_market: parameters.take("worst_market")?,
            second_choice: parameters.take("second_choice")?,
            ignore_residency: parameters.take("ignore_residency")?.unwrap_or(false),
        })
    }

    /// Puts its parameters into a query.
    pub fn put_into(&self, parameters: &mut Parameters) {
        self.scope.put_into(parameters);
        parameters.put("sites", self.sites.as_ref());
        parameters.put("require", self.require.as_ref());
        parameters.put("forbid", self.forbid.as_ref());
        parameters.put("max_cost", self.max_cost.as_ref());
        parameters.put("worst_market", self.worst_market.as_ref());
        parameters.put("second_choice", self.second_choice.as_ref());
        parameters.put("ignore_residency", self.ignore_residency.then_some(true));
    }

    /// The catalogue's objective with what was asked otherwise.
    fn objective(&self, catalogue: &Catalogue) -> Result<Objective, AnswerError> {
        let mut objective = catalogue.objective.clone();
        let senseless = |message: String| AnswerError::Senseless(message);
        if let Some(most) = self.sites {
            if most == 0 {
                return Err(senseless("a plan has at least one site".to_owned()));
            }
            objective.max_sites = most;
            objective.min_sites = objective.min_sites.min(most);
        }
        for (asked, rule) in [
            (&self.require, &mut objective.required_sites),
            (&self.forbid, &mut objective.forbidden_sites),
        ] {
            for site in asked.iter().flat_map(|names| &names.0) {
                if !catalogue.sites.contains_key(site) {
                    let known = catalogue.sites.keys().map(SiteId::as_str);
                    return Err(unknown("site", site.as_str(), known));
                }
                rule.insert(site.clone());
            }
        }
        if let Some(cost) = self.max_cost {
            if !cost.is_finite() || cost < 0.0 {
                return Err(senseless(format!("max_cost={cost} is no cost")));
            }
            objective.max_cost_per_month = Some(cost);
        }
        for (text, rule) in [
            (&self.worst_market, &mut objective.worst_market),
            (&self.second_choice, &mut objective.second_choice),
        ] {
            if let Some(text) = text {
                let span = parse_span(text).filter(|span| !span.is_zero());
                *rule = Some(span.ok_or_else(|| {
                    senseless(format!("{text:?} is no span; write a number and ms or s: 300ms"))
                })?);
            }
        }
        Ok(objective)
    }
}

/// Most sets of sites of the largest size that are searched, at worst one by one: up to 6 of 60
/// sites, which takes some seconds.
const MOST_SETS: f64 = 1e8;

/// How many sets of `size` there are of so many sites.
fn sets(sites: usize, size: usize) -> f64 {
    // The most there are lie in the middle, and all sizes up to the one asked for are searched.
    let size = size.min(sites / 2);
    (0..size).map(|n| (sites - n) as f64 / (n + 1) as f64).product()
}

/// Chooses the sites.
///
/// # Errors
///
/// [`AnswerError`] where the query makes no sense, nothing was measured, or the store cannot be
/// read. That no set meets the rules is an answer.
pub async fn plan(
    store: &Store,
    catalogue: &Catalogue,
    query: &PlanQuery,
    now: Timestamp,
) -> Result<PlanAnswer, AnswerError> {
    let objective = query.objective(catalogue)?;
    let settled = query.scope.settle(catalogue, now)?;
    let measured = SiteReading::read(store, catalogue, &settled).await?;
    let question = Question::new(&settled, &measured.probed, measured.level);
    let (most, of) = (objective.max_sites, settled.sites.len());
    if sets(of, most) > MOST_SETS {
        let message =
            format!("up to {most} of {of} sites are too many sets; ask for fewer of either");
        return Err(AnswerError::Senseless(message));
    }
    let mut markets = catalogue.markets.clone();
    markets.retain(|id, _| settled.markets.contains(id));
    if query.ignore_residency {
        for market in markets.values_mut() {
            market.residency = None;
        }
    }
    let mut sites = catalogue.sites.clone();
    sites.retain(|id, _| settled.sites.contains(id));
    let hours = (question.blocks == BlockLength::Hour).then_some(Caveat::HoursOnly);
    let of_reading = caveats::of_reading(catalogue, &settled.markets, &measured.reading);
    let caveats = hours.into_iter().chain(of_reading).collect();
    let score = settled.score;
    let planning = measured.with_views(move |views| {
        let scored = parallel::map(views.into_iter().collect(), |(market, sites)| {
            let scored = sites.into_iter().filter_map(|(site, view)| {
                let enough = Shortage::of(&view, score).is_none();
                enough.then(|| Some((site, Replicates::of_score(&view, score)?))).flatten()
            });
            (market, scored.collect())
        });
        let scores: Scores = scored.into_iter().collect();
        let question = plan::Question {
            markets: &markets,
            sites: &sites,
            objective: &objective,
            scores: &scores,
        };
        plan::plan(&question)
    });
    match planning.await? {
        Ok(plan) => Ok(PlanAnswer {
            question,
            plan: Some(plan),
            infeasible: None,
            obstacles: Vec::new(),
            caveats,
        }),
        Err(infeasible) if infeasible.lacks_data() => {
            Err(AnswerError::NotEnoughData(infeasible.to_string()))
        }
        Err(infeasible) => Ok(PlanAnswer {
            question,
            plan: None,
            obstacles: infeasible.obstacles.iter().map(ToString::to_string).collect(),
            infeasible: Some(infeasible),
            caveats,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_counted() {
        for (sites, size, count) in [(4, 2, 6.0), (60, 5, 5_461_512.0), (6, 6, 20.0), (1, 5, 1.0)] {
            assert!((sets(sites, size) - count).abs() < 0.5, "{sites} {size}");
        }
        assert!(sets(60, 6) < MOST_SETS && sets(60, 7) > MOST_SETS);
    }
}

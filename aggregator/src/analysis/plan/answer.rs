//! From the question to the document.

use vantage_wire::SiteId;

use super::document::{Alternative, FrontierPoint, Plan, Stability};
use super::evaluate::{Evaluation, figure};
use super::explain::explain;
use super::instance::Instance;
use super::obstacle::Infeasible;
use super::question::{Question, Rules};
use super::search::{Found, Goal};
use super::stability::{BySize, Replicate, replicates, share_by_size};
use crate::analysis::Replicates;

/// Next best sets that are told.
const ALTERNATIVES: usize = 3;

/// Branches that are spent on finding out why there is no plan: a few seconds. The search for a plan
/// has no such limit.
const MOST_BRANCHES: u64 = 3_000_000;

/// Chooses the set of sites with the least `Σ weight · score` that meets all rules.
///
/// Exact. Of sets with equal objectives it takes the one with fewer sites, then the one whose ids
/// come first.
///
/// # Errors
///
/// [`Infeasible`] where no set meets the rules: it says which rule is in the way, and where.
pub fn plan(question: &Question<'_>) -> Result<Plan, Infeasible> {
    let rules = question.rules();
    let best = best_sets(question, &rules);
    let Some(chosen) = best.first() else { return Err(explain(question, &rules, MOST_BRANCHES)) };
    let mut by_size = BySize::new();
    for set in &best {
        by_size.entry(set.len()).or_insert_with(|| set.clone());
    }
    let replicates = replicates(question, &rules, &by_size);
    let evaluation = Evaluation { question: *question, rules: &rules };
    let objective = evaluation.objective(chosen);
    let served = question
        .markets
        .keys()
        .filter_map(|market| Some((market.clone(), evaluation.served(market, chosen)?)))
        .collect();
    Ok(Plan {
        sites: chosen.clone(),
        objective: figure(&objective),
        cost_per_month: evaluation.cost(chosen),
        markets: served,
        frontier: frontier(&evaluation, &by_size, &replicates),
        stability: Stability::of(chosen, &replicates),
        alternatives: best[1..]
            .iter()
            .take(ALTERNATIVES)
            .map(|set| alternative(&evaluation, set, &objective))
            .collect(),
        sites_without_cost: without_cost(question, &rules),
    })
}

/// The best sets of every size, and of all sizes together the best first.
fn best_sets(question: &Question<'_>, rules: &Rules) -> Vec<Vec<SiteId>> {
    let instance = Instance::of(question, rules, |score| score.all);
    if question.markets.is_empty() {
        return Vec::new();
    }
    let mut best: Vec<Found> = rules
        .sizes()
        .flat_map(|size| instance.search(size, Goal::Best(1 + ALTERNATIVES), &[]))
        .collect();
    best.sort_by(Found::order);
    best.iter().map(|found| instance.ids(&found.set)).collect()
}

fn frontier(
    evaluation: &Evaluation<'_>,
    by_size: &BySize,
    replicates: &[Replicate],
) -> Vec<FrontierPoint> {
    let mut previous: Option<Replicates> = None;
    let mut points = Vec::new();
    for (size, set) in by_size {
        let Some(worst) = evaluation.worst(set) else { continue };
        let objective = evaluation.objective(set);
        points.push(FrontierPoint {
            size: *size,
            sites: set.clone(),
            objective: figure(&objective),
            cost_per_month: evaluation.cost(set),
            worst,
            beside_previous: previous
                .as_ref()
                .map(|previous| evaluation.difference(&objective, previous)),
            stability: share_by_size(set, replicates),
        });
        previous = Some(objective);
    }
    points
}

fn alternative(evaluation: &Evaluation<'_>, set: &[SiteId], chosen: &Replicates) -> Alternative {
    let objective = evaluation.objective(set);
    Alternative {
        sites: set.to_vec(),
        objective: figure(&objective),
        cost_per_month: evaluation.cost(set),
        difference: evaluation.difference(&objective, chosen),
    }
}

fn without_cost(question: &Question<'_>, rules: &Rules) -> Vec<SiteId> {
    let sites = question.sites.iter().filter(|(id, site)| {
        rules.priced_only && site.cost_per_month.is_none() && !rules.forbidden.contains(*id)
    });
    sites.map(|(id, _)| id.clone()).collect()
}

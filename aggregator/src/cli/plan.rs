//! `vantage plan`.

use std::fmt::Write as _;

use super::asking::Answering;
use super::figures::{difference_within, exact, latency, latency_within, nothing, percent};
use super::{CommandError, table};
use crate::analysis::Caveat;
use crate::analysis::plan::{Alternative, FrontierPoint, Plan};
use crate::answers::{self, PlanAnswer, PlanQuery};
use crate::api::PLANS;

/// Chooses the sites to host at: those that serve the markets best, by their weights, under
/// residency, cost and the other rules of the catalogue's objective.
///
/// Exit code 1 where no set of sites meets the rules, with the rules that are in the way.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    query: PlanQuery,
    #[command(flatten)]
    answering: Answering,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { query, answering } = arguments;
    let answer = answering
        .answer(
            PLANS,
            |parameters| query.put_into(parameters),
            async |local| answers::plan(&local.store, &local.catalogue, &query, local.now).await,
            people,
            csv,
        )
        .await?;
    if answer.plan.is_none() {
        return Err(CommandError::BadAnswer);
    }
    Ok(())
}

fn csv(answer: &PlanAnswer) -> String {
    let markets = answer.plan.iter().flat_map(|plan| &plan.markets);
    let rows: Vec<_> = markets
        .map(|(market, served)| {
            let interval = served.score.interval_us;
            let second = served.second.as_ref();
            [
                market.to_string(),
                served.share.to_string(),
                served.site.to_string(),
                served.score.value_us.to_string(),
                exact(interval.map(|interval| interval.low)),
                exact(interval.map(|interval| interval.high)),
                second.map_or_else(String::new, |second| second.site.to_string()),
                exact(second.map(|second| second.score.value_us)),
            ]
        })
        .collect();
    let headings = [
        "market",
        "share",
        "site",
        "score us",
        "score low us",
        "score high us",
        "second site",
        "second score us",
    ];
    table::csv(&headings, &rows)
}

fn people(answer: &PlanAnswer) -> String {
    let mut text = if let Some(plan) = &answer.plan {
        chosen(answer, plan)
    } else {
        let obstacles = answer.obstacles.iter();
        obstacles.fold("no set of sites meets the rules\n".to_owned(), |text, obstacle| {
            text + "  " + obstacle + "\n"
        })
    };
    text += &table::caveats(&answer.caveats.iter().map(Caveat::in_words).collect::<Vec<_>>());
    text
}

fn names(sites: &[vantage_wire::SiteId]) -> String {
    sites.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

fn cost(cost: Option<f64>) -> String {
    cost.map_or_else(nothing, |cost| cost.to_string())
}

fn chosen(answer: &PlanAnswer, plan: &Plan) -> String {
    let question = &answer.question;
    let mut text = format!("host at {}\n", names(&plan.sites));
    // Writing into a string does not fail.
    let _ = writeln!(
        text,
        "{} of {} {}, weighted by market: {}{}",
        question.score,
        question.probe,
        question.phase,
        latency_within(Some(plan.objective.value_us), plan.objective.interval_us),
        plan.cost_per_month.map_or_else(String::new, |cost| format!("; {cost} per month")),
    );
    let stability = &plan.stability;
    if stability.share.is_some() {
        let _ = writeln!(
            text,
            "the same choice with any of {} of {} dates left out",
            stability.same, stability.dates
        );
    }
    text.push('\n');
    text += &markets(plan);
    text.push('\n');
    text += &frontier(plan);
    if !plan.alternatives.is_empty() {
        text.push('\n');
        text += &alternatives(plan);
    }
    if !plan.sites_without_cost.is_empty() {
        let _ = writeln!(
            text,
            "\nleft out, as their cost is not known: {}",
            names(&plan.sites_without_cost)
        );
    }
    text
}

fn markets(plan: &Plan) -> String {
    let rows: Vec<_> = plan
        .markets
        .iter()
        .map(|(market, served)| {
            [
                market.to_string(),
                percent(Some(served.share)),
                served.site.to_string(),
                latency_within(Some(served.score.value_us), served.score.interval_us),
                served.second.as_ref().map_or_else(nothing, |second| {
                    format!("{}, {}", second.site, latency(Some(second.score.value_us)))
                }),
                names(&served.not_distinguishable),
            ]
        })
        .collect();
    let headings =
        ["market", "share", "served from", "score", "when that is down", "cannot be told from it"];
    table::aligned(&headings, &rows)
}

fn frontier(plan: &Plan) -> String {
    let row = |point: &FrontierPoint| {
        let beside = point.beside_previous.as_ref();
        [
            point.size.to_string(),
            names(&point.sites),
            latency(Some(point.objective.value_us)),
            beside.map_or_else(nothing, |beside| {
                difference_within(Some(beside.value_us), beside.interval_us)
            }),
            cost(point.cost_per_month),
            format!("{}, {}", point.worst.market, latency(Some(point.worst.score_us))),
            percent(point.stability),
        ]
    };
    let rows: Vec<_> = plan.frontier.iter().map(row).collect();
    let headings =
        ["sites", "the best", "score", "beside one fewer", "cost", "worst market", "stability"];
    table::aligned(&headings, &rows)
}

fn alternatives(plan: &Plan) -> String {
    let row = |other: &Alternative| {
        [
            names(&other.sites),
            latency(Some(other.objective.value_us)),
            difference_within(Some(other.difference.value_us), other.difference.interval_us),
            cost(other.cost_per_month),
            other.difference.verdict.to_string(),
        ]
    };
    let rows: Vec<_> = plan.alternatives.iter().map(row).collect();
    table::aligned(&["next best", "score", "beside the chosen", "cost", "verdict"], &rows)
}

//! `vantage rank`.

use std::fmt::Write as _;

use super::asking::Answering;
use super::figures::{difference_within, exact, latency_within, nothing, percent, percent_within};
use super::{CommandError, table};
use crate::analysis::{BlockLength, Caveat, Ranking, Standing};
use crate::answers::{self, RankingsAnswer, Scope};
use crate::api::RANKINGS;

/// Ranks the sites for each market, and for all of them together by their weights.
///
/// Sites that cannot be told apart share a rank. Exit code 4 where no site could be ranked anywhere.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    scope: Scope,
    #[command(flatten)]
    answering: Answering,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { scope, answering } = arguments;
    let answer = answering
        .answer(
            RANKINGS,
            |parameters| scope.put_into(parameters),
            async |local| answers::rank(&local.store, &local.catalogue, &scope, local.now).await,
            people,
            csv,
        )
        .await?;
    let rankings = answer.rankings.markets.values();
    if rankings.flat_map(|ranking| &ranking.sites).all(|site| site.rank.is_none()) {
        let message = "not enough data to rank any site";
        return Err(CommandError::NotEnoughData(anyhow::anyhow!(message)));
    }
    Ok(())
}

/// What stands for the market in the rows about all of them.
const ALL: &str = "all";

fn csv(answer: &RankingsAnswer) -> String {
    let markets = answer.rankings.markets.iter();
    let markets = markets.map(|(market, ranking)| (market.as_str(), ranking));
    let rows: Vec<_> = markets
        .chain([(ALL, &answer.rankings.overall)])
        .flat_map(|(market, ranking)| ranking.sites.iter().map(move |site| exact_row(market, site)))
        .collect();
    let headings = [
        "market",
        "rank",
        "site",
        "verdict",
        "may be best",
        "score us",
        "score low us",
        "score high us",
        "behind best us",
        "behind best low us",
        "behind best high us",
        "attempts",
        "failed",
        "failure rate",
        "coverage",
        "blocks",
    ];
    table::csv(&headings, &rows)
}

fn exact_row(market: &str, site: &Standing) -> [String; 16] {
    let text = |value: Option<String>| value.unwrap_or_default();
    let behind = site.behind_best_interval_us;
    [
        market.to_owned(),
        text(site.rank.map(|rank| rank.to_string())),
        site.site.to_string(),
        text(site.verdict.map(|verdict| verdict.to_string())),
        text(site.may_be_best.map(|may| may.to_string())),
        exact(site.score_us),
        exact(site.score_interval_us.map(|interval| interval.low)),
        exact(site.score_interval_us.map(|interval| interval.high)),
        exact(site.behind_best_us),
        exact(behind.map(|interval| interval.low)),
        exact(behind.map(|interval| interval.high)),
        site.failures.attempts.to_string(),
        site.failures.failed.to_string(),
        exact(site.failures.rate),
        exact(site.coverage),
        site.blocks.to_string(),
    ]
}

fn people(answer: &RankingsAnswer) -> String {
    let question = &answer.question;
    let blocks = match question.blocks {
        BlockLength::Day => "by whole days of each market",
        BlockLength::Hour => "by hours",
    };
    let mut text = format!(
        "{} of {} {}, {} to {} {blocks}; less is better, a failure counts as the timeout\n",
        question.score, question.probe, question.phase, question.range.from, question.range.to
    );
    let mut caveats: Vec<String> = Vec::new();
    for (market, ranking) in &answer.rankings.markets {
        let share = percent(answer.shares.get(market).copied());
        // Writing into a string does not fail.
        let _ = write!(text, "\n{market} ({share} of the users)\n{}", ranked(ranking));
        caveats.extend(words(ranking).map(|words| format!("{market}: {words}")));
    }
    if answer.rankings.markets.len() > 1 {
        let _ = write!(text, "\nall, by their users\n{}", ranked(&answer.rankings.overall));
        caveats.extend(words(&answer.rankings.overall).map(|words| format!("{ALL}: {words}")));
    }
    let whole = answer.caveats.iter();
    caveats.extend(whole.map(Caveat::in_words));
    text + &table::caveats(&caveats)
}

fn words(ranking: &Ranking) -> impl Iterator<Item = String> + '_ {
    ranking.caveats.iter().map(Caveat::in_words)
}

fn ranked(ranking: &Ranking) -> String {
    if ranking.sites.is_empty() {
        return "  nothing was measured\n".to_owned();
    }
    let ranks: Vec<_> = ranking.sites.iter().map(|site| site.rank).collect();
    let rows: Vec<_> = (0..ranks.len()).map(|at| row(&ranking.sites[at], &ranks, at)).collect();
    let headings = ["rank", "site", "score", "behind the best", "failures", "attempts", "verdict"];
    table::aligned(&headings, &rows)
}

/// A rank, and what ties its site to those that share it.
fn tie(ranks: &[Option<usize>], at: usize) -> String {
    let Some(rank) = ranks[at] else { return "    ·".to_owned() };
    let shared = |other: usize| ranks.get(other) == Some(&Some(rank));
    let (above, below) = (at > 0 && shared(at - 1), shared(at + 1));
    match (above, below) {
        (false, false) => format!("{rank:>3} ─"),
        (false, true) => format!("{rank:>3} ┬"),
        (true, true) => "    ├".to_owned(),
        (true, false) => "    └".to_owned(),
    }
}

fn row(site: &Standing, ranks: &[Option<usize>], at: usize) -> [String; 7] {
    let verdict = match (&site.shortage, site.verdict) {
        (Some(shortage), Some(verdict)) => format!("{verdict}: {shortage}"),
        (_, Some(verdict)) => verdict.to_string(),
        (_, None) => nothing(),
    };
    [
        tie(ranks, at),
        site.site.to_string(),
        latency_within(site.score_us, site.score_interval_us),
        difference_within(site.behind_best_us, site.behind_best_interval_us),
        percent_within(site.failures.rate, site.failures.interval),
        site.failures.attempts.to_string(),
        verdict,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_that_share_a_rank_are_tied_together() {
        let ranks = [Some(1), Some(2), Some(2), Some(2), Some(5), None];
        let ties: Vec<_> = (0..ranks.len()).map(|at| tie(&ranks, at)).collect();
        assert_eq!(ties, ["  1 ─", "  2 ┬", "    ├", "    └", "  5 ─", "    ·"]);
    }
}

//! `vantage compare`.

use std::fmt::Write as _;

use super::asking::Answering;
use super::figures::{
    difference_within, exact, latency, nothing, percent, percent_within, signed_percent,
};
use super::{CommandError, table};
use crate::analysis::compare::{Figure, ForecastOutcome, MarketComparison, TemporalClass};
use crate::analysis::{Caveat, Verdict};
use crate::answers::{self, ComparisonAnswer, ComparisonQuery};
use crate::api::COMPARISONS;

/// Shows what a migration has changed, market by market: did it come true?
///
/// The same hours of the week are compared on both sides; what sites that did not move changed
/// meanwhile is taken away. Less than three days on either side, or too few attempts, is called
/// undersampled (exit code 4 where nothing can be said of all markets together).
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    query: ComparisonQuery,
    #[command(flatten)]
    answering: Answering,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { query, answering } = arguments;
    let answer = answering
        .answer(
            COMPARISONS,
            |parameters| query.put_into(parameters),
            async |local| answers::compare(&local.store, &local.catalogue, &query, local.now).await,
            people,
            csv,
        )
        .await?;
    if answer.comparison.overall.verdict == Verdict::Undersampled {
        let message = "not enough data to say whether anything changed";
        return Err(CommandError::NotEnoughData(anyhow::anyhow!(message)));
    }
    Ok(())
}

const HEADINGS: [&str; 10] = [
    "market", "before", "after", "change", "relative", "controls", "promise", "failures", "when",
    "verdict",
];

const CSV_HEADINGS: [&str; 16] = [
    "market",
    "before us",
    "after us",
    "change us",
    "change low us",
    "change high us",
    "relative",
    "plain us",
    "controls us",
    "failure rate before",
    "failure rate after",
    "failure rate change",
    "failure verdict",
    "attempts before",
    "attempts after",
    "verdict",
];

fn csv(answer: &ComparisonAnswer) -> String {
    let rows: Vec<_> = answer.comparison.markets.iter().map(exact_row).collect();
    table::csv(&CSV_HEADINGS, &rows)
}

fn exact_row(market: &MarketComparison) -> [String; 16] {
    let value = |figure: &Option<Figure>| exact(figure.as_ref().map(|figure| figure.value));
    let score = &market.score;
    let change = score.change_us.as_ref().map(|figure| figure.interval);
    [
        market.market.to_string(),
        exact(score.before_us),
        exact(score.after_us),
        value(&score.change_us),
        exact(change.map(|interval| interval.low)),
        exact(change.map(|interval| interval.high)),
        value(&score.relative),
        value(&score.plain_us),
        value(&score.controls_us),
        exact(market.failure_rate.before),
        exact(market.failure_rate.after),
        value(&market.failure_rate.change),
        market.failure_rate.verdict.to_string(),
        market.before.failure_rate.attempts.to_string(),
        market.after.failure_rate.attempts.to_string(),
        market.verdict.to_string(),
    ]
}

fn row(market: &MarketComparison) -> [String; 10] {
    let score = &market.score;
    let outcome = market.forecast.as_ref().map_or_else(nothing, |forecast| {
        let promised = forecast.promised_us.as_ref().map(|figure| figure.value);
        format!("{}, {}", difference_within(promised, None), word(forecast.outcome))
    });
    let when = market.temporal.as_ref().map_or_else(nothing, |temporal| when(temporal.class));
    [
        market.market.to_string(),
        latency(score.before_us),
        latency(score.after_us),
        figure(score.change_us.as_ref()),
        signed_percent(score.relative.as_ref().map(|figure| figure.value)),
        difference_within(score.controls_us.as_ref().map(|figure| figure.value), None),
        outcome,
        format!("{} → {}", percent(market.failure_rate.before), percent(market.failure_rate.after)),
        when,
        market.verdict.to_string(),
    ]
}

fn figure(figure: Option<&Figure>) -> String {
    difference_within(figure.map(|figure| figure.value), figure.map(|figure| figure.interval))
}

const fn word(outcome: ForecastOutcome) -> &'static str {
    match outcome {
        ForecastOutcome::Kept => "kept",
        ForecastOutcome::Exceeded => "exceeded",
        ForecastOutcome::Broken => "broken",
        ForecastOutcome::Inconclusive => "inconclusive",
        ForecastOutcome::Undersampled => "undersampled",
    }
}

fn when(class: TemporalClass) -> String {
    match class {
        TemporalClass::Continuous => "all day",
        TemporalClass::Diurnal => "some hours",
        TemporalClass::Episodic => "now and then",
        TemporalClass::Uneventful => "never",
    }
    .to_owned()
}

fn people(answer: &ComparisonAnswer) -> String {
    let mut text = heading(answer);
    let comparison = &answer.comparison;
    let mut rows: Vec<_> = comparison.markets.iter().map(row).collect();
    if comparison.markets.len() > 1 {
        let overall = &comparison.overall;
        rows.push([
            "all".to_owned(),
            latency(overall.score.before_us),
            latency(overall.score.after_us),
            figure(overall.score.change_us.as_ref()),
            signed_percent(overall.score.relative.as_ref().map(|figure| figure.value)),
            difference_within(overall.score.controls_us.as_ref().map(|f| f.value), None),
            nothing(),
            format!(
                "{} → {}",
                percent(overall.failure_rate.before),
                percent(overall.failure_rate.after)
            ),
            nothing(),
            overall.verdict.to_string(),
        ]);
    }
    text += &table::aligned(&HEADINGS, &rows);
    text += &failures(answer);
    let mut caveats: Vec<_> = answer.caveats.iter().map(Caveat::in_words).collect();
    caveats.extend(comparison.overall.caveats.iter().cloned());
    for market in &comparison.markets {
        caveats.extend(market.caveats.iter().map(|words| format!("{}: {words}", market.market)));
    }
    text += &table::caveats(&caveats);
    text
}

fn heading(answer: &ComparisonAnswer) -> String {
    let mut text = answer.service.to_string();
    // Writing into a string does not fail.
    if let Some(from) = &answer.from {
        let to: std::collections::BTreeSet<_> = answer.to.values().map(AsRef::as_ref).collect();
        let to: Vec<&str> = to.into_iter().collect();
        let _ = write!(text, ": {from} → {}", to.join(", "));
    }
    if let Some(cutover) = answer.cutover {
        let _ = write!(text, ", cutover {cutover}");
    }
    let question = &answer.question;
    let _ = writeln!(
        text,
        "\n{} of {} {}, the same hours of the week before and after; less is better, a failure \
         counts as the timeout\n",
        question.score, question.probe, question.phase
    );
    text
}

/// Failures that became more or less frequent, for certain.
fn failures(answer: &ComparisonAnswer) -> String {
    let mut rows = Vec::new();
    for market in &answer.comparison.markets {
        for code in &market.failures.by_code {
            if matches!(code.verdict, Verdict::Better | Verdict::Worse) {
                rows.push([
                    market.market.to_string(),
                    format!("{} in {}", code.code, code.phase),
                    percent_within(code.before.rate, code.before.interval),
                    percent_within(code.after.rate, code.after.interval),
                    code.verdict.to_string(),
                ]);
            }
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    "\n".to_owned() + &table::aligned(&["market", "failure", "before", "after", "verdict"], &rows)
}

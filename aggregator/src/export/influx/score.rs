//! Points of [`SCORE`]: where sites stand in rankings.

use super::fields::{ALL_MARKETS, SCORE};
use super::line::{Point, Value};
use super::lines::Lines;
use crate::analysis::{Interval, Ranking, Standing, Verdict};
use crate::answers::RankingsAnswer;

/// The number of a verdict, in the order in which verdicts are listed.
pub const fn verdict_code(verdict: Verdict) -> i64 {
    match verdict {
        Verdict::Better => 0,
        Verdict::Worse => 1,
        Verdict::Equivalent => 2,
        Verdict::Inconclusive => 3,
        Verdict::Undersampled => 4,
    }
}

/// Adds a point for each site in each market, and for each in all of them.
pub fn write(answer: &RankingsAnswer, time_s: i64, lines: &mut Lines) {
    let (probe, phase) = (answer.question.probe.to_string(), answer.question.phase.name());
    let markets = answer.rankings.markets.iter().map(|(market, ranking)| {
        (market.as_str(), ranking, answer.shares.get(market).copied().unwrap_or(0.0))
    });
    let all: (&str, &Ranking, f64) = (ALL_MARKETS, &answer.rankings.overall, 1.0);
    for (market, ranking, weight) in markets.chain([all]) {
        for standing in &ranking.sites {
            let tags = vec![
                ("market", market),
                ("phase", phase),
                ("probe", probe.as_str()),
                ("site", standing.site.as_str()),
            ];
            let fields = fields(standing, weight);
            lines.push(&Point { measurement: SCORE, tags, fields, time_s });
        }
    }
}

fn fields(standing: &Standing, weight: f64) -> Vec<(&'static str, Value<'static>)> {
    let mut fields = Vec::with_capacity(16);
    let low = |interval: Option<Interval>| interval.map(|interval| interval.low);
    let high = |interval: Option<Interval>| interval.map(|interval| interval.high);
    let mut number = |name, value: Option<f64>| {
        fields.extend(value.map(|value| (name, Value::Float(value))));
    };
    number("score_us", standing.score_us);
    number("score_low_us", low(standing.score_interval_us));
    number("score_high_us", high(standing.score_interval_us));
    number("behind_us", standing.behind_best_us);
    number("behind_low_us", low(standing.behind_best_interval_us));
    number("behind_high_us", high(standing.behind_best_interval_us));
    number("failure_rate", standing.failures.rate);
    number("failure_rate_low", low(standing.failures.interval));
    number("failure_rate_high", high(standing.failures.interval));
    number("coverage", standing.coverage);
    number("weight", Some(weight));
    fields.extend(standing.rank.map(|rank| ("rank", Value::count(rank as u64))));
    if let Some(verdict) = standing.verdict {
        fields.push(("verdict", Value::Text(verdict.name())));
        fields.push(("verdict_code", Value::Integer(verdict_code(verdict))));
    }
    fields.push(("attempts", Value::count(standing.failures.attempts)));
    fields.push(("blocks", Value::count(standing.blocks as u64)));
    fields
}

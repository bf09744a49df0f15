//! The sites in order, as they were ranked last.

use std::time::Duration;

use vantage_service::metrics::{Exposition, Metric, Sample, Value};
use vantage_wire::UtcMicros;

use super::{names, seconds};
use crate::analysis::{Interval, Standing};
use crate::answers::RankingsAnswer;

/// What stands for the market in what is said of all of them.
const ALL: &str = "all";

/// The last ranking, and how often there was none.
#[derive(Debug, Default)]
pub(super) struct Ranked {
    last: Option<(RankingsAnswer, UtcMicros, Duration)>,
    failures: u64,
}

impl Ranked {
    /// The sites were ranked.
    pub(super) fn succeeded(&mut self, answer: RankingsAnswer, at: UtcMicros, took: Duration) {
        self.last = Some((answer, at, took));
    }

    /// There is nothing to rank: what was before holds no longer.
    pub(super) fn found_nothing(&mut self) {
        self.last = None;
    }

    /// It could not be done.
    pub(super) fn failed(&mut self) {
        self.failures += 1;
    }

    pub(super) fn put(&self, exposition: &mut Exposition) {
        exposition.put_one(names::RANKING_FAILURES, Value::Count(self.failures));
        let Some((answer, at, took)) = &self.last else { return };
        exposition.put_one(names::RANKING_TIME, Value::Number(seconds(at.get() as f64)));
        exposition.put_one(names::RANKING_TOOK, Value::Number(took.as_secs_f64()));
        let question = &answer.question;
        let labels = [
            question.probe.to_string(),
            question.phase.to_string(),
            question.score.to_string(),
            question.blocks.to_string(),
        ];
        exposition.put(names::RANKING, [Sample::new(labels, Value::Count(1))]);
        let shares = answer.shares.iter();
        exposition.put(
            names::SHARE,
            shares.map(|(market, share)| Sample::new([market.to_string()], Value::Number(*share))),
        );
        Sites { answer }.put(exposition);
    }
}

struct Sites<'a> {
    answer: &'a RankingsAnswer,
}

impl Sites<'_> {
    fn put(&self, exposition: &mut Exposition) {
        let mut of_sites = |metric: Metric, value: &dyn Fn(&Standing) -> Option<f64>| {
            let samples = self.standings().filter_map(|(market, standing)| {
                let labels = [market.to_owned(), standing.site.to_string()];
                Some(Sample::new(labels, Value::Number(value(standing)?)))
            });
            exposition.put(metric, samples);
        };
        let low = |interval: Option<Interval>| interval.map(|interval| interval.low);
        let high = |interval: Option<Interval>| interval.map(|interval| interval.high);
        of_sites(names::SCORE, &|site| site.score_us.map(seconds));
        of_sites(names::SCORE_LOW, &|site| low(site.score_interval_us).map(seconds));
        of_sites(names::SCORE_HIGH, &|site| high(site.score_interval_us).map(seconds));
        of_sites(names::BEHIND, &|site| {
            site.rank?;
            Some(site.behind_best_us.map_or(0.0, seconds))
        });
        of_sites(names::RANK, &|site| site.rank.map(|rank| rank as f64));
        of_sites(names::SITE_ATTEMPTS, &|site| Some(site.failures.attempts as f64));
        of_sites(names::FAILURES, &|site| site.failures.rate);
        of_sites(names::FAILURES_LOW, &|site| low(site.failures.interval));
        of_sites(names::FAILURES_HIGH, &|site| high(site.failures.interval));
        let verdicts = self.standings().filter_map(|(market, standing)| {
            let verdict = standing.verdict?.name().to_owned();
            let labels = [market.to_owned(), standing.site.to_string(), verdict];
            Some(Sample::new(labels, Value::Count(1)))
        });
        exposition.put(names::VERDICT, verdicts);
    }

    /// Every site in every market, and in all together.
    fn standings(&self) -> impl Iterator<Item = (&str, &Standing)> {
        let rankings = &self.answer.rankings;
        let markets = rankings.markets.iter().map(|(id, ranking)| (id.as_str(), ranking));
        markets.chain([(ALL, &rankings.overall)]).flat_map(|(market, ranking)| {
            ranking.sites.iter().map(move |standing| (market, standing))
        })
    }
}

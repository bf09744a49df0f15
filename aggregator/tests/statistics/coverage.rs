//! 95 % intervals hold the truth 95 times in a hundred.
//!
//! Asserted are 92 to 98 % of [`RUNS`] simulations. At 95 % the number found has a standard error
//! of 0.9 %, so a sound method is found outside about once in a thousand; a method that covers
//! 90 % is found inside in 5 % of cases. Seeds are fixed, so the answer is always
//! the same, unless [`crate::seeds`] is told to take others.
//!
//! The truth is what the same process gives over [`TRUTH_DAYS`] days; its own error is below a
//! tenth of that of 30 days.

use std::sync::LazyLock;

use vantage_aggregator::analysis::{
    CONFIDENCE, FailureRate, Interval, Replicates, Sample, View, failure_rate, quantile_us,
    score_us,
};
use vantage_aggregator::catalogue::Score;
use vantage_wire::{MarketId, SiteId};

use crate::seeds::{again, seed};
use crate::simulation::{Climate, Day, Path, Paths, Simulation, Views};

const RUNS: u32 = 600;
const TRUTH_DAYS: u32 = 6000;
const QUANTILES: [f64; 3] = [0.50, 0.95, 0.99];
const MARKETS: [(&str, f64); 3] = [("hk", 0.5), ("id", 0.3), ("mx", 0.2)];
const SITES: [&str; 2] = ["oregon", "singapore"];

/// What intervals are made for.
const QUESTIONS: [&str; 3] = ["score", "difference", "overall"];

fn paths() -> Paths {
    let path = |market: usize, site: usize| Path {
        base_us: 60_000.0 * (1.0 + market as f64) + 25_000.0 * site as f64,
        failure_rate: 0.001 + 0.0005 * market as f64,
        agent_failure_rate: 0.01,
    };
    let sites = |market| {
        (0..).zip(SITES).map(move |(site, id)| (SiteId::new(id).unwrap(), path(market, site)))
    };
    (0..)
        .zip(MARKETS)
        .map(|(market, (id, _))| (MarketId::new(id).unwrap(), sites(market).collect()))
        .collect()
}

static TRUTH: LazyLock<Day> =
    LazyLock::new(|| Simulation::new(&paths(), Climate::USUAL, seed(1)).totals(TRUTH_DAYS));

/// The answers to [`QUESTIONS`], given something of every market and site.
fn answers<T>(
    of: impl Fn(&MarketId, &SiteId) -> T,
    minus: impl Fn(&T, &T) -> T,
    sum: impl Fn([(f64, T); 3]) -> T,
) -> [T; 3] {
    let [oregon, singapore] = SITES.map(|site| SiteId::new(site).unwrap());
    let market = |id| MarketId::new(id).unwrap();
    let first = market(MARKETS[0].0);
    let score = of(&first, &oregon);
    let difference = minus(&score, &of(&first, &singapore));
    let overall = sum(MARKETS.map(|(id, weight)| (weight, of(&market(id), &oregon))));
    [score, difference, overall]
}

fn truths(statistic: impl Fn(&Sample) -> f64) -> [f64; 3] {
    answers(
        |market, site| statistic(&TRUTH[&(market.clone(), site.clone())]),
        |ours, theirs| ours - theirs,
        |parts| parts.iter().map(|(weight, part)| weight * part).sum(),
    )
}

fn intervals(views: &Views, score: Score) -> [Interval; 3] {
    answers(
        |market, site| Replicates::of_score(&views[market][site], score).unwrap(),
        |ours, theirs| ours.combine(theirs, |ours, theirs| ours - theirs),
        |parts| Replicates::sum(parts.iter().map(|(weight, part)| (*weight, part))),
    )
    .map(|replicates| replicates.estimate().unwrap().interval(CONFIDENCE))
}

/// What one gets by taking every probe for independent of the others: order statistics.
fn naive_interval(view: &View, quantile: f64) -> Interval {
    let total = view.total();
    let margin = 1.96 * (quantile * (1.0 - quantile) / total.attempts() as f64).sqrt();
    let at = |quantile: f64| {
        quantile_us([total.latencies(), total.penalties()], quantile.min(1.0)).unwrap()
    };
    Interval { low: at(quantile - margin), high: at(quantile + margin) }
}

/// How often something is true, in per cent of the runs.
#[derive(Clone, Copy, Default)]
struct Share(u32);

impl Share {
    fn count(&mut self, held: bool) {
        self.0 += u32::from(held);
    }

    fn percent(self) -> f64 {
        100.0 * f64::from(self.0) / f64::from(RUNS)
    }
}

fn check(days: i64) {
    let paths = paths();
    let truths_by_quantile = QUANTILES
        .map(|quantile| truths(|sample| score_us(sample, Score::Quantile(quantile)).unwrap()));
    let failing = truths(|sample| failure_rate(sample).unwrap())[0];
    let mut shares = [[Share::default(); 3]; 3];
    let mut naive = [Share::default(); 3];
    let mut failures = Share::default();
    for run in 0..RUNS {
        let seed = seed(u64::from(run) + 1000 * days.unsigned_abs());
        let views = Simulation::new(&paths, Climate::USUAL, seed).views(days);
        let view = &views[&MarketId::new(MARKETS[0].0).unwrap()][&SiteId::new(SITES[0]).unwrap()];
        for (index, quantile) in QUANTILES.into_iter().enumerate() {
            let truths = truths_by_quantile[index];
            let intervals = intervals(&views, Score::Quantile(quantile));
            for (question, interval) in intervals.into_iter().enumerate() {
                shares[index][question].count(interval.contains(truths[question]));
            }
            naive[index].count(naive_interval(view, quantile).contains(truths[0]));
        }
        failures.count(FailureRate::of(view).interval.unwrap().contains(failing));
    }
    let mut wrong = Vec::new();
    for (index, quantile) in QUANTILES.into_iter().enumerate() {
        for (question, share) in QUESTIONS.into_iter().zip(shares[index]) {
            let percent = share.percent();
            println!("{days} days, p{:.0} {question}: {percent:.1} %", 100.0 * quantile);
            if !(92.0..=98.0).contains(&percent) {
                wrong.push((quantile, question, percent));
            }
        }
        let percent = naive[index].percent();
        println!("{days} days, p{:.0} score, naive: {percent:.1} %", 100.0 * quantile);
        if percent >= 60.0 {
            wrong.push((quantile, "naive", percent));
        }
    }
    let percent = failures.percent();
    println!("{days} days, failure rate: {percent:.1} %");
    if !(92.0..=99.0).contains(&percent) {
        wrong.push((0.0, "failure rate", percent));
    }
    assert!(wrong.is_empty(), "{wrong:?}, {}", again());
}

#[test]
fn intervals_of_7_days_hold_the_truth_95_times_in_a_hundred_and_naive_ones_do_not() {
    check(7);
}

#[test]
fn intervals_of_14_days_hold_the_truth_95_times_in_a_hundred_and_naive_ones_do_not() {
    check(14);
}

#[test]
fn intervals_of_30_days_hold_the_truth_95_times_in_a_hundred_and_naive_ones_do_not() {
    check(30);
}

//! Whatever there is to rank, the answer is a verdict, never a number that is none.

use std::collections::BTreeMap;

use vantage_aggregator::analysis::{
    Block, BlockLength, Caveat, Interval, RankSettings, Ranking, Sample, Shortage, Standing,
    Verdict, View, WeighedMarket, rank, rank_market, rank_overall,
};
use vantage_aggregator::catalogue::Score;
use vantage_wire::{FailureCode, LatencyHistogram, MarketId, Micros, Phase, SiteId};

use crate::ranking::SETTINGS;
use crate::simulation::TIMEOUT;

const SCORES: [Score; 3] = [Score::Quantile(0.95), Score::Quantile(0.5), Score::Mean];

/// A day of so many attempts that take about so many milliseconds, and so many that fail.
fn day(attempts: u64, milliseconds: u64, failed: u64) -> Sample {
    let mut sample = Sample::default();
    let latencies = (0..attempts).map(|nth| Micros::new(1000 * milliseconds + nth));
    sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
    sample.add_failures(Phase::Connect, FailureCode::TcpTimeout, failed, TIMEOUT).unwrap();
    (sample.covered_s, sample.expected_s) = (86_400, 86_400);
    sample
}

fn view(days: impl IntoIterator<Item = (i64, Sample)>) -> View {
    View::new(days.into_iter().map(|(block, sample)| (Block(block), sample)).collect()).unwrap()
}

/// Nine days, each a little different.
fn steady(milliseconds: u64, failed: u64) -> View {
    view((0..9).map(|block: i64| {
        let milliseconds = milliseconds + block.unsigned_abs() % 3;
        (block, day(200 - failed, milliseconds, failed))
    }))
}

fn sites<const N: usize>(views: [(&str, View); N]) -> BTreeMap<SiteId, View> {
    views.into_iter().map(|(site, view)| (SiteId::new(site).unwrap(), view)).collect()
}

fn with(score: Score) -> RankSettings {
    RankSettings { score, ..SETTINGS }
}

fn assert_finite(ranking: &Ranking) {
    let check = |value: Option<f64>| assert!(value.is_none_or(f64::is_finite), "{ranking:?}");
    check(ranking.threshold_us);
    for standing in &ranking.sites {
        let Standing { failures, .. } = standing;
        for value in [
            standing.score_us,
            standing.behind_best_us,
            standing.coverage,
            failures.rate,
            failures.resolution,
        ] {
            check(value);
        }
        for interval in
            [standing.score_interval_us, standing.behind_best_interval_us, failures.interval]
        {
            check(interval.map(|Interval { low, .. }| low));
            check(interval.map(|Interval { high, .. }| high));
            assert!(interval.is_none_or(|it| it.low <= it.high), "{ranking:?}");
        }
    }
}

fn ranked(views: &BTreeMap<SiteId, View>, score: Score) -> Ranking {
    let ranking = rank_market(views, &with(score));
    assert_finite(&ranking);
    let weight = 3.0;
    let market = WeighedMarket { weight, views: views.clone() };
    let market = BTreeMap::from([(MarketId::new("hk").unwrap(), market)]);
    let overall = rank_overall(&market, &with(score));
    assert_finite(&overall);
    assert_eq!(overall.sites, ranking.sites, "one market is all markets");
    ranking
}

fn verdicts(ranking: &Ranking) -> Vec<Option<Verdict>> {
    ranking.sites.iter().map(|standing| standing.verdict).collect()
}

#[test]
fn nothing_is_ranked_where_there_is_nothing() {
    for score in SCORES {
        let ranking = ranked(&BTreeMap::new(), score);
        assert_eq!((ranking.threshold_us, ranking.sites.len()), (None, 0));
        let none = rank(&BTreeMap::new(), &with(score));
        assert_eq!((none.markets.len(), none.overall.sites.len()), (0, 0));
    }
}

#[test]
fn empty_and_single_blocks_are_undersampled() {
    let views = sites([
        ("agent-away", view([(0, Sample::default()), (1, Sample::default())])),
        ("empty", View::default()),
        ("one-day", view([(0, day(5000, 50, 3))])),
        ("two-days", view([(0, day(2, 50, 0)), (1, day(3, 60, 1))])),
    ]);
    for score in SCORES {
        let ranking = ranked(&views, score);
        assert_eq!(verdicts(&ranking), [Some(Verdict::Undersampled); 4]);
        assert!(ranking.sites.iter().all(|standing| standing.rank.is_none()));
        let one_day = &ranking.sites[2];
        assert_eq!(one_day.shortage, Some(Shortage::Blocks { blocks: 1, needed: 2 }));
        assert!(one_day.score_us.is_some() && one_day.score_interval_us.is_none());
        assert!(
            matches!(&ranking.caveats[..], [Caveat::Undersampled { sites }] if sites.len() == 4)
        );
    }
}

#[test]
fn a_day_that_was_hardly_measured_is_undersampled() {
    let days = (0..9).map(|block| {
        let mut day = day(200, 50, 0);
        day.covered_s = 50_000;
        (block, day)
    });
    let ranking = ranked(&sites([("oregon", view(days))]), Score::Quantile(0.95));
    assert!(matches!(ranking.sites[0].shortage, Some(Shortage::Coverage { .. })));
}

#[test]
fn a_site_that_always_fails_is_last() {
    let views = sites([("dead", steady(50, 200)), ("oregon", steady(90, 0))]);
    for score in SCORES {
        let ranking = ranked(&views, score);
        assert_eq!(verdicts(&ranking), [Some(Verdict::Better), Some(Verdict::Worse)], "{score:?}");
        let dead = &ranking.sites[1];
        assert_eq!((dead.site.as_str(), dead.rank), ("dead", Some(2)));
        assert_eq!((dead.failures.rate, dead.failures.failed), (Some(1.0), 1800));
    }
}

#[test]
fn sites_that_all_fail_are_not_told_apart() {
    let views = sites([("a", steady(50, 200)), ("b", steady(50, 200))]);
    for (score, verdict) in
        [(Score::Quantile(0.95), Verdict::Equivalent), (Score::Mean, Verdict::Inconclusive)]
    {
        let ranking = ranked(&views, score);
        assert_eq!(verdicts(&ranking), [Some(verdict); 2]);
        assert!(ranking.sites.iter().all(|standing| standing.rank == Some(1)));
    }
}

#[test]
fn a_site_that_worked_on_one_day_only_has_a_mean_without_margin() {
    let days = (0..9).map(|block| (block, day(if block == 4 { 200 } else { 0 }, 50, 200)));
    let views = sites([("barely", view(days)), ("oregon", steady(90, 0))]);
    let ranking = ranked(&views, Score::Mean);
    let barely = ranking.sites.iter().find(|standing| standing.site.as_str() == "barely").unwrap();
    assert!(barely.score_us.is_some() && barely.score_interval_us.is_none());
    assert_eq!(barely.verdict, Some(Verdict::Inconclusive));
}

#[test]
fn one_site_is_first_and_compared_with_nothing() {
    for score in SCORES {
        let ranking = ranked(&sites([("oregon", steady(90, 1))]), score);
        assert_eq!((ranking.sites[0].rank, ranking.sites[0].verdict), (Some(1), None));
        assert_eq!(ranking.sites[0].may_be_best, Some(true));
        assert_eq!(ranking.caveats, [Caveat::NothingToCompare]);
    }
}

#[test]
fn sites_measured_on_different_days_are_not_told_apart() {
    let later = view((20..29).map(|block| (block, day(200, 400, 0))));
    let ranking = ranked(&sites([("later", later), ("now", steady(90, 0))]), SETTINGS.score);
    assert!(ranking.sites.iter().all(|standing| standing.rank == Some(1)));
    let later = SiteId::new("later").unwrap();
    assert_eq!(ranking.caveats, [Caveat::NotPaired { sites: vec![later] }]);
}

#[test]
fn only_days_that_both_sites_have_count_in_their_difference() {
    // On three days that `late` has not seen, everything took 300 ms longer.
    let early = view((0..12).map(|block: i64| {
        (block, day(200, if block < 3 { 390 } else { 90 + block.unsigned_abs() % 3 }, 0))
    }));
    let late = view((3..12).map(|block: i64| (block, day(200, 110 + block.unsigned_abs() % 3, 0))));
    let ranking = ranked(&sites([("early", early), ("late", late)]), SETTINGS.score);
    let early = ranking.sites.iter().find(|standing| standing.site.as_str() == "early").unwrap();
    let behind_us = early.behind_best_us.unwrap();
    assert!((behind_us + 20_000.0).abs() < 200.0, "{behind_us}");
}

#[test]
fn few_days_and_hours_are_caveats() {
    let four_days = view((0..4).map(|block| (block, day(200, 90, 0))));
    let views = sites([("a", four_days.clone()), ("b", four_days)]);
    assert_eq!(rank_market(&views, &SETTINGS).caveats, [Caveat::FewBlocks { blocks: 4 }]);
    let hours = RankSettings { blocks: BlockLength::Hour, ..SETTINGS };
    assert_eq!(rank_market(&views, &hours).caveats, [Caveat::HoursOnly]);
}

#[test]
fn a_site_that_a_market_does_not_know_has_no_overall_rank() {
    let market = |weight, views| WeighedMarket { weight, views };
    let (hk, tw) = (MarketId::new("hk").unwrap(), MarketId::new("tw").unwrap());
    let markets = BTreeMap::from([
        (hk, market(1.0, sites([("a", steady(50, 0)), ("b", steady(70, 0)), ("c", steady(9, 0))]))),
        (
            tw.clone(),
            market(3.0, sites([("a", steady(90, 0)), ("b", steady(50, 0)), ("d", steady(9, 0))])),
        ),
    ]);
    let rankings = rank(&markets, &SETTINGS);
    assert_eq!(rankings.overall, rank_overall(&markets, &SETTINGS));
    let named: Vec<_> = rankings
        .overall
        .sites
        .iter()
        .map(|standing| (standing.site.as_str(), standing.rank))
        .collect();
    assert_eq!(named, [("b", Some(1)), ("a", Some(2)), ("c", None), ("d", None)]);
    // 70 · 1/4 + 50 · 3/4, and 50 · 1/4 + 90 · 3/4; days differ by up to 2 ms.
    for (standing, expected) in rankings.overall.sites.iter().zip([57_000.0, 82_000.0]) {
        assert!((standing.score_us.unwrap() - expected).abs() < 400.0, "{standing:?}");
    }
    let c = SiteId::new("c").unwrap();
    assert!(
        rankings.overall.caveats.contains(&Caveat::SiteMissingIn { site: c, markets: vec![tw] })
    );
}

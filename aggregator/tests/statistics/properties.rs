//! What holds of every ranking.

use std::collections::BTreeMap;

use proptest::prelude::*;
use vantage_aggregator::analysis::{Block, RankSettings, Ranking, Sample, View, rank_market};
use vantage_aggregator::catalogue::Score;
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase, SiteId};

use crate::ranking::SETTINGS;

/// Attempts of a day as they were: latencies in microseconds, and failures.
type Day = (Vec<u64>, u64);

/// Days of each site.
type Raw = Vec<Vec<Day>>;

fn raw() -> impl Strategy<Value = Raw> {
    let latencies = (10_000_u64..400_000)
        .prop_flat_map(|base| prop::collection::vec(base..base + base / 2, 30..80));
    let day = (latencies, 0_u64..3);
    prop::collection::vec(prop::collection::vec(day, 2..6), 2..6)
}

fn score() -> impl Strategy<Value = Score> {
    prop_oneof![Just(Score::Quantile(0.5)), Just(Score::Quantile(0.75)), Just(Score::Mean)]
}

/// A sample of a day, all times multiplied.
fn sample((latencies, failed): &Day, factor: u64) -> Sample {
    let mut sample = Sample::default();
    let latencies = latencies.iter().map(|latency| Micros::new(factor * latency));
    sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
    let timeout = Micros::from_millis(2000 * factor);
    sample.add_failures(Phase::Connect, FailureCode::TcpTimeout, *failed, timeout).unwrap();
    sample
}

fn view(days: &[Day], factor: u64) -> View {
    let samples = days.iter().map(|day| sample(day, factor));
    View::new((0..).map(Block).zip(samples).collect()).unwrap()
}

fn views(raw: &Raw, factor: u64) -> BTreeMap<SiteId, View> {
    (0..)
        .zip(raw)
        .map(|(number, days)| (SiteId::new(&format!("site-{number}")).unwrap(), view(days, factor)))
        .collect()
}

fn ranked(views: &BTreeMap<SiteId, View>, score: Score) -> Ranking {
    rank_market(views, &RankSettings { score, ..SETTINGS })
}

fn order(ranking: &Ranking) -> Vec<&SiteId> {
    ranking.sites.iter().map(|standing| &standing.site).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn adding_a_worse_site_does_not_change_the_order_of_the_others(
        raw in raw(), score in score(),
    ) {
        let mut views = views(&raw, 1);
        let before = ranked(&views, score);
        let last = &views[&before.sites.last().unwrap().site];
        let slower = last.blocks().iter().map(|(block, sample)| {
            let mut slower = Sample::default();
            for bucket in sample.latencies().buckets() {
                let latency = Micros::new(2 * bucket.highest.get());
                let latencies = vec![latency; usize::try_from(bucket.count).unwrap()];
                slower.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
            }
            let failed = sample.failed() + 1;
            let timeout = Micros::from_secs(4);
            slower.add_failures(Phase::Connect, FailureCode::TcpReset, failed, timeout).unwrap();
            (*block, slower)
        });
        let slower = View::new(slower.collect()).unwrap();
        views.insert(SiteId::new("another").unwrap(), slower);
        let after = ranked(&views, score);
        prop_assert_eq!(after.sites.last().unwrap().site.as_str(), "another");
        let mut others = order(&after);
        others.pop();
        prop_assert_eq!(others, order(&before));
        let ranks: Vec<_> = after.sites.iter().map(|standing| standing.rank).collect();
        prop_assert!(ranks.is_sorted(), "ranks follow scores: {:?}", ranks);
    }

    #[test]
    fn scaling_all_times_scales_the_scores(raw in raw(), score in score(), factor in 2_u64..25) {
        let (once, scaled) = (ranked(&views(&raw, 1), score), ranked(&views(&raw, factor), score));
        for standing in &once.sites {
            let other = scaled.sites.iter().find(|other| other.site == standing.site).unwrap();
            let ratio = other.score_us.unwrap() / standing.score_us.unwrap() / factor as f64;
            // Both lie within a bucket, whose width is below 1/1024 of what is in it.
            prop_assert!((ratio - 1.0).abs() < 2.0 / 1024.0, "{ratio}");
        }
    }

    #[test]
    fn merging_two_vantage_points_is_analysing_all_they_saw(
        raw in raw(), score in score(), split in 0_usize..30,
    ) {
        let together = views(&raw, 1);
        let merged = together
            .keys()
            .zip(&raw)
            .map(|(site, days)| {
                let samples = days.iter().map(|(latencies, failed)| {
                    let (ours, theirs) = latencies.split_at(split);
                    let mut merged = sample(&(theirs.to_vec(), failed / 2), 1);
                    merged.merge(&sample(&(ours.to_vec(), failed - failed / 2), 1)).unwrap();
                    merged
                });
                (site.clone(), View::new((0..).map(Block).zip(samples).collect()).unwrap())
            })
            .collect();
        prop_assert_eq!(ranked(&merged, score), ranked(&together, score));
    }
}

//! Laws that hold for any samples.

use proptest::prelude::*;
use vantage_wire::histogram::{HIGHEST, LOWEST};
use vantage_wire::{HistogramMerger, LatencyHistogram, Micros};

use crate::inputs::{assert_sound, histogram, samples};

fn merged(histograms: &[&LatencyHistogram]) -> LatencyHistogram {
    let mut all = LatencyHistogram::new();
    for histogram in histograms {
        all.merge(histogram).unwrap();
    }
    all
}

proptest! {
    #[test]
    fn merge_is_associative_and_commutative(a in histogram(), b in histogram(), c in histogram()) {
        let left = merged(&[&merged(&[&a, &b]), &c]);
        let right = merged(&[&a, &merged(&[&b, &c])]);
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &merged(&[&c, &b, &a]));
        assert_sound(&left);
    }

    #[test]
    fn merge_is_recording_all_samples(a in samples(), b in samples()) {
        let both = merged(&[
            &LatencyHistogram::from_samples(a.clone()),
            &LatencyHistogram::from_samples(b.clone()),
        ]);
        prop_assert_eq!(both, LatencyHistogram::from_samples(a.into_iter().chain(b)));
    }

    #[test]
    fn recording_one_by_one_is_recording_at_once(samples in samples()) {
        let mut one_by_one = LatencyHistogram::new();
        for &sample in &samples {
            one_by_one.record(sample).unwrap();
        }
        assert_sound(&one_by_one);
        prop_assert_eq!(one_by_one, LatencyHistogram::from_samples(samples));
    }

    #[test]
    fn subtract_inverts_merge(a in histogram(), b in histogram()) {
        let mut difference = merged(&[&a, &b]);
        difference.subtract(&b).unwrap();
        prop_assert_eq!(difference, a);
    }

    #[test]
    fn subtract_refuses_what_is_not_contained(a in histogram(), b in histogram()) {
        let mut difference = a.clone();
        match difference.subtract(&b) {
            Ok(()) => prop_assert_eq!(merged(&[&difference, &b]), a),
            Err(error) => {
                prop_assert!(error.held < error.taken);
                prop_assert_eq!(difference, a);
            }
        }
    }

    /// The order statistic meant is that of rank max(1, ⌈q·n⌉) among the n samples as recorded,
    /// that is, clamped to the range.
    #[test]
    fn quantile_is_within_a_thousandth_of_the_order_statistic(
        samples in samples(),
        quantile in 0.0..=1.0_f64,
    ) {
        let histogram = LatencyHistogram::from_samples(samples.clone());
        let mut sorted: Vec<u64> =
            samples.iter().map(|sample| (*sample).clamp(LOWEST, HIGHEST).get()).collect();
        sorted.sort_unstable();
        let rank = ((quantile * sorted.len() as f64).ceil() as usize).max(1);
        let expected = sorted.get(rank - 1).copied();
        let found = histogram.quantile(quantile).map(Micros::get);
        prop_assert_eq!(found.is_some(), expected.is_some());
        if let (Some(found), Some(expected)) = (found, expected) {
            prop_assert!(found.abs_diff(expected) * 1024 <= expected, "{found} for {expected}");
            prop_assert!(quantile == 0.0 || found >= expected);
        }
    }

    #[test]
    fn quantiles_are_each_the_quantile(
        histogram in histogram(),
        quantiles in prop::collection::vec(-0.1..1.1_f64, 0..10),
    ) {
        let one_by_one: Vec<_> = quantiles.iter().map(|&q| histogram.quantile(q)).collect();
        prop_assert_eq!(histogram.quantiles(&quantiles), one_by_one);
    }

    #[test]
    fn count_at_or_below_is_the_sum_of_buckets(histogram in histogram()) {
        let mut sum = 0;
        for bucket in histogram.buckets() {
            prop_assert_eq!(histogram.count_at_or_below(Micros::new(bucket.lowest.get() - 1)), sum);
            sum += bucket.count;
            prop_assert_eq!(histogram.count_at_or_below(bucket.lowest), sum);
            prop_assert_eq!(histogram.count_at_or_below(bucket.highest), sum);
        }
        prop_assert_eq!(histogram.count_at_or_below(Micros::MAX), histogram.count());
    }

    #[test]
    fn decode_inverts_encode(histogram in histogram()) {
        let bytes = histogram.encode();
        prop_assert_eq!(LatencyHistogram::decode(&bytes), Ok(histogram));
    }

    #[test]
    fn encode_into_appends(histogram in histogram(), mut before in any::<Vec<u8>>()) {
        let expected = [before.clone(), histogram.encode()].concat();
        histogram.encode_into(&mut before);
        prop_assert_eq!(before, expected);
    }

    #[test]
    fn merger_is_repeated_merge(
        histograms in prop::collection::vec((histogram(), any::<bool>()), 0..6),
    ) {
        let mut merger = HistogramMerger::new();
        for _ in 0..2 {
            for (histogram, encoded) in &histograms {
                if *encoded {
                    merger.add_encoded(&histogram.encode()).unwrap();
                } else {
                    merger.add(histogram).unwrap();
                }
            }
            let all: Vec<_> = histograms.iter().map(|(histogram, _)| histogram).collect();
            let expected = merged(&all);
            prop_assert_eq!(merger.count(), expected.count());
            prop_assert_eq!(merger.finish(), expected);
            prop_assert_eq!(merger.count(), 0);
        }
    }
}

#[test]
fn nothing_is_known_of_no_samples() {
    let empty = LatencyHistogram::new();
    assert!(empty.is_empty());
    assert_eq!(empty, LatencyHistogram::from_samples([]));
    assert_eq!(empty.quantile(0.5), None);
    assert_eq!(empty.mean(), None);
    assert_eq!(empty.min(), None);
    assert_eq!(empty.max(), None);
    assert_eq!(empty.buckets().len(), 0);
    assert_eq!(HistogramMerger::new().finish(), empty);
}

#[test]
fn quantile_outside_of_zero_to_one_is_none() {
    let histogram = LatencyHistogram::from_samples([Micros::new(5)]);
    for quantile in [-0.001, 1.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(histogram.quantile(quantile), None, "{quantile}");
    }
}

#[test]
fn latency_out_of_range_is_clamped() {
    let mut histogram = LatencyHistogram::new();
    histogram.record(Micros::ZERO).unwrap();
    histogram.record(Micros::MAX).unwrap();
    assert_eq!(histogram, LatencyHistogram::from_samples([LOWEST, HIGHEST]));
}

#[test]
fn recording_no_samples_changes_nothing() {
    let mut histogram = LatencyHistogram::new();
    histogram.record_n(LOWEST, 0).unwrap();
    assert_eq!(histogram, LatencyHistogram::new());
}

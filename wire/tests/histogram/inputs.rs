//! Arbitrary latencies and histograms, and what must hold for any histogram.

use proptest::collection::vec;
use proptest::prelude::*;
use vantage_wire::{LatencyHistogram, Micros};

/// Latencies of every order of magnitude, a few outside of the range, the bounds more often.
pub fn latency() -> impl Strategy<Value = Micros> {
    let any_magnitude = (0..27_u32).prop_flat_map(|bits| (1_u64 << bits)..(2 << bits));
    let wan = 60_000..120_000_u64;
    let notable = prop::sample::select(vec![0, 1, 2047, 2048, 59_998_207, 60_000_000, u64::MAX]);
    prop_oneof![3 => any_magnitude, 3 => wan, 1 => notable].prop_map(Micros::new)
}

/// A window's samples.
pub fn samples() -> impl Strategy<Value = Vec<Micros>> {
    vec(latency(), 0..200)
}

/// Latencies with the number of samples that had them, up to 2⁵⁰.
pub fn counted() -> impl Strategy<Value = Vec<(Micros, u64)>> {
    let count = prop_oneof![1..4_u64, (0..50_u32).prop_map(|bits| 1 << bits)];
    vec((latency(), count), 0..100)
}

pub fn histogram_of(counted: &[(Micros, u64)]) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::new();
    for &(latency, count) in counted {
        histogram.record_n(latency, count).unwrap();
    }
    histogram
}

/// Histograms small and large, sparse and dense.
pub fn histogram() -> impl Strategy<Value = LatencyHistogram> {
    prop_oneof![
        samples().prop_map(LatencyHistogram::from_samples),
        counted().prop_map(|counted| histogram_of(&counted)),
    ]
}

/// Panics when the inside of a histogram contradicts itself.
pub fn assert_sound(histogram: &LatencyHistogram) {
    let buckets: Vec<_> = histogram.buckets().collect();
    assert!(buckets.iter().all(|bucket| bucket.count > 0 && bucket.lowest <= bucket.highest));
    assert!(buckets.is_sorted_by(|left, right| left.highest < right.lowest));
    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), histogram.count());
}

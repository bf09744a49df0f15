//! Agreement with the `hdrhistogram` crate, bucket by bucket and byte by byte.

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use proptest::prelude::*;
use vantage_wire::histogram::{Bucket, HIGHEST, LOWEST};
use vantage_wire::{LatencyHistogram, Micros};

use crate::inputs::{counted, histogram_of};

fn reference_of(counted: &[(Micros, u64)]) -> Histogram<u64> {
    let mut reference = Histogram::new_with_bounds(LOWEST.get(), HIGHEST.get(), 3).unwrap();
    for &(latency, count) in counted {
        reference.record_n(latency.clamp(LOWEST, HIGHEST).get(), count).unwrap();
    }
    reference
}

fn encoded(reference: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(reference, &mut bytes).unwrap();
    bytes
}

proptest! {
    #[test]
    fn bytes_are_equal(counted in counted()) {
        let bytes = histogram_of(&counted).encode();
        let reference = reference_of(&counted);
        prop_assert_eq!(&bytes, &encoded(&reference));
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(read, reference);
    }

    #[test]
    fn buckets_are_equal(counted in counted()) {
        let reference = reference_of(&counted);
        let theirs: Vec<Bucket> = reference
            .iter_recorded()
            .map(|bucket| Bucket {
                lowest: Micros::new(reference.lowest_equivalent(bucket.value_iterated_to())),
                highest: Micros::new(bucket.value_iterated_to()),
                count: bucket.count_at_value(),
            })
            .collect();
        let ours: Vec<Bucket> = histogram_of(&counted).buckets().collect();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn quantiles_and_bounds_are_equal(
        counted in counted().prop_filter("the reference says 0 of no samples", |c| !c.is_empty()),
        quantile in 0.0..=1.0_f64,
    ) {
        let histogram = histogram_of(&counted);
        let reference = reference_of(&counted);
        for quantile in [quantile, 0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
            let theirs = reference.value_at_quantile(quantile);
            prop_assert_eq!(histogram.quantile(quantile), Some(Micros::new(theirs)));
        }
        prop_assert_eq!(histogram.min(), Some(Micros::new(reference.min())));
        prop_assert_eq!(histogram.max(), Some(Micros::new(reference.max())));
        prop_assert_eq!(histogram.count(), reference.len());
    }

    /// The reference rounds at every bucket, we round once; hence not to the last bit.
    #[test]
    fn means_are_equal(counted in counted()) {
        let ours = histogram_of(&counted).mean().unwrap_or(0.0);
        let theirs = reference_of(&counted).mean();
        prop_assert!((ours - theirs).abs() <= 1e-12 * theirs, "{ours} and {theirs}");
    }

    #[test]
    fn counts_at_or_below_are_equal(counted in counted(), latency in 0..67_108_863_u64) {
        let ours = histogram_of(&counted).count_at_or_below(Micros::new(latency));
        prop_assert_eq!(ours, reference_of(&counted).count_between(0, latency));
    }
}

#[test]
fn bytes_of_the_empty_histogram_are_equal() {
    assert_eq!(LatencyHistogram::new().encode(), encoded(&reference_of(&[])));
}

/// Other libraries record 0 µs, and up to 67.1 s where the last group of buckets ends.
#[test]
fn values_beyond_the_recorded_range_are_read() {
    let mut reference = reference_of(&[]);
    reference.record(0).unwrap();
    reference.record(67_108_863).unwrap();
    let histogram = LatencyHistogram::decode(&encoded(&reference)).unwrap();
    assert_eq!(histogram.count(), 2);
    assert_eq!(histogram.min(), Some(Micros::ZERO));
    assert_eq!(histogram.max(), Some(Micros::new(67_108_863)));
    assert_eq!(histogram.quantile(0.5), Some(Micros::ZERO));
    assert_eq!(histogram.encode(), encoded(&reference));
}

/// Where a float cannot hold the number of samples, the crate reads 0 here (the number rounded up:
/// a rank that no sample has) or misses the last bucket (rounded down).
#[test]
fn highest_quantile_is_the_maximum_however_many_samples() {
    let full = histogram_of(&[(LOWEST, i64::MAX.unsigned_abs())]);
    assert_eq!(full.quantile(1.0), Some(LOWEST));
    let one_above_2_to_the_60 = histogram_of(&[(LOWEST, 1 << 60), (Micros::new(2000), 1)]);
    assert_eq!(one_above_2_to_the_60.quantile(1.0), Some(Micros::new(2000)));
}

//! Decodes arbitrary bytes as a histogram. What is accepted must be sound and survive encoding, and
//! the merger and the visitor must agree with the decoder in every case.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_wire::histogram::{DecodeError, HEADER_BYTES, visit_encoded};
use vantage_wire::{HistogramMerger, LatencyHistogram, Micros};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&under_a_correct_header(bytes));
});

/// Without this most inputs would be refused for a length that does not fit.
fn under_a_correct_header(payload: &[u8]) -> Vec<u8> {
    let mut bytes = LatencyHistogram::new().encode();
    bytes.truncate(HEADER_BYTES);
    let length = u32::try_from(payload.len()).expect("the engine's inputs are short");
    bytes[4..8].copy_from_slice(&length.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn check(bytes: &[u8]) {
    let held = LatencyHistogram::from_samples([1, 80_000, 60_000_000].map(Micros::new));
    let mut merger = HistogramMerger::new();
    merger.add(&held).expect("three samples");
    let merged = merger.add_encoded(bytes);

    let mut buckets = Vec::new();
    let visited = visit_encoded(bytes, |bucket| buckets.push(bucket));
    let mut expected = held;
    match LatencyHistogram::decode(bytes) {
        Ok(histogram) => {
            check_inside(&histogram);
            assert_eq!(visited, Ok(histogram.count()));
            assert!(histogram.buckets().eq(buckets));
            assert_eq!(LatencyHistogram::decode(&histogram.encode()).as_ref(), Ok(&histogram));
            assert_eq!(merged, expected.merge(&histogram).map_err(DecodeError::from));
        }
        Err(error) => assert_eq!((visited, merged), (Err(error), Err(error))),
    }
    assert_eq!(merger.finish(), expected);
}

fn check_inside(histogram: &LatencyHistogram) {
    let buckets: Vec<_> = histogram.buckets().collect();
    assert!(buckets.iter().all(|bucket| bucket.count > 0 && bucket.lowest <= bucket.highest));
    assert!(buckets.is_sorted_by(|left, right| left.highest < right.lowest));
    assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), histogram.count());

    assert_eq!(histogram.quantile(0.0), histogram.min());
    assert_eq!(histogram.quantile(1.0), histogram.max());
    assert_eq!(histogram.mean().is_some(), !histogram.is_empty());
    assert_eq!(histogram.count_at_or_below(Micros::MAX), histogram.count());
}

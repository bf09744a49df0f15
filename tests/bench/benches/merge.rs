//! How fast encoded histograms are decoded and merged, against the budget and beside the
//! `hdrhistogram` crate: `cargo bench -p vantage-bench --bench merge`.
//!
//! The work is that of a rollup: sixty minutes of one series become one hour. There are thousands
//! of distinct histograms, more than fit in the processor's fast caches.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::hint::black_box;
use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use vantage_bench::{Table, median_times};
use vantage_wire::histogram::{HEADER_BYTES, HIGHEST, LOWEST, SIGNIFICANT_DIGITS};
use vantage_wire::{HistogramMerger, LatencyHistogram, Micros};

/// Histograms merged into one.
const WINDOWS_PER_ROLLUP: usize = 60;
/// Encoded histograms of [`MINUTE_SAMPLES`] to merge per second and core, at least.
const BUDGET_PER_SECOND: f64 = 2e6;
const MINUTE_SAMPLES: usize = 60;
const SEED: u64 = 1;

fn main() {
    let mut table = Table::new(&[
        "samples per histogram",
        "histograms",
        "bytes each",
        "vantage-wire, ns each",
        "hdrhistogram, ns each",
        "ratio",
        "vantage-wire, per second",
    ]);
    let mut minute_per_second = 0.0;
    for (samples, histograms) in [(MINUTE_SAMPLES, 24_000), (1000, 6_000), (10_000, 1_800)] {
        let encoded = encoded_histograms(samples, histograms);
        let [ours, theirs] =
            median_times([&mut || merge_ours(&encoded), &mut || merge_theirs(&encoded)]);
        let each = |time: Duration| time.as_secs_f64() / histograms as f64;
        if samples == MINUTE_SAMPLES {
            minute_per_second = each(ours).recip();
        }
        let bytes: usize = encoded.iter().map(Vec::len).sum();
        table.row([
            samples.to_string(),
            histograms.to_string(),
            (bytes / histograms).to_string(),
            format!("{:.0}", each(ours) * 1e9),
            format!("{:.0}", each(theirs) * 1e9),
            format!("{:.1}", each(theirs) / each(ours)),
            format!("{:.2} M", each(ours).recip() / 1e6),
        ]);
    }
    println!("{table}");
    println!(
        "Budget: {:.1} M encoded histograms of {MINUTE_SAMPLES} samples per second and core; measured {:.2} M, {}.",
        BUDGET_PER_SECOND / 1e6,
        minute_per_second / 1e6,
        if minute_per_second >= BUDGET_PER_SECOND { "kept" } else { "MISSED" },
    );
}

/// Distinct histograms of a long path: a median of about 80 ms that differs between windows, and
/// a lognormal spread of a tenth around it.
fn encoded_histograms(samples: usize, histograms: usize) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let medians = LogNormal::new(80_000_f64.ln(), 0.02).expect("parameters are finite");
    let spread = LogNormal::new(0.0, 0.1).expect("parameters are finite");
    (0..histograms)
        .map(|_| {
            let median = medians.sample(&mut random);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some tens of thousands"
            )]
            let latency = |factor: f64| Micros::new((median * factor) as u64);
            let drawn = spread.sample_iter(&mut random).take(samples).map(latency);
            LatencyHistogram::from_samples(drawn).encode()
        })
        .collect()
}

fn merge_ours(encoded: &[Vec<u8>]) {
    let mut merger = HistogramMerger::new();
    for hour in encoded.chunks(WINDOWS_PER_ROLLUP) {
        for window in hour {
            merger.add_encoded(window).expect("own encoding");
        }
        black_box(merger.finish());
    }
}

/// The same with the means of the crate: the header compared before, because the deserializer
/// would allocate whatever a hostile header asks for.
fn merge_theirs(encoded: &[Vec<u8>]) {
    let mut rollup = Histogram::<u64>::new_with_bounds(
        LOWEST.get(),
        HIGHEST.get(),
        u8::try_from(SIGNIFICANT_DIGITS).expect("one digit"),
    )
    .expect("bounds are valid");
    let fixed_fields = 8..HEADER_BYTES;
    let expected = LatencyHistogram::new().encode()[fixed_fields.clone()].to_vec();
    let mut deserializer = Deserializer::new();
    for hour in encoded.chunks(WINDOWS_PER_ROLLUP) {
        for window in hour {
            assert_eq!(window[fixed_fields.clone()], expected);
            let histogram: Histogram<u64> =
                deserializer.deserialize(&mut window.as_slice()).expect("own encoding");
            rollup.add(&histogram).expect("same bounds");
        }
        black_box(&rollup);
        rollup.reset();
    }
}

//! How many bytes a report takes.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, LogNormal, Uniform};
use vantage_wire::report::{Envelope, ProbeKind, Report, Tally, WindowReport};
use vantage_wire::{Phase, Window, WindowLength};

use crate::samples;

const TARGETS: u64 = 50;
const ATTEMPTS: u64 = 60;
const PHASES: u64 = 6;
/// The budget of a series and window, in bytes, after compression.
const BUDGET_BYTES: u64 = 120;

/// A minute of HTTPS probes, one a second, to targets that are 20 ms to 250 ms away. Each round
/// trip adds log-normal jitter with a median of 1.5 ms and a heavy tail.
pub(crate) fn busy_minute(seed: u64) -> Report {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let distance_us = Uniform::new(20_000.0, 250_000.0).unwrap();
    let jitter_us = LogNormal::new(1_500_f64.ln(), 1.0).unwrap();
    let work_us = LogNormal::new(4_000_f64.ln(), 0.5).unwrap();
    let body_us = LogNormal::new(600_f64.ln(), 0.8).unwrap();
    let mut tallies = BTreeMap::new();
    for target in 0..TARGETS {
        let base = distance_us.sample(&mut rng);
        let mut samples: BTreeMap<Phase, Vec<u64>> = BTreeMap::new();
        for _ in 0..ATTEMPTS {
            let mut trip = || base + jitter_us.sample(&mut rng);
            let (connect, tls, request) = (trip(), trip() * 1.02, trip());
            let request = request + work_us.sample(&mut rng);
            let dns = 1_000.0 + jitter_us.sample(&mut rng);
            let transfer = body_us.sample(&mut rng);
            for (phase, span_us) in [
                (Phase::Dns, dns),
                (Phase::Connect, connect),
                (Phase::Tls, tls),
                (Phase::Request, request),
                (Phase::Transfer, transfer),
                (Phase::Total, dns + connect + tls + request + transfer),
            ] {
                #[expect(clippy::cast_possible_truncation, reason = "seconds at most")]
                #[expect(clippy::cast_sign_loss, reason = "all terms are positive")]
                samples.entry(phase).or_default().push(span_us as u64);
            }
        }
        let phases = samples.iter().map(|(phase, us)| (*phase, samples::histogram(us))).collect();
        let key = samples::key(&format!("target-{target}"), "https", ProbeKind::Http);
        tallies.insert(key, Tally { ok: ATTEMPTS, phases, ..Tally::default() });
    }
    let window = Window::new(1_400_000_400, WindowLength::MINUTE).unwrap();
    let windows = vec![WindowReport { window, clock: None, tallies }];
    Report { windows, ..samples::full() }
}

#[test]
fn series_window_of_60_samples_is_within_budget() {
    let report = busy_minute(1);
    let raw = report.encode().unwrap().len() as u64;
    let envelope = Envelope::seal(&report, |_| samples::SIGNATURE).unwrap().encode().len() as u64;
    let series = TARGETS * PHASES;
    println!(
        "{series} series: {raw} bytes as protobuf, {envelope} in an envelope, {:.1} per series",
        envelope as f64 / series as f64
    );
    assert!(envelope <= BUDGET_BYTES * series, "{envelope} bytes for {series} series");
}

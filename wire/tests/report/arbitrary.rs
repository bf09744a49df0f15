//! Reports of any content that adds up.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use vantage_wire::failure::Detail;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Report,
    Software, Tally, WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, UtcMicros, Window, WindowLength,
};

pub(crate) fn report() -> impl Strategy<Value = Report> {
    let id = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?".prop_map(|text| text.parse().unwrap());
    let sequence = (1..=u64::MAX).prop_map(|number| Sequence::new(number).unwrap());
    let software = any::<String>().prop_map(|text| Software::new(&text));
    (id, any::<[u8; 16]>(), sequence, software, vec(window_report(), 0..4), health()).prop_map(
        |(vantage, boot, sequence, software, windows, health)| {
            let boot = BootId::new(boot);
            Report { vantage, boot, sequence, software, windows, health }
        },
    )
}

fn window_report() -> impl Strategy<Value = WindowReport> {
    let length = select([1, 60, 600, 3_600, 86_400].map(WindowLength::from_seconds).to_vec());
    let window = (any::<i64>(), length)
        .prop_map(|(time, length)| Window::containing(UtcMicros::new(time), length.unwrap()));
    let clock = (any::<i64>(), micros(0, u64::MAX))
        .prop_map(|(offset_us, bound)| ClockOffset { offset_us, bound });
    (window, option::of(clock), vec((probe_key(), tally_without_outcome()), 0..4)).prop_map(
        |(window, clock, tallies)| {
            let tallies =
                tallies.into_iter().map(|(key, tally)| (key.clone(), with_outcome(&key, tally)));
            WindowReport { window, clock, tallies: tallies.collect() }
        },
    )
}

fn probe_key() -> impl Strategy<Value = ProbeKey> {
    let interval = micros(1_000, 86_400_000_000);
    let timeout = micros(1_000, 60_000_000);
    let kind = select(ProbeKind::ALL);
    let family = select(Family::ALL);
    ("[a-z]{1,3}", "[a-z]{1,2}", kind, family, any::<bool>(), interval, timeout).prop_map(
        |(target, probe, kind, family, warm, interval, timeout)| {
            let (target, probe) = (target.parse().unwrap(), probe.parse().unwrap());
            ProbeKey { target, probe, kind, family, warm, interval, timeout }
        },
    )
}

/// Successes, their latencies, and what else there is.
fn tally_without_outcome() -> impl Strategy<Value = (Vec<Micros>, Tally, u64)> {
    let successes = vec(micros(1, 60_000_000), 0..20);
    let detail = any::<String>().prop_map(|text| Detail::new(&text));
    let failure =
        (1..1_000_u64, detail).prop_map(|(count, last_detail)| FailureCount { count, last_detail });
    let failures = btree_map((select(FailureCode::ALL), select(Phase::ALL)), failure, 0..6);
    let phases = btree_map(select(Phase::ALL), vec(micros(1, 60_000_000), 1..20), 0..5);
    let addresses = btree_set(any::<IpAddr>(), 0..4);
    (successes, failures, phases, addresses, any::<u64>()).prop_map(
        |(successes, failures, phases, addresses, degraded)| {
            let ok = successes.len() as u64;
            let mut tally = Tally { ok, degraded: 0, failures, phases: BTreeMap::new(), addresses };
            let due = usize::try_from(tally.due()).unwrap();
            for (phase, mut samples) in phases {
                samples.truncate(due);
                if !samples.is_empty() {
                    tally.phases.insert(phase, encoded(samples));
                }
            }
            (successes, tally, degraded)
        },
    )
}

fn with_outcome(key: &ProbeKey, parts: (Vec<Micros>, Tally, u64)) -> Tally {
    let (successes, mut tally, degraded) = parts;
    let outcome = key.kind.outcome_phase();
    tally.phases.remove(&outcome);
    if !successes.is_empty() {
        tally.phases.insert(outcome, encoded(successes));
    }
    tally.degraded = degraded % (tally.due() + 1);
    tally
}

fn encoded(samples: Vec<Micros>) -> EncodedHistogram {
    EncodedHistogram::from(&LatencyHistogram::from_samples(samples))
}

fn health() -> impl Strategy<Value = Health> {
    let number = || option::of(any::<u64>());
    let lag = option::of(micros(0, u64::MAX));
    let steal = option::of(0..=1_000_u32);
    let anchors = (option::of(0..5_u32), option::of(5..10_u32));
    (lag, steal, number(), number(), number(), number(), number(), anchors).prop_map(
        |(
            lag,
            steal,
            open_files,
            open_files_limit,
            resident_bytes,
            spool_bytes,
            spool_windows,
            anchors,
        )| {
            Health {
                event_loop_lag_p99: lag,
                cpu_steal_permille: steal,
                open_files,
                open_files_limit,
                resident_bytes,
                spool_bytes,
                spool_windows,
                anchors_reachable: anchors.0,
                anchors_total: anchors.1,
            }
        },
    )
}

fn micros(lowest: u64, highest: u64) -> impl Strategy<Value = Micros> {
    (lowest..=highest).prop_map(Micros::new)
}

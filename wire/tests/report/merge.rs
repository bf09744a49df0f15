//! Windows and tallies add up, whatever the order.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, MAX_MERGED_ADDRESSES, MergeError, ProbeKey, Tally,
    WindowReport, coarsen,
};
use vantage_wire::{
    FailureCode, HistogramMerger, LatencyHistogram, Micros, Phase, Window, WindowLength,
};

use crate::{arbitrary, samples};

/// The windows of a report, all moved into the hour after the epoch.
fn minutes() -> impl Strategy<Value = Vec<WindowReport>> {
    arbitrary::report().prop_map(|report| {
        let minutes = report.windows.into_iter().zip(0..);
        minutes
            .map(|(report, minute)| {
                let window = Window::new(minute % 7 * 60, WindowLength::MINUTE).unwrap();
                WindowReport { window, ..report }
            })
            .collect()
    })
}

/// Everything that can be counted in windows, by probe.
fn counts(windows: &[WindowReport]) -> BTreeMap<ProbeKey, Counts> {
    let mut counts = BTreeMap::<_, Counts>::new();
    for (key, tally) in windows.iter().flat_map(|window| &window.tallies) {
        let counts = counts.entry(key.clone()).or_default();
        counts.ok += tally.ok;
        counts.degraded += tally.degraded;
        for (failure, row) in &tally.failures {
            *counts.failures.entry(*failure).or_default() += row.count;
        }
        for (phase, histogram) in &tally.phases {
            let all = counts.phases.entry(*phase).or_default();
            all.merge(&histogram.decode().unwrap()).unwrap();
        }
    }
    counts
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    ok: u64,
    degraded: u64,
    failures: BTreeMap<(FailureCode, Phase), u64>,
    phases: BTreeMap<Phase, LatencyHistogram>,
}

/// Without what the order of adding may change.
fn without_details(mut tally: Tally) -> Tally {
    for row in tally.failures.values_mut() {
        row.last_detail = "".into();
    }
    tally
}

proptest! {
    #[test]
    fn coarser_windows_count_the_same(windows in minutes()) {
        let mut merger = HistogramMerger::new();
        let coarse = coarsen(&windows, WindowLength::HOUR, &mut merger).unwrap();
        prop_assert_eq!(counts(&coarse), counts(&windows));
        prop_assert!(coarse.len() <= 1);
    }

    #[test]
    fn coarsening_in_steps_leaves_no_trace(windows in minutes()) {
        let mut merger = HistogramMerger::new();
        let mut sorted = windows;
        sorted.sort_by_key(|report| report.window);
        let once = coarsen(&sorted, WindowLength::HOUR, &mut merger).unwrap();
        let ten = coarsen(&sorted, WindowLength::TEN_MINUTES, &mut merger).unwrap();
        prop_assert_eq!(coarsen(&ten, WindowLength::HOUR, &mut merger).unwrap(), once);
    }

    #[test]
    fn tallies_add_up_in_any_order(windows in minutes()) {
        let mut merger = HistogramMerger::new();
        let tallies: Vec<&Tally> = windows.iter().flat_map(|w| w.tallies.values()).collect();
        let forth = Tally::sum(tallies.iter().copied(), &mut merger).unwrap();
        let back = Tally::sum(tallies.iter().rev().copied(), &mut merger).unwrap();
        prop_assert_eq!(without_details(forth), without_details(back));
    }
}

#[test]
fn a_window_longer_than_asked_for_stays() {
    let day = WindowReport {
        window: Window::new(0, WindowLength::DAY).unwrap(),
        clock: None,
        tallies: BTreeMap::new(),
    };
    let kept = coarsen(std::slice::from_ref(&day), WindowLength::HOUR, &mut HistogramMerger::new());
    assert_eq!(kept.unwrap(), [day]);
}

#[test]
fn the_merged_clock_is_the_least_certain() {
    let minute = |minute: i64, bound: Option<u64>| WindowReport {
        window: Window::new(minute * 60, WindowLength::MINUTE).unwrap(),
        clock: bound.map(|us| ClockOffset { offset_us: minute, bound: Micros::new(us) }),
        tallies: BTreeMap::new(),
    };
    let clock = |windows: &[WindowReport]| {
        coarsen(windows, WindowLength::HOUR, &mut HistogramMerger::new()).unwrap()[0].clock
    };
    let worst = ClockOffset { offset_us: 1, bound: Micros::new(900) };
    assert_eq!(clock(&[minute(0, Some(5)), minute(1, Some(900)), minute(2, Some(7))]), Some(worst));
    assert_eq!(clock(&[minute(0, Some(5)), minute(1, None)]), None);
}

#[test]
fn the_later_detail_stays() {
    let failed = |detail: &str| {
        let row = FailureCount { count: 2, last_detail: detail.into() };
        let failures = BTreeMap::from([((FailureCode::TcpReset, Phase::Connect), row)]);
        Tally { failures, ..Tally::default() }
    };
    let tallies = [failed("first"), failed("second"), failed("")];
    let sum = Tally::sum(&tallies, &mut HistogramMerger::new()).unwrap();
    let row = &sum.failures[&(FailureCode::TcpReset, Phase::Connect)];
    assert_eq!((row.count, row.last_detail.as_str()), (6, "second"));
}

#[test]
fn addresses_are_bounded_by_the_lowest() {
    let addresses = |range: std::ops::Range<u32>| Tally {
        addresses: range.map(|n| IpAddr::V4(Ipv4Addr::from_bits(n))).collect(),
        ..Tally::default()
    };
    let tallies = [addresses(1_000..3_000), addresses(0..1_000)];
    let sum = Tally::sum(&tallies, &mut HistogramMerger::new()).unwrap();
    assert_eq!(sum.addresses.len(), MAX_MERGED_ADDRESSES);
    assert_eq!(sum.addresses.last(), Some(&IpAddr::V4(Ipv4Addr::from_bits(1_023))));
}

#[test]
fn what_cannot_be_counted_is_an_error_and_leaves_the_merger_empty() {
    let mut merger = HistogramMerger::new();
    let mut histogram = LatencyHistogram::new();
    histogram.record_n(Micros::new(1), vantage_wire::histogram::MAX_COUNT).unwrap();
    let phases = BTreeMap::from([(Phase::Connect, EncodedHistogram::from(&histogram))]);
    let full = Tally { ok: u64::MAX / 2, phases, ..Tally::default() };
    let error = Tally::sum([&full, &full], &mut merger).unwrap_err();
    assert!(matches!(error, MergeError::Histogram(_)), "{error}");
    assert_eq!(merger.count(), 0);
    let three = [&full, &full, &full].map(|full| Tally { phases: BTreeMap::new(), ..full.clone() });
    assert!(matches!(Tally::sum(&three, &mut merger), Err(MergeError::Overflow)));
    assert!(Tally::sum(samples::full().windows[0].tallies.values(), &mut merger).is_ok());
}

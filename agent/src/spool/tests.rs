//! What is promised: every attempt that was spooled is counted exactly once, whatever happens.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Family, ProbeKey, ProbeKind, ReportError, Tally,
    WindowReport, decode_windows, encode_windows,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, Window, WindowLength,
};

use super::memory::{Crash, Disk};
use super::*;

const SMALL: Limits = Limits { disk_bytes: 6 * 4_096, memory_bytes: 4_096 };

fn key(target: usize) -> ProbeKey {
    ProbeKey {
        target: format!("site-{target}").parse().unwrap(),
        probe: "https".parse().unwrap(),
        kind: ProbeKind::Http,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(1),
        timeout: Micros::from_secs(5),
    }
}

/// A minute in which each of some targets had so many good attempts, and one that failed.
fn minute(minute: i64, targets: usize, ok: u64) -> WindowReport {
    let window = Window::new(minute * 60, WindowLength::MINUTE).unwrap();
    let samples = (0..ok).map(|n| Micros::from_millis(20 + n * 7 % 90));
    let total = EncodedHistogram::from(&LatencyHistogram::from_samples(samples));
    let failed = FailureCount { count: 1, last_detail: "reset".into() };
    let tally = Tally {
        ok,
        failures: BTreeMap::from([((FailureCode::TlsReset, Phase::Tls), failed)]),
        phases: BTreeMap::from([(Phase::Total, total)]),
        ..Tally::default()
    };
    let tallies = (0..targets).map(|target| (key(target), tally.clone())).collect();
    let clock = Some(ClockOffset { offset_us: 5, bound: Micros::new(9) });
    WindowReport { window, clock, tallies }
}

/// Attempts by series: good and failed.
type Counts = BTreeMap<ProbeKey, (u64, u64)>;

fn count<'a>(windows: impl IntoIterator<Item = &'a WindowReport>, into: &mut Counts) {
    for (key, tally) in windows.into_iter().flat_map(|report| &report.tallies) {
        let held = into.entry(key.clone()).or_default();
        held.0 += tally.ok;
        held.1 += tally.due() - tally.ok;
    }
}

/// Takes each report once, by boot and sequence, as the aggregator does.
#[derive(Debug, Default, Clone)]
struct Aggregator {
    reports: BTreeMap<(BootId, Sequence), Vec<u8>>,
}

impl Aggregator {
    fn take(&mut self, report: &Pending, envelope: &[u8]) {
        let held = self.reports.entry((report.boot, report.sequence)).or_insert(envelope.to_vec());
        assert_eq!(held, envelope, "sent again, but not byte for byte");
    }

    fn windows(&self) -> Vec<WindowReport> {
        self.reports.values().flat_map(|bytes| decode_windows(bytes).unwrap().0).collect()
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        count(&self.windows(), &mut counts);
        counts
    }

    fn sequences_have_no_gaps(&self) {
        let mut last: BTreeMap<BootId, u64> = BTreeMap::new();
        for (boot, sequence) in self.reports.keys() {
            let last = last.entry(*boot).or_default();
            assert_eq!(sequence.get(), *last + 1);
            *last += 1;
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the spool gives them away")]
fn seal(_: Sequence, windows: Vec<WindowReport>) -> Result<Vec<u8>, ReportError> {
    encode_windows(&windows)
}

fn open(disk: &Disk, limits: Limits, boot: u8) -> Result<Spool<Disk>, SpoolError> {
    Spool::open(disk.clone(), limits, BootId::new([boot; 16]))
}

/// Sends everything. The answer to every third report is lost once.
fn drain(
    spool: &mut Spool<Disk>,
    most: usize,
    aggregator: &mut Aggregator,
) -> Result<(), SpoolError> {
    while let Some((report, envelope)) = spool.next_report(most, seal)? {
        aggregator.take(&report, &envelope);
        if report.sequence.get() % 3 == 0 {
            let (again, bytes) = spool.next_report(most, seal)?.unwrap();
            assert_eq!(again, report);
            aggregator.take(&again, &bytes);
        }
        spool.acknowledge(report)?;
        spool.append([])?;
    }
    Ok(())
}

/// A life: windows come in, are merged under a small bound, some are sent, some are refused to
/// leave. `kept` counts what was spooled, by minute.
fn live(
    disk: &Disk,
    aggregator: &mut Aggregator,
    kept: &mut BTreeSet<i64>,
) -> Result<(), SpoolError> {
    let mut spool = open(disk, SMALL, 1)?;
    for at in 0..24 {
        spool.append([minute(at * 3, 2, 3)])?;
        kept.insert(at);
        if at % 8 == 5
            && let Some((report, envelope)) = spool.next_report(3, seal)?
        {
            aggregator.take(&report, &envelope);
            spool.acknowledge(report)?;
        }
    }
    drain(&mut spool, 4, aggregator)
}

/// What so many windows of [`live`] amount to.
fn expected(windows: usize) -> Counts {
    let mut counts = Counts::new();
    count(std::iter::repeat_n(&minute(0, 2, 3), windows), &mut counts);
    counts
}

#[test]
fn a_life_without_trouble_delivers_everything_merged_under_pressure() {
    let disk = Disk::default();
    let (mut aggregator, mut kept) = (Aggregator::default(), BTreeSet::new());
    live(&disk, &mut aggregator, &mut kept).unwrap();
    assert_eq!(aggregator.counts(), expected(24));
    aggregator.sequences_have_no_gaps();
    let lengths: BTreeSet<_> =
        aggregator.windows().iter().map(|report| report.window.length()).collect();
    assert!(lengths.contains(&WindowLength::TEN_MINUTES), "{lengths:?}");
    assert_eq!(disk.names(), [RESERVE]);
}

#[test]
fn dying_at_any_operation_neither_loses_nor_repeats_an_attempt() {
    let disk = Disk::default();
    live(&disk, &mut Aggregator::default(), &mut BTreeSet::new()).unwrap();
    let operations = disk.operations();
    assert!(operations > 200, "{operations} operations are no life");
    let chances = (0..4).map(Crash::SomeWritten);
    let crashes: Vec<_> =
        [Crash::Killed, Crash::NothingWritten].into_iter().chain(chances).collect();
    for operation in 0..operations {
        for crash in &crashes {
            // A second death, in the middle of putting the first one right.
            for second in [None, Some(operation % 23)] {
                let disk = Disk::default();
                let (mut aggregator, mut kept) = (Aggregator::default(), BTreeSet::new());
                disk.crash_at(Some(operation));
                assert!(live(&disk, &mut aggregator, &mut kept).is_err());
                disk.after(*crash);
                if let Some(second) = second {
                    disk.crash_at(Some(disk.operations() + second));
                    if let Ok(mut spool) = open(&disk, SMALL, 2) {
                        let _ = drain(&mut spool, 2, &mut aggregator);
                    }
                    disk.after(*crash);
                }
                let mut spool = open(&disk, SMALL, 3).unwrap();
                drain(&mut spool, 5, &mut aggregator).unwrap();
                let counts = aggregator.counts();
                // The window that was being written when it died may have come through.
                let possible = [expected(kept.len()), expected(kept.len() + 1)];
                assert!(
                    possible.contains(&counts),
                    "operation {operation}, {crash:?}, second {second:?}: {counts:?}, kept {}",
                    kept.len()
                );
                aggregator.sequences_have_no_gaps();
            }
        }
    }
}

#[test]
fn an_operation_that_fails_half_done_changes_no_count() {
    let disk = Disk::default();
    live(&disk, &mut Aggregator::default(), &mut BTreeSet::new()).unwrap();
    for operation in 1..=disk.operations() {
        let disk = Disk::default();
        disk.fail_at(operation);
        let mut aggregator = Aggregator::default();
        // An agent that cannot open its spool ends, and is started again.
        let mut spool = match open(&disk, SMALL, 1) {
            Ok(spool) => spool,
            Err(_) => open(&disk, SMALL, 1).unwrap(),
        };
        for at in 0..24 {
            // What fails stays in memory and is written with the next one.
            let _ = spool.append([minute(at * 3, 2, 3)]);
            if at % 8 == 5
                && let Ok(Some((report, envelope))) = spool.next_report(3, seal)
            {
                aggregator.take(&report, &envelope);
                let _ = spool.acknowledge(report);
            }
        }
        spool.append([]).unwrap();
        while drain(&mut spool, 4, &mut aggregator).is_err() {}
        assert_eq!(aggregator.counts(), expected(24), "operation {operation}");
        aggregator.sequences_have_no_gaps();
    }
}

#[test]
fn a_full_disk_costs_resolution_and_no_counts() {
    let disk = Disk::default();
    let limits = Limits { disk_bytes: 32 << 10, memory_bytes: 4_096 };
    let mut spool = open(&disk, limits, 1).unwrap();
    let mut aggregator = Aggregator::default();
    disk.limit(Some(9_000));
    let mut refused = 0;
    for at in 0..3_000 {
        refused += u64::from(spool.append([minute(at, 3, 2)]).is_err());
    }
    assert!(spool.holdings().in_memory < 100, "{:?}", spool.holdings());
    disk.limit(Some(100));
    for at in 3_000..3_100 {
        let error = spool.append([minute(at, 3, 2)]).unwrap_err();
        assert!(error.is_full(), "{error}");
        refused += 1;
    }
    assert!(refused >= 100 && spool.holdings().in_memory > 0);
    disk.limit(None);
    spool.append([]).unwrap();
    assert_eq!(spool.holdings().in_memory, 0);
    drain(&mut spool, 100, &mut aggregator).unwrap();
    let mut counts = Counts::new();
    count(std::iter::repeat_n(&minute(0, 3, 2), 3_100), &mut counts);
    assert_eq!(aggregator.counts(), counts);
}

#[test]
fn an_absurdly_small_bound_keeps_what_it_cannot_store() {
    let disk = Disk::default();
    let mut spool = open(&disk, Limits { disk_bytes: 100, memory_bytes: 1_000 }, 1).unwrap();
    for at in 0..50 {
        let error = spool.append([minute(at, 2, 2)]).unwrap_err();
        assert!(matches!(error, SpoolError::Full { disk_bytes: 100 }), "{error}");
    }
    assert_eq!(spool.holdings().in_memory, 1, "merged as far as it goes");
    assert!(spool.next_report(10, seal).unwrap().is_none());
}

#[test]
fn a_damaged_file_is_set_aside_and_harms_no_other() {
    let disk = Disk::default();
    let mut spool = open(&disk, Limits::default(), 1).unwrap();
    spool.append((0..4).map(|at| minute(at, 1, 1))).unwrap();
    let windows: Vec<_> =
        disk.names().into_iter().filter(|name| name.ends_with("window")).collect();
    disk.damage(&windows[1]);
    let mut aggregator = Aggregator::default();
    let mut spool = open(&disk, Limits::default(), 2).unwrap();
    assert_eq!((spool.holdings().corrupt, spool.holdings().windows), (1, 3));
    // And one that is damaged later, under the spool's eyes.
    disk.damage(&windows[2]);
    drain(&mut spool, 10, &mut aggregator).unwrap();
    assert_eq!(spool.holdings().corrupt, 2);
    assert_eq!(aggregator.windows().len(), 2);
    let aside = disk.names().into_iter().filter(|name| name.ends_with("corrupt")).count();
    assert_eq!(aside, 2);
    // It is told once, not at every start.
    assert_eq!(open(&disk, Limits::default(), 3).unwrap().holdings().corrupt, 0);
}

#[test]
fn a_refused_report_makes_way_and_only_some_are_kept() {
    let disk = Disk::default();
    let mut spool = open(&disk, Limits::default(), 1).unwrap();
    for at in 0..40 {
        spool.append([minute(at, 1, 1)]).unwrap();
        let (report, _) = spool.next_report(1, seal).unwrap().unwrap();
        assert_eq!(report.sequence.get(), at.unsigned_abs() + 1, "refusals leave no gap");
        spool.refuse(report).unwrap();
    }
    assert_eq!(spool.holdings().refused, 40);
    assert!(spool.next_report(1, seal).unwrap().is_none());
    let aside = disk.names().into_iter().filter(|name| name.ends_with("refused")).count();
    assert_eq!(aside, 16);
}

#[test]
fn windows_too_large_for_a_report_are_divided() {
    let disk = Disk::default();
    let mut spool = open(&disk, Limits::default(), 1).unwrap();
    let large = minute(0, 5_000, 3);
    spool.append([large.clone()]).unwrap();
    assert!(spool.holdings().windows >= 3);
    let mut aggregator = Aggregator::default();
    // A report takes half of what the spool thinks.
    let picky = |_, windows: Vec<WindowReport>| {
        if windows.len() > 1 { Err(ReportError::ReportTooLarge) } else { encode_windows(&windows) }
    };
    while let Some((report, envelope)) = spool.next_report(100, picky).unwrap() {
        aggregator.take(&report, &envelope);
        spool.acknowledge(report).unwrap();
    }
    let mut counts = Counts::new();
    count([&large], &mut counts);
    assert_eq!(aggregator.counts(), counts);
}

#[test]
fn the_folder_of_a_real_file_system_works_alike() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("spool");
    let mut spool =
        Spool::open(Folder::open(&folder).unwrap(), SMALL, BootId::new([1; 16])).unwrap();
    spool.append((0..40).map(|at| minute(at, 2, 3))).unwrap();
    let (report, envelope) = spool.next_report(2, seal).unwrap().unwrap();
    drop(spool);
    std::fs::write(folder.join("00000000000000ff.partial"), b"half").unwrap();
    let mut spool =
        Spool::open(Folder::open(&folder).unwrap(), SMALL, BootId::new([2; 16])).unwrap();
    assert_eq!(spool.next_report(2, seal).unwrap(), Some((report, envelope.clone())));
    let mut windows = decode_windows(&envelope).unwrap().0;
    spool.acknowledge(report).unwrap();
    while let Some((report, envelope)) = spool.next_report(9, seal).unwrap() {
        windows.extend(decode_windows(&envelope).unwrap().0);
        spool.acknowledge(report).unwrap();
    }
    let mut counts = Counts::new();
    count(&windows, &mut counts);
    assert_eq!(counts, expected(40));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_life_with_any_deaths_is_exact(
        steps in prop::collection::vec((0..4_u8, 0..500_i64, 1..4_usize), 1..60),
        deaths in prop::collection::vec((1..120_u64, any::<u64>()), 0..5),
    ) {
        let disk = Disk::default();
        let mut aggregator = Aggregator::default();
        let (mut least, mut most) = (0, 0);
        let mut deaths = deaths.into_iter();
        let mut boot = 0;
        let mut spool = None;
        for (action, at, number) in steps {
            let died = disk.is_dead();
            if died || spool.is_none() {
                if died {
                    disk.after(Crash::SomeWritten(u64::from(boot)));
                }
                boot += 1;
                spool = Some(open(&disk, SMALL, boot).unwrap());
                if let Some((after, _)) = deaths.next() {
                    disk.crash_at(Some(disk.operations() + after));
                }
            }
            let Some(spool) = spool.as_mut() else { continue };
            match action {
                0 | 1 => {
                    most += 1;
                    least += u64::from(spool.append([minute(at, 2, 3)]).is_ok());
                }
                _ => if let Ok(Some((report, envelope))) = spool.next_report(number, seal) {
                    aggregator.take(&report, &envelope);
                    let _ = spool.acknowledge(report);
                }
            }
        }
        if disk.is_dead() {
            disk.after(Crash::NothingWritten);
            spool = None;
        }
        disk.crash_at(None);
        let mut spool = spool.map_or_else(|| open(&disk, SMALL, boot + 1), Ok).unwrap();
        let _ = spool.append([]);
        drain(&mut spool, 7, &mut aggregator).unwrap();
        let good: u64 = aggregator.counts().get(&key(0)).map_or(0, |counts| counts.0 / 3);
        prop_assert!((least..=most).contains(&good), "{good} of {least} to {most}");
        aggregator.sequences_have_no_gaps();
    }
}

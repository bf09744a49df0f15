//! Adding up: windows into an hour, hours into a day. Nothing here touches a database.

use std::collections::BTreeMap;

use vantage_wire::HistogramMerger;
use vantage_wire::report::{MergeError, ProbeKey, Tally, WindowReport};

use super::windows::StoredWindow;

/// What the windows of one probe in one hour or day say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) tally: Tally,
    /// Seconds covered by the windows; those of one hour that overlap count once.
    pub(super) covered_s: i64,
    /// Length of the longest window.
    pub(super) longest_s: i64,
    /// Whether the clock of some window was not known to half the window's length.
    pub(super) clock_uncertain: bool,
}

/// The sums of one hour or day, by probe.
pub(super) type Sums = BTreeMap<ProbeKey, Sum>;

/// What is to be added up for one probe.
#[derive(Default)]
struct Parts<'a> {
    tallies: Vec<&'a Tally>,
    /// Where the windows looked at so far end.
    reached: Option<i64>,
    covered_s: i64,
    longest_s: i64,
    clock_uncertain: bool,
}

impl<'a> Parts<'a> {
    fn add_sum(&mut self, sum: &'a Sum) {
        self.tallies.push(&sum.tally);
        self.covered_s = self.covered_s.saturating_add(sum.covered_s);
        self.longest_s = self.longest_s.max(sum.longest_s);
        self.clock_uncertain |= sum.clock_uncertain;
    }

    fn add_window(&mut self, report: &WindowReport, tally: &'a Tally) {
        let length = i64::from(report.window.length().seconds());
        let start = report.window.start_unix_s();
        let end = start + length;
        let from = self.reached.map_or(start, |reached| reached.max(start));
        self.tallies.push(tally);
        self.covered_s += (end - from).max(0);
        self.reached = self.reached.max(Some(end));
        self.longest_s = self.longest_s.max(length);
        let half_us = report.window.length().span().get() / 2;
        self.clock_uncertain |= report.clock.is_none_or(|clock| clock.bound.get() > half_us);
    }

    fn sum(&self, merger: &mut HistogramMerger) -> Result<Sum, MergeError> {
        let tally = Tally::sum(self.tallies.iter().copied(), merger)?;
        // The database counts with a sign.
        if tally.ok.max(tally.degraded) > i64::MAX.unsigned_abs() {
            return Err(MergeError::Overflow);
        }
        Ok(Sum {
            tally,
            covered_s: self.covered_s,
            longest_s: self.longest_s,
            clock_uncertain: self.clock_uncertain,
        })
    }
}

/// Adds windows, which must be in canonical order, to what an hour had before its windows were
/// deleted.
pub(super) fn of_windows(
    before: &Sums,
    windows: &[StoredWindow],
    merger: &mut HistogramMerger,
) -> Result<Sums, MergeError> {
    let mut parts: BTreeMap<&ProbeKey, Parts<'_>> = BTreeMap::new();
    for (key, sum) in before {
        parts.entry(key).or_default().add_sum(sum);
    }
    for window in windows {
        for (key, tally) in &window.report.tallies {
            parts.entry(key).or_default().add_window(&window.report, tally);
        }
    }
    finish(&parts, merger)
}

/// Adds hours, which must be in the order of time, to what a day had before its hours were deleted.
pub(super) fn of_hours<'a>(
    before: &'a Sums,
    hours: impl IntoIterator<Item = &'a Sums>,
    merger: &mut HistogramMerger,
) -> Result<Sums, MergeError> {
    let mut parts: BTreeMap<&ProbeKey, Parts<'_>> = BTreeMap::new();
    for (key, sum) in std::iter::once(before).chain(hours).flatten() {
        parts.entry(key).or_default().add_sum(sum);
    }
    finish(&parts, merger)
}

fn finish(
    parts: &BTreeMap<&ProbeKey, Parts<'_>>,
    merger: &mut HistogramMerger,
) -> Result<Sums, MergeError> {
    parts.iter().map(|(key, parts)| Ok(((*key).clone(), parts.sum(merger)?))).collect()
}

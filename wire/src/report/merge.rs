//! Adding up what was measured: of windows into a longer one, of reports about the same window.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::encoded::EncodedHistogram;
use super::model::{ClockOffset, FailureCount, Tally, WindowReport};
use super::probe::ProbeKey;
use crate::histogram::{DecodeError, HistogramMerger};
use crate::phase::Phase;
use crate::window::{Window, WindowLength};

/// The most addresses that a sum of tallies keeps: the lowest of all, so that the order of adding
/// leaves no trace. More say no more than "many".
pub const MAX_MERGED_ADDRESSES: usize = 1_024;

/// Counts that cannot be added up, or a length that windows do not fit into.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// More samples or attempts than can be counted.
    #[error("counts overflow")]
    Overflow,
    /// A histogram does not merge.
    #[error("histogram does not merge: {0}")]
    Histogram(#[from] DecodeError),
}

impl Tally {
    /// The sum of tallies of one probe: counts added, histograms merged bit by bit, addresses
    /// united (the lowest [`MAX_MERGED_ADDRESSES`]).
    ///
    /// Associative, and commutative but for `last_detail`, which is that of the last tally that has
    /// one: give them in the order of time. No tally at all gives one that counts nothing.
    ///
    /// # Errors
    ///
    /// [`MergeError`] where there is more than can be counted.
    pub fn sum<'a>(
        tallies: impl IntoIterator<Item = &'a Self>,
        merger: &mut HistogramMerger,
    ) -> Result<Self, MergeError> {
        let mut sum = Self::default();
        let mut phases: BTreeMap<Phase, Vec<&EncodedHistogram>> = BTreeMap::new();
        for tally in tallies {
            sum.ok = add(sum.ok, tally.ok)?;
            sum.degraded = add(sum.degraded, tally.degraded)?;
            for (key, row) in &tally.failures {
                let held = sum
                    .failures
                    .entry(*key)
                    .or_insert_with(|| FailureCount { count: 0, last_detail: "".into() });
                held.count = add(held.count, row.count)?;
                if !row.last_detail.is_empty() {
                    held.last_detail.clone_from(&row.last_detail);
                }
            }
            for (phase, histogram) in &tally.phases {
                phases.entry(*phase).or_default().push(histogram);
            }
            sum.add_addresses(&tally.addresses);
        }
        for (phase, histograms) in phases {
            sum.phases.insert(phase, merge(&histograms, merger)?);
        }
        if sum.due() == u64::MAX {
            return Err(MergeError::Overflow);
        }
        Ok(sum)
    }

    fn add_addresses<'a>(&mut self, addresses: impl IntoIterator<Item = &'a IpAddr>) {
        self.addresses.extend(addresses);
        while self.addresses.len() > MAX_MERGED_ADDRESSES {
            self.addresses.pop_last();
        }
    }
}

fn add(held: u64, added: u64) -> Result<u64, MergeError> {
    held.checked_add(added).ok_or(MergeError::Overflow)
}

fn merge(
    histograms: &[&EncodedHistogram],
    merger: &mut HistogramMerger,
) -> Result<EncodedHistogram, MergeError> {
    for histogram in histograms {
        if let Err(error) = merger.add_encoded(histogram.as_bytes()) {
            merger.finish();
            return Err(error.into());
        }
    }
    Ok(EncodedHistogram::from(&merger.finish()))
}

/// Windows merged into longer ones: those that fit into one window of `length` become one, the
/// others (longer ones, or of a length that does not divide it) stay. The result is in the order
/// of time. No count is lost.
///
/// A merged window carries the least certain of the clock estimates, and none where one window
/// had none.
///
/// # Errors
///
/// [`MergeError`] where there is more than can be counted.
pub fn coarsen(
    windows: &[WindowReport],
    length: WindowLength,
    merger: &mut HistogramMerger,
) -> Result<Vec<WindowReport>, MergeError> {
    let mut groups: BTreeMap<Window, Vec<&WindowReport>> = BTreeMap::new();
    for report in windows {
        let window = report.window.coarsen(length).unwrap_or(report.window);
        groups.entry(window).or_default().push(report);
    }
    let mut merged = Vec::with_capacity(groups.len());
    for (window, mut parts) in groups {
        parts.sort_by_key(|part| part.window);
        merged.push(unite(window, &parts, merger)?);
    }
    Ok(merged)
}

fn unite(
    window: Window,
    parts: &[&WindowReport],
    merger: &mut HistogramMerger,
) -> Result<WindowReport, MergeError> {
    let mut series: BTreeMap<&ProbeKey, Vec<&Tally>> = BTreeMap::new();
    for part in parts {
        for (key, tally) in &part.tallies {
            series.entry(key).or_default().push(tally);
        }
    }
    let tallies = series
        .into_iter()
        .map(|(key, tallies)| Ok((key.clone(), Tally::sum(tallies, merger)?)))
        .collect::<Result<_, MergeError>>()?;
    Ok(WindowReport { window, clock: least_certain(parts), tallies })
}

fn least_certain(parts: &[&WindowReport]) -> Option<ClockOffset> {
    let clocks: Option<Vec<ClockOffset>> = parts.iter().map(|part| part.clock).collect();
    clocks?.into_iter().max_by_key(|clock| clock.bound)
}

//! From windows to lines, on a thread where that is in nobody's way.

use std::collections::BTreeMap;
use std::sync::Arc;

use vantage_wire::HistogramMerger;
use vantage_wire::report::{ProbeKey, Tally};

use super::latency::{Part, Place, Series, gather};
use super::lines::{Bounds, Lines};
use crate::catalogue::Catalogue;
use crate::store::{StoreError, StoredWindow};

/// Series of which not all points have been written yet. A window of a thousand probes is more than
/// fits into one request.
#[derive(Debug)]
pub struct Filling {
    series: std::vec::IntoIter<(i64, Series)>,
    place: Place,
    catalogue: Arc<Catalogue>,
    /// Series that do not add up.
    pub faults: u64,
}

impl Filling {
    /// Of windows, in canonical order.
    ///
    /// # Errors
    ///
    /// Where adding up panics.
    pub async fn of_windows(
        windows: Vec<StoredWindow>,
        place: Place,
        catalogue: Arc<Catalogue>,
    ) -> Result<Self, StoreError> {
        let gathering = move || {
            let mut starts: BTreeMap<i64, Vec<Part<'_>>> = BTreeMap::new();
            for window in &windows {
                let length_s = window.report.window.length().seconds();
                let tallies = window.report.tallies.iter();
                starts
                    .entry(window.report.window.start_unix_s())
                    .or_default()
                    .extend(tallies.map(|(probe, tally)| (probe, length_s, tally)));
            }
            Self::gathered(starts, place, catalogue)
        };
        tokio::task::spawn_blocking(gathering).await.map_err(StoreError::backend)
    }

    /// Of the sums of an hour.
    ///
    /// # Errors
    ///
    /// Where adding up panics.
    pub async fn of_hour(
        sums: BTreeMap<ProbeKey, Tally>,
        hour_unix_s: i64,
        place: Place,
        catalogue: Arc<Catalogue>,
    ) -> Result<Self, StoreError> {
        let gathering = move || {
            let parts = sums.iter().map(|(probe, tally)| (probe, 3_600, tally)).collect();
            Self::gathered(BTreeMap::from([(hour_unix_s, parts)]), place, catalogue)
        };
        tokio::task::spawn_blocking(gathering).await.map_err(StoreError::backend)
    }

    fn gathered(
        starts: BTreeMap<i64, Vec<Part<'_>>>,
        place: Place,
        catalogue: Arc<Catalogue>,
    ) -> Self {
        let mut merger = HistogramMerger::new();
        let (mut all, mut count) = (Vec::new(), 0);
        for (start_s, parts) in starts {
            let (series, faults) = gather(parts, &mut merger);
            for fault in &faults {
                tracing::error!(
                    vantage = %place.vantage, target_id = %fault.target, probe = %fault.probe, start_s,
                    "cannot be exported: {}", fault.error
                );
            }
            count += faults.len() as u64;
            all.extend(series.into_iter().map(|series| (start_s, series)));
        }
        Self { series: all.into_iter(), place, catalogue, faults: count }
    }

    /// Adds points to lines until none is left or the lines are full. Answers the lines, and what is
    /// left.
    ///
    /// # Errors
    ///
    /// Where writing panics.
    pub async fn fill(
        self,
        lines: Lines,
        bounds: Bounds,
    ) -> Result<(Lines, Option<Self>), StoreError> {
        let (mut filling, mut lines) = (self, lines);
        let filling = move || {
            while !lines.is_full(bounds) {
                let Some((start_s, series)) = filling.series.next() else {
                    return (lines, None);
                };
                series.write(&filling.place, start_s, &filling.catalogue, &mut lines);
            }
            (lines, Some(filling))
        };
        tokio::task::spawn_blocking(filling).await.map_err(StoreError::backend)
    }
}

//! Hours of several series, matched and put together to days.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::tz::TimeZone;
use vantage_wire::histogram::CountOverflow;

use super::difference::Side;
use super::local_hour::LocalHour;
use super::matching::{MatchedHours, match_hours};
use super::measure::{Measure, Measured};
use super::periods::Periods;
use super::settings::Hours;
use crate::analysis::{Block, Sample, View};

/// The matched hours of a market in its own time.
#[derive(Debug)]
pub(super) struct Paired {
    local: BTreeMap<i64, LocalHour>,
    pub hours: MatchedHours,
}

impl Paired {
    /// Matches the hours that all series of a side have measured, so that all are compared over the
    /// same hours.
    pub fn new(before: &[&Hours], after: &[&Hours], periods: &Periods, zone: &TimeZone) -> Self {
        let mut local = measured_by_all(before, periods.before(), zone);
        local.append(&mut measured_by_all(after, periods.after(), zone));
        let hours = match_hours(&local, periods);
        Self { local, hours }
    }

    /// The hour in the market's own time.
    pub fn local(&self, hour: i64) -> Option<LocalHour> {
        self.local.get(&hour).copied()
    }

    /// How many hours of the week are compared.
    pub fn hours_of_week(&self) -> u64 {
        let hours = self.hours.before.iter().filter_map(|hour| self.local(*hour));
        hours.map(|local| local.hour_of_week).collect::<BTreeSet<_>>().len() as u64
    }

    /// One series over the matched hours of one side, by local day.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where there are more than 2⁶³ attempts.
    pub fn view(&self, series: &Hours, hours: &BTreeSet<i64>) -> Result<View, CountOverflow> {
        let mut days = BTreeMap::<Block, Sample>::new();
        for hour in hours {
            if let (Some(local), Some(sample)) = (self.local(*hour), series.get(hour)) {
                days.entry(local.day).or_default().merge(sample)?;
            }
        }
        View::new(days)
    }

    /// What moved and its controls over the matched hours of one side.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where there are more than 2⁶³ attempts.
    pub fn views(
        &self,
        moved: &Hours,
        controls: &[&Hours],
        hours: &BTreeSet<i64>,
    ) -> Result<SideViews, CountOverflow> {
        let controls = controls.iter().map(|control| self.view(control, hours));
        Ok(SideViews {
            moved: self.view(moved, hours)?,
            controls: controls.collect::<Result<_, _>>()?,
        })
    }
}

/// What moved and what did not, on one side.
#[derive(Debug)]
pub(super) struct SideViews {
    pub moved: View,
    pub controls: Vec<View>,
}

impl SideViews {
    /// A statistic of both; `None` where what moved has none. Without controls where one of them
    /// has none.
    pub fn side(&self, measure: Measure) -> Option<Side> {
        let controls = self.controls.iter().map(|view| measure.of(view));
        let controls = controls.collect::<Option<Vec<_>>>();
        Some(Side {
            moved: measure.of(&self.moved)?,
            controls: controls.and_then(|controls| Measured::mean(&controls)),
        })
    }
}

fn measured_by_all(
    series: &[&Hours],
    period: &Range<i64>,
    zone: &TimeZone,
) -> BTreeMap<i64, LocalHour> {
    let Some((first, others)) = series.split_first() else { return BTreeMap::new() };
    measured(first, period)
        .filter(|hour| others.iter().all(|hours| is_measured(hours, *hour)))
        .filter_map(|hour| Some((hour, LocalHour::of(hour, zone)?)))
        .collect()
}

/// The hours of a period in which anything was measured.
pub(super) fn measured(series: &Hours, period: &Range<i64>) -> impl Iterator<Item = i64> {
    let period = if period.is_empty() { 0..0 } else { period.clone() };
    series.range(period).filter(|(_, sample)| sample.attempts() > 0).map(|(hour, _)| *hour)
}

/// Whether anything was measured in this hour.
pub(super) fn is_measured(series: &Hours, hour: i64) -> bool {
    series.get(&hour).is_some_and(|sample| sample.attempts() > 0)
}

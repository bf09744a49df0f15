//! At what times there is a change.
//!
//! The classes are those of Schlinker, Cunha, Chiu, Sundaresan, Katz-Bassett, *Internet Performance
//! from Facebook's Edge* (IMC 2019), who ask at what times a network's median is worse than it could
//! be: most of the time, at the same time of many days, or neither. The thresholds are ours: hours
//! that differ from before by more than matters and by more than hours differed before.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::paired::Paired;
use super::settings::Hours;
use crate::analysis::{Block, BlockLength, Sample, Threshold, quantile_us};

/// From which share of the hours on a change is continuous.
const CONTINUOUS: f64 = 0.75;
/// On which share of the days an hour of the day has to differ for a change to be diurnal.
const DIURNAL_DAYS: f64 = 0.5;
/// Below which share of the hours nothing has happened: some hours are always unusual.
const UNEVENTFUL: f64 = 0.05;
/// Fewest days on each side of which a pattern may be told.
const FEWEST_DAYS: usize = BlockLength::FEWEST_DAYS;
/// Fewest attempts in an hour for its median to be used.
const FEWEST_ATTEMPTS: u64 = 10;
/// By how many standard deviations of the hours before an hour has to differ.
const UNUSUAL: f64 = 3.0;
/// A standard deviation as a multiple of the median absolute deviation, of a normal distribution.
const DEVIATIONS: f64 = 1.4826;

/// At what times there is a change.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TemporalClass {
    /// Most of the time: at least three hours in four differ, to the same side.
    Continuous,
    /// At the same time of the day: at least one hour of the day differs on at least half of the
    /// days, and on three, to the same side.
    Diurnal,
    /// Now and then: at least one hour in twenty differs.
    Episodic,
    /// Hardly ever.
    Uneventful,
}

impl TemporalClass {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuous => "continuous",
            Self::Diurnal => "diurnal",
            Self::Episodic => "episodic",
            Self::Uneventful => "uneventful",
        }
    }
}

/// One hour of the local day, over all days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HourOfDay {
    /// From 0 to 23.
    pub hour: u8,
    /// The median of the hourly medians before.
    pub before_us: f64,
    /// The median of the hourly medians after.
    pub after_us: f64,
    /// On how many days after it was measured.
    pub days: u64,
    /// On how many of them it was faster than before.
    pub faster_days: u64,
    /// On how many of them it was slower than before.
    pub slower_days: u64,
}

/// At what times the median latency changed. A failure counts as its timeout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TemporalChange {
    /// Which kind of change it is.
    pub class: TemporalClass,
    /// Share of the hours after that were faster than before, from 0 to 1.
    pub faster_share: f64,
    /// Share of the hours after that were slower than before, from 0 to 1.
    pub slower_share: f64,
    /// The standard deviation of the hourly medians before from what is usual at their hour of the
    /// day.
    pub usual_deviation_us: f64,
    /// Hour by hour of the local day.
    pub by_hour_of_day: Vec<HourOfDay>,
}

/// The medians of the hours of one side, by hour of the day and by day.
type Medians = BTreeMap<u8, Vec<(Block, f64)>>;

/// Classes a change by the hours in which it shows; `None` with too few days.
pub(super) fn temporal_change(
    service: &Hours,
    paired: &Paired,
    threshold: &Threshold,
) -> Option<TemporalChange> {
    let before = medians(service, &paired.hours.before, paired);
    let after = medians(service, &paired.hours.after, paired);
    if days(&before) < FEWEST_DAYS || days(&after) < FEWEST_DAYS {
        return None;
    }
    let usual: BTreeMap<u8, f64> = before
        .iter()
        .filter_map(|(hour, medians)| Some((*hour, median(values(medians))?)))
        .collect();
    let deviations = before.iter().flat_map(|(hour, medians)| {
        let usual = usual.get(hour).copied();
        values(medians).filter_map(move |value| Some((value - usual?).abs()))
    });
    let usual_deviation_us = DEVIATIONS * median(deviations)?;

    let by_hour_of_day: Vec<_> = after
        .iter()
        .filter_map(|(&hour, medians)| {
            let before_us = *usual.get(&hour)?;
            let least = threshold.beside(before_us).max(UNUSUAL * usual_deviation_us);
            let count = |differs: &dyn Fn(f64) -> bool| {
                values(medians).filter(|after_us| differs(after_us - before_us)).count() as u64
            };
            Some(HourOfDay {
                hour,
                before_us,
                after_us: median(values(medians))?,
                days: medians.len() as u64,
                faster_days: count(&|change| change < -least),
                slower_days: count(&|change| change > least),
            })
        })
        .collect();
    let sum = |part: fn(&HourOfDay) -> u64| by_hour_of_day.iter().map(part).sum::<u64>() as f64;
    let hours = sum(|hour| hour.days);
    if hours == 0.0 {
        return None;
    }
    let faster_share = sum(|hour| hour.faster_days) / hours;
    let slower_share = sum(|hour| hour.slower_days) / hours;
    let class = if faster_share.max(slower_share) >= CONTINUOUS {
        TemporalClass::Continuous
    } else if by_hour_of_day.iter().any(differs_on_most_days) {
        TemporalClass::Diurnal
    } else if faster_share + slower_share >= UNEVENTFUL {
        TemporalClass::Episodic
    } else {
        TemporalClass::Uneventful
    };
    Some(TemporalChange { class, faster_share, slower_share, usual_deviation_us, by_hour_of_day })
}

fn differs_on_most_days(hour: &HourOfDay) -> bool {
    let differing = hour.faster_days.max(hour.slower_days);
    differing >= FEWEST_DAYS as u64 && differing as f64 >= DIURNAL_DAYS * hour.days as f64
}

fn medians(service: &Hours, hours: &BTreeSet<i64>, paired: &Paired) -> Medians {
    let mut medians = Medians::new();
    for hour in hours {
        if let (Some(local), Some(median)) =
            (paired.local(*hour), service.get(hour).and_then(hourly_median_us))
        {
            medians.entry(local.hour_of_day()).or_default().push((local.day, median));
        }
    }
    medians
}

fn hourly_median_us(sample: &Sample) -> Option<f64> {
    if sample.attempts() < FEWEST_ATTEMPTS {
        return None;
    }
    quantile_us([sample.latencies(), sample.penalties()], 0.5)
}

fn days(medians: &Medians) -> usize {
    let days = medians.values().flatten().map(|(day, _)| *day);
    days.collect::<BTreeSet<_>>().len()
}

fn values(medians: &[(Block, f64)]) -> impl Iterator<Item = f64> {
    medians.iter().map(|(_, value)| *value)
}

/// The median; `None` of nothing.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

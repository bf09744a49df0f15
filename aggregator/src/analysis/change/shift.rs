//! Level shifts: where they are, how large, and how clearly they stand out.

use super::Point;
use super::levels::{candidate_levels, median};
use super::noise::noise;
use super::segment::{Costs, jumps};
use crate::analysis::Threshold;

/// When a change is one of level. The defaults are those that found most of the changes that people
/// had marked in half of a public collection of round trip times, with fewest others; see
/// `METHOD.md`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// What is no noise any more: so many standard deviations (robustly estimated) of the series.
    pub noise_multiple: f64,
    /// The least that counts as noise, as a share of the series' median: very quiet series would
    /// have a shift wherever they breathe.
    pub noise_floor: f64,
    /// What a jump must gain, in points times noise: a level that is different by `d` shows after
    /// `penalty · noise / d` points.
    pub penalty: f64,
    /// Fewest points, however far off they are, that count as a change to another level and back;
    /// from 2.
    pub shortest: u32,
    /// The least change that is told: the larger of the two, beside the lower of the two levels.
    pub smallest: Threshold,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            noise_multiple: 1.0,
            noise_floor: 0.008,
            penalty: 50.0,
            shortest: 3,
            smallest: Threshold { absolute_us: 200.0, relative: 0.006 },
        }
    }
}

/// A change of the level of a series, that stayed.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct LevelShift {
    /// The last point measured at the old level, in seconds since the Unix epoch. The change came
    /// after it.
    pub last_before_unix_s: i64,
    /// The first point measured at the new level.
    pub at_unix_s: i64,
    /// The old level: the median since the shift before, in microseconds.
    pub before_us: f64,
    /// The new level: the median until the next shift, in microseconds.
    pub after_us: f64,
    /// Points that the old level is the median of.
    pub points_before: u64,
    /// Points that the new level is the median of.
    pub points_after: u64,
    /// How clearly the points of the two levels differ, from 0 (not at all) to 1 (not one of the one
    /// level lies among those of the other): Cliff's delta (1993), without its sign.
    pub separation: f64,
}

/// All changes of level in a series, in the order of time.
///
/// Points without a value, or with one that is no latency (not finite, or not above 0), are passed
/// over. They need not be in order, nor evenly spaced: what counts is how many there are, so a series
/// is best made of points that stand for equal times. Takes time in proportion to the points.
pub fn level_shifts(series: &[Point], settings: &Settings) -> Vec<LevelShift> {
    let mut points: Vec<(i64, f64)> = series
        .iter()
        .filter_map(|point| Some((point.unix_s, point.value_us?)))
        .filter(|(_, value)| value.is_finite() && *value > 0.0)
        .collect();
    points.sort_by_key(|(time, _)| *time);
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let Some(middle) = median_of(&values) else { return Vec::new() };
    let scale = (settings.noise_multiple * noise(&points)).max(settings.noise_floor * middle);
    // Zero where all is constant and no floor was asked for.
    if !scale.is_normal() {
        return Vec::new();
    }
    let costs = Costs {
        scale,
        // `shortest` points gain more than there and back costs, one less gain less.
        limit: 2.0 * settings.penalty / (f64::from(settings.shortest.max(2)) - 0.5),
        penalty: settings.penalty,
    };
    let cuts = jumps(&values, &candidate_levels(&values, scale), costs);
    let cuts = without_small(&values, cuts, settings.smallest);
    shifts(&points, &values, &cuts)
}

fn median_of(values: &[f64]) -> Option<f64> {
    median(&mut values.to_vec())
}

/// Takes away the smallest of the changes that are too small, until none is.
fn without_small(values: &[f64], mut cuts: Vec<usize>, smallest: Threshold) -> Vec<usize> {
    let mut excess: Vec<f64> =
        (0..cuts.len()).map(|cut| excess_of(values, &cuts, cut, smallest)).collect();
    while let Some(least) =
        (0..cuts.len()).min_by(|one, other| excess[*one].total_cmp(&excess[*other]))
        && excess[least] < 1.0
    {
        cuts.remove(least);
        excess.remove(least);
        // Its neighbours have another stretch beside them now.
        for (cut, excess) in excess.iter_mut().enumerate().skip(least.saturating_sub(1)).take(2) {
            *excess = excess_of(values, &cuts, cut, smallest);
        }
    }
    cuts
}

/// The size of a change in units of the smallest that is told.
fn excess_of(values: &[f64], cuts: &[usize], cut: usize, smallest: Threshold) -> f64 {
    let (before, after) = sides(values, cuts, cut);
    let (Some(before), Some(after)) = (median_of(before), median_of(after)) else { return 0.0 };
    let threshold = smallest.beside(before.min(after));
    if threshold > 0.0 { (after - before).abs() / threshold } else { f64::INFINITY }
}

/// The stretches before and after a cut.
fn sides<'a>(values: &'a [f64], cuts: &[usize], cut: usize) -> (&'a [f64], &'a [f64]) {
    let start = if cut == 0 { 0 } else { cuts[cut - 1] };
    let end = cuts.get(cut + 1).copied().unwrap_or(values.len());
    (&values[start..cuts[cut]], &values[cuts[cut]..end])
}

fn shifts(points: &[(i64, f64)], values: &[f64], cuts: &[usize]) -> Vec<LevelShift> {
    let shift = |cut: usize| {
        let (before, after) = sides(values, cuts, cut);
        Some(LevelShift {
            last_before_unix_s: points[cuts[cut] - 1].0,
            at_unix_s: points[cuts[cut]].0,
            before_us: median_of(before)?,
            after_us: median_of(after)?,
            points_before: before.len() as u64,
            points_after: after.len() as u64,
            separation: separation(before, after),
        })
    };
    (0..cuts.len()).filter_map(shift).collect()
}

/// `|P(after > before) − P(after < before)|` over all pairs.
fn separation(before: &[f64], after: &[f64]) -> f64 {
    let mut sorted = before.to_vec();
    sorted.sort_by(f64::total_cmp);
    let balance: f64 = after
        .iter()
        .map(|value| {
            let below = sorted.partition_point(|other| other < value);
            let above = sorted.len() - sorted.partition_point(|other| other <= value);
            below as f64 - above as f64
        })
        .sum();
    (balance / (before.len() as f64 * after.len() as f64)).abs()
}

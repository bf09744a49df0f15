//! How well changes of level are found that people have marked in series of round trip times:
//! `cargo bench -p vantage-bench --bench change -- FOLDER`.
//!
//! Series with an even index (from 0, in the order of the folder's index) are for choosing parameters
//! from a grid, those with an odd one for the score. Found and marked changes are paired one to one
//! where they are at most [`TOLERANCE`] samples apart. The same is done for plain PELT on the mean
//! and for ED-PELT, on the same series.

use std::fmt;
use std::process::ExitCode;

use anyhow::Result;
use vantage_aggregator::analysis::Threshold;
use vantage_aggregator::analysis::change::{Settings, level_shifts};
use vantage_bench::labelled::{FORMAT, Labelled, read_folder};
use vantage_bench::pelt::{DistributionCost, MeanCost, SegmentCost, pelt};
use vantage_bench::{Matching, Table, folder, median_times};

/// Samples that a found change may be off by, to either side.
const TOLERANCE: usize = 2;
/// A wider one, to tell what was found in the wrong place from what was not found.
const WIDE_TOLERANCE: usize = 15;
/// Quantiles of the empirical distribution; the source's simulations use 4 ln n, about 37 here.
const QUANTILES: usize = 37;

fn main() -> Result<ExitCode> {
    let Some(folder) = folder() else {
        eprintln!("give {FORMAT}\n\ncargo bench -p vantage-bench --bench change -- FOLDER");
        return Ok(ExitCode::from(2));
    };
    let series = read_folder(&folder)?;
    let every_second = |first: usize| series.iter().skip(first).step_by(2).collect::<Vec<_>>();
    let halves = [every_second(0), every_second(1)];

    let mut table = Table::new(&[
        "method, parameters",
        "half",
        "marked",
        "found",
        "precision",
        "recall",
        "F1",
        "F1 of the mean series",
        "F1 ± 15 samples",
    ]);
    let bic = MeanPelt { penalty: 2.0, shortest: 2 };
    rows(&mut table, &format!("PELT on the mean, BIC: {bic}"), &halves, &bic);
    let tuned = best(MeanPelt::grid(), &halves[0]);
    rows(&mut table, &format!("PELT on the mean, tuned: {tuned}"), &halves, &tuned);
    let tuned = best(DistributionPelt::grid(), &halves[0]);
    rows(&mut table, &format!("ED-PELT, tuned: {tuned}"), &halves, &tuned);
    let tuned = best(Shifts::grid(), &halves[0]);
    rows(&mut table, &format!("level_shifts, tuned: {tuned}"), &halves, &tuned);
    let default = Shifts(Settings::default());
    rows(&mut table, &format!("level_shifts, as shipped: {default}"), &halves, &default);
    println!("{table}");
    println!(
        "{} series; even ones to choose parameters, odd ones to score; paired within ± {TOLERANCE} samples.",
        series.len(),
    );
    println!("{}", speed(&series));
    Ok(ExitCode::SUCCESS)
}

/// Something that finds changes: indices of points.
trait Detector: fmt::Display {
    fn find(&self, series: &Labelled) -> Vec<usize>;
}

fn score(detector: &impl Detector, half: &[&Labelled], tolerance: usize) -> (Matching, f64) {
    let mut sum = Matching::default();
    let mut of_series = 0.0;
    for series in half {
        let one = Matching::of(&series.marks, &detector.find(series), tolerance);
        sum += one;
        of_series += one.f1();
    }
    (sum, of_series / half.len().max(1) as f64)
}

/// The one with the highest F1 on these series; the first of several.
fn best<D: Detector>(grid: Vec<D>, half: &[&Labelled]) -> D {
    let scored = grid.into_iter().map(|each| (score(&each, half, TOLERANCE).0.f1(), each));
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    #[expect(clippy::expect_used, reason = "no grid is empty")]
    let (_, best) = best.expect("a detector");
    best
}

fn rows(table: &mut Table, name: &str, halves: &[Vec<&Labelled>; 2], detector: &impl Detector) {
    for (half, series) in ["training", "scored"].into_iter().zip(halves) {
        let (matching, of_series) = score(detector, series, TOLERANCE);
        let (wide, _) = score(detector, series, WIDE_TOLERANCE);
        table.row([
            name.to_owned(),
            half.to_owned(),
            matching.marked.to_string(),
            matching.found.to_string(),
            format!("{:.3}", matching.precision()),
            format!("{:.3}", matching.recall()),
            format!("{:.3}", matching.f1()),
            format!("{of_series:.3}"),
            format!("{:.3}", wide.f1()),
        ]);
    }
}

/// The aggregator's own.
struct Shifts(Settings);

impl Shifts {
    fn grid() -> Vec<Self> {
        let mut grid = Vec::new();
        for noise_multiple in [1.0, 2.0, 4.0] {
            for noise_floor in [0.005, 0.008, 0.011, 0.014] {
                for penalty in [15.0, 25.0, 35.0, 50.0] {
                    for shortest in [2, 3, 4] {
                        grid.push(Self(Settings {
                            noise_multiple,
                            noise_floor,
                            penalty,
                            shortest,
                            ..Settings::default()
                        }));
                    }
                }
            }
        }
        grid
    }
}

impl fmt::Display for Shifts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings { noise_multiple, noise_floor, penalty, shortest, smallest } = self.0;
        let Threshold { absolute_us, relative } = smallest;
        write!(
            f,
            "noise × {noise_multiple}, floor {noise_floor}, penalty {penalty}, shortest {shortest}, \
             smallest {absolute_us} µs or {relative}"
        )
    }
}

impl Detector for Shifts {
    fn find(&self, series: &Labelled) -> Vec<usize> {
        let shifts = level_shifts(&series.points, &self.0);
        let index = |time: i64| series.points.partition_point(|point| point.unix_s < time);
        shifts.iter().map(|shift| index(shift.at_unix_s)).collect()
    }
}

/// PELT on the mean. The penalty is so many times variance · ln n; 2 is BIC for a change of mean and
/// place. The variance is that of differences between neighbours, robustly, which no change of level
/// enlarges.
struct MeanPelt {
    penalty: f64,
    shortest: usize,
}

impl MeanPelt {
    fn grid() -> Vec<Self> {
        let penalties = (1..16).map(|power| 2_f64.powi(power));
        penalties.flat_map(|penalty| [2, 3, 5].map(|shortest| Self { penalty, shortest })).collect()
    }
}

impl fmt::Display for MeanPelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "penalty {} σ² ln n, shortest {}", self.penalty, self.shortest)
    }
}

impl Detector for MeanPelt {
    fn find(&self, series: &Labelled) -> Vec<usize> {
        let (kept, values) = measured(series);
        let mut steps: Vec<f64> = values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).collect();
        steps.sort_by(f64::total_cmp);
        // Normal differences have √2 times the deviation, and their median size is 0.6745 of that.
        let deviation = steps.get(steps.len() / 2).copied().unwrap_or(0.0) / 0.953_9;
        let penalty = self.penalty * deviation * deviation * (values.len() as f64).ln();
        cut(&kept, &MeanCost::new(&values), penalty, self.shortest)
    }
}

/// ED-PELT. The penalty is so many times ln n.
struct DistributionPelt {
    penalty: f64,
    shortest: usize,
}

impl DistributionPelt {
    fn grid() -> Vec<Self> {
        let penalties = [4.0, 8.0, 16.0, 32.0];
        penalties.into_iter().map(|penalty| Self { penalty, shortest: 3 }).collect()
    }
}

impl fmt::Display for DistributionPelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{QUANTILES} quantiles, penalty {} ln n, shortest {}",
            self.penalty, self.shortest
        )
    }
}

impl Detector for DistributionPelt {
    fn find(&self, series: &Labelled) -> Vec<usize> {
        let (kept, values) = measured(series);
        let penalty = self.penalty * (values.len() as f64).ln();
        cut(&kept, &DistributionCost::new(&values, QUANTILES), penalty, self.shortest)
    }
}

/// The indices of the points that have a value, and the values.
fn measured(series: &Labelled) -> (Vec<usize>, Vec<f64>) {
    let points = series.points.iter().enumerate();
    points.filter_map(|(index, point)| Some((index, point.value_us?))).unzip()
}

fn cut(kept: &[usize], cost: &impl SegmentCost, penalty: f64, shortest: usize) -> Vec<usize> {
    pelt(cost, penalty, shortest).into_iter().map(|cut| kept[cut]).collect()
}

/// What the longest series takes.
fn speed(series: &[Labelled]) -> String {
    let Some(longest) = series.iter().max_by_key(|each| each.points.len()) else {
        return "No series.".to_owned();
    };
    let settings = Settings::default();
    let [time] = median_times([&mut || drop(level_shifts(&longest.points, &settings))]);
    format!("{} points take {:.1} ms.", longest.points.len(), time.as_secs_f64() * 1e3)
}

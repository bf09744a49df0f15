//! Quantiles and orders recomputed from published measurements, beside the published ones.
//!
//! `matrices/aws_cloudping_2024-04-19.csv` has six quantiles of the latencies from every region to
//! every other. The samples themselves were not published, so they are drawn evenly from the line
//! through these quantiles; the analysis then has to find the quantiles and orders again.

use std::collections::BTreeMap;
use std::path::Path;

use vantage_aggregator::analysis::{Sample, score_us};
use vantage_aggregator::catalogue::Score;
use vantage_bench::Table;
use vantage_wire::{LatencyHistogram, Micros};

const FILE: &str = "matrices/aws_cloudping_2024-04-19.csv";
/// The columns of the file that hold quantiles.
const COLUMNS: [(&str, f64); 6] =
    [("p10", 0.10), ("p25", 0.25), ("rtt_ms", 0.50), ("p75", 0.75), ("p90", 0.90), ("p99", 0.99)];
const ASKED: [(&str, f64); 3] = [("rtt_ms", 0.50), ("p90", 0.90), ("p99", 0.99)];
const SAMPLES: u32 = 20_000;

/// Published quantiles in milliseconds, from one region to one other.
type Row = [f64; COLUMNS.len()];

/// Prints how far ours agree with the published figures.
pub fn compare(folder: &Path) {
    let path = folder.join(FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => return println!("{} cannot be read: {error}", path.display()),
    };
    let rows = rows(&text);
    let samples: BTreeMap<_, _> = rows.iter().map(|(pair, row)| (pair, sample(row))).collect();
    println!("\n{FILE}: {} pairs of regions whose quantiles ascend\n", rows.len());

    let mut table = Table::new(&[
        "quantile",
        "largest deviation, %",
        "pairs of sites in the same order",
        "in another",
        "same best site",
        "regions",
    ]);
    for (name, quantile) in ASKED {
        let column = COLUMNS.iter().position(|(column, _)| *column == name).unwrap_or_default();
        let mut of_regions: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        let mut deviation: f64 = 0.0;
        for (pair, row) in &rows {
            let score = score_us(&samples[pair], Score::Quantile(quantile)).unwrap_or(f64::NAN);
            let (ours, theirs) = (score / 1e3, row[column]);
            deviation = deviation.max((ours / theirs - 1.0).abs());
            of_regions.entry(pair.0).or_default().push((ours, theirs));
        }
        let (mut same, mut other, mut same_best) = (0, 0, 0);
        for sites in of_regions.values() {
            for (first, (ours, theirs)) in sites.iter().enumerate() {
                for (our_other, their_other) in &sites[first + 1..] {
                    // Sites published as equal have no order.
                    let agree = (ours - our_other) * (theirs - their_other);
                    same += u32::from(agree > 0.0);
                    other += u32::from(agree < 0.0);
                }
            }
            let best = |latency: fn(&(f64, f64)) -> f64| {
                (0..sites.len()).min_by(|a, b| latency(&sites[*a]).total_cmp(&latency(&sites[*b])))
            };
            same_best += u32::from(best(|(ours, _)| *ours) == best(|(_, theirs)| *theirs));
        }
        table.row([
            format!("p{:.0}", 100.0 * quantile),
            format!("{:.3}", 100.0 * deviation),
            same.to_string(),
            other.to_string(),
            same_best.to_string(),
            of_regions.len().to_string(),
        ]);
    }
    println!("{table}");
}

/// Rows whose quantiles ascend, by the regions from and to.
fn rows(text: &str) -> BTreeMap<(&str, &str), Row> {
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let position = |name: &str| header.iter().position(|column| *column == name);
    lines
        .filter_map(|line| {
            let cells: Vec<&str> = line.split(',').collect();
            let mut row = [0.0; COLUMNS.len()];
            for (value, (name, _)) in row.iter_mut().zip(COLUMNS) {
                *value = cells.get(position(name)?)?.parse().ok()?;
            }
            let pair = (*cells.get(position("from")?)?, *cells.get(position("to")?)?);
            row.is_sorted().then_some((pair, row))
        })
        .collect()
}

/// Evenly spread over the line through the quantiles, which ends at the outer ones.
fn sample(row: &Row) -> Sample {
    let latencies = (0..SAMPLES).map(|number| {
        let share = (f64::from(number) + 0.5) / f64::from(SAMPLES);
        let after = COLUMNS.partition_point(|(_, quantile)| *quantile < share);
        let milliseconds = match after {
            0 => row[0],
            after if after == COLUMNS.len() => row[after - 1],
            after => {
                let (low, high) = (COLUMNS[after - 1].1, COLUMNS[after].1);
                let part = (share - low) / (high - low);
                row[after - 1] + part * (row[after] - row[after - 1])
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "some seconds at most"
        )]
        let latency = Micros::new((1000.0 * milliseconds).round() as u64);
        latency
    });
    let mut sample = Sample::default();
    sample.add_latencies(&LatencyHistogram::from_samples(latencies)).expect("few samples");
    sample
}

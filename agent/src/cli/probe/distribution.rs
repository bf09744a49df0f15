//! A histogram as a drawing: columns of block characters over log-spaced buckets.

use vantage_wire::{LatencyHistogram, Micros};

use super::number::short;

const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The narrowest range drawn, as a ratio: a target that always takes as long is one column, not a
/// mountain range of microseconds.
const NARROWEST: f64 = 1.2;

/// Draws a histogram, `rows` lines high, and below them the range of its axis. No line is wider
/// than `columns`. Nothing where there are no samples.
pub fn draw(histogram: &LatencyHistogram, columns: usize, rows: usize) -> Vec<String> {
    let (Some(least), Some(most)) = (histogram.min(), histogram.max()) else { return Vec::new() };
    let (low, high) = range(least, most);
    let counts = counts(histogram, low, high, columns);
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let mut lines: Vec<String> = (0..rows)
        .rev()
        .map(|row| counts.iter().map(|&count| cell(count, highest, row, rows)).collect())
        .collect();
    let (left, right) = (short(micros(low)), short(micros(high)));
    let gap = columns.saturating_sub(left.chars().count() + right.chars().count());
    lines.push(format!("{left}{}{right}", " ".repeat(gap)));
    lines
}

fn range(least: Micros, most: Micros) -> (f64, f64) {
    let (low, high) = (least.get().max(1) as f64, most.get().max(1) as f64);
    if high / low >= NARROWEST {
        return (low, high);
    }
    let middle = (low * high).sqrt();
    (middle / NARROWEST.sqrt(), middle * NARROWEST.sqrt())
}

fn counts(histogram: &LatencyHistogram, low: f64, high: f64, columns: usize) -> Vec<u64> {
    let mut counts = vec![0; columns];
    for bucket in histogram.buckets() {
        let middle =
            ((bucket.lowest.get().max(1) as f64) * (bucket.highest.get().max(1) as f64)).sqrt();
        let place = (middle / low).ln() / (high / low).ln() * columns as f64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the columns there are"
        )]
        let column = place.clamp(0.0, columns.saturating_sub(1) as f64) as usize;
        if let Some(count) = counts.get_mut(column) {
            *count += bucket.count;
        }
    }
    counts
}

/// One character of a column. Whatever has a sample shows at least the lowest block.
fn cell(count: u64, highest: u64, row: usize, rows: usize) -> char {
    let levels = rows as u128 * 8;
    let level = u128::from(count) * levels / u128::from(highest);
    let level = if count > 0 { level.max(1) } else { 0 };
    let above = level.saturating_sub(row as u128 * 8).min(8);
    usize::try_from(above).ok().and_then(|at| EIGHTHS.get(at)).copied().unwrap_or(' ')
}

fn micros(value: f64) -> Micros {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 60 s")]
    Micros::new(value.round().max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[u64]) -> LatencyHistogram {
        LatencyHistogram::from_samples(millis.iter().map(|&ms| Micros::from_millis(ms)))
    }

    #[test]
    fn buckets_are_log_spaced() {
        // Four columns for each factor of ten: 1 to 10, 10 to 100, 100 to 1000.
        let samples = of(&[1, 2, 5, 20, 50, 200, 200, 200, 1000]);
        assert_eq!(draw(&samples, 12, 1), ["▂▂▂  ▂▂  █ ▂", "1.00 ms1.00 s"].map(str::to_owned));
    }

    #[test]
    fn heights_are_proportional_and_no_sample_is_invisible() {
        let mut samples = vec![10; 160];
        samples.extend([100; 80]);
        samples.push(1000);
        let lines = draw(&of(&samples), 3, 2);
        assert_eq!(lines, ["█  ", "██▁", "10.0 ms1.00 s"].map(str::to_owned));
    }

    #[test]
    fn what_always_takes_as_long_is_one_column() {
        let lines = draw(&of(&[100; 5]), 20, 1);
        assert_eq!(lines[0].trim(), "█");
        assert!(draw(&of(&[]), 20, 1).is_empty());
    }
}

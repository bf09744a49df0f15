//! How noisy a series is.

use super::levels::median;

/// Half the width of the window whose median noise is counted from.
const HALF_WINDOW_S: i64 = 12 * 3600;
/// What the median absolute deviation of a normal distribution is, in standard deviations.
const NORMAL_MAD: f64 = 0.674_489_750_196_082;

/// The standard deviation that the series' noise would have if it were normal: the median distance
/// from the running median of a day, scaled (the median absolute deviation, Hampel 1974).
///
/// A day, so that congestion that comes every evening is noise, not a change; a median of medians,
/// so that neither spikes nor a few changes of level make a series look noisy. `points` are times in
/// seconds and values, in the order of time. Zero for an empty series.
pub(super) fn noise(points: &[(i64, f64)]) -> f64 {
    let mut window: Vec<f64> = Vec::new();
    let (mut first, mut end) = (0, 0);
    let mut distances: Vec<f64> = Vec::with_capacity(points.len());
    for &(time, value) in points {
        while let Some(&(entering, value)) = points.get(end)
            && entering <= time.saturating_add(HALF_WINDOW_S)
        {
            window.insert(rank(&window, value), value);
            end += 1;
        }
        while points[first].0 < time.saturating_sub(HALF_WINDOW_S) {
            window.remove(rank(&window, points[first].1));
            first += 1;
        }
        let middle = f64::midpoint(window[(window.len() - 1) / 2], window[window.len() / 2]);
        distances.push((value - middle).abs());
    }
    median(&mut distances).unwrap_or(0.0) / NORMAL_MAD
}

/// How many values of a sorted list are below this one.
fn rank(sorted: &[f64], value: f64) -> usize {
    sorted.partition_point(|other| *other < value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_counted_from_the_level_of_the_day() {
        // Four days that take turns to be 0, 1 or 2 off a level, which jumps by 1000 between them.
        let points: Vec<(i64, f64)> = (0_i32..96)
            .map(|hour| {
                let level = if hour < 48 { 5000.0 } else { 6000.0 };
                (i64::from(hour) * 3600, level + f64::from(hour % 5 - 2))
            })
            .collect();
        assert!((noise(&points) * NORMAL_MAD - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_constant_series_and_an_empty_one_have_none() {
        assert!(noise(&[(0, 7.0), (60, 7.0), (120, 7.0)]).abs() < f64::EPSILON);
        assert!(noise(&[]).abs() < f64::EPSILON);
    }
}

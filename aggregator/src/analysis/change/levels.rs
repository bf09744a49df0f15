//! The levels that a series may have, and medians.

/// Steps of the grid of levels per unit of noise. What a level is off by is at most an eighth of the
/// noise, far below what a jump must gain.
const STEPS_PER_SCALE: f64 = 4.0;
/// Most levels that are tried. Above it the grid gets coarser.
const MOST_LEVELS: usize = 1024;

/// Levels that segments of `values` may have, on a grid whose step follows from the noise's `scale`.
///
/// Where the series is nowhere, no level is needed; that of a lone spike is not needed either, so
/// medians of three neighbours are enough.
pub(super) fn candidate_levels(values: &[f64], scale: f64) -> Vec<f64> {
    let middles: Vec<f64> = if values.len() < 3 {
        values.to_vec()
    } else {
        values.windows(3).filter_map(|three| median(&mut three.to_vec())).collect()
    };
    let mut step = scale / STEPS_PER_SCALE;
    loop {
        let mut levels: Vec<f64> =
            middles.iter().map(|middle| (middle / step).round() * step).collect();
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        if levels.len() <= MOST_LEVELS {
            return levels;
        }
        step *= 2.0;
    }
}

/// The median; reorders the values. `None` of none.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    let half = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let upper = *middle;
    let lower = below.iter().copied().max_by(f64::total_cmp);
    Some(if even { f64::midpoint(lower.unwrap_or(upper), upper) } else { upper })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&mut [5.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(&mut []), None);
    }

    #[test]
    fn there_are_levels_where_the_series_is_and_few_of_them() {
        let values = [100.0, 100.1, 99.9, 9000.0, 100.0, 200.0, 200.1, 200.0];
        let levels = candidate_levels(&values, 4.0);
        assert_eq!(levels, [100.0, 200.0]);
        let wild: Vec<f64> = (1..100_000).map(f64::from).collect();
        assert!(candidate_levels(&wild, 1.0).len() <= MOST_LEVELS);
    }
}

//! The best way to cut a series into stretches of one level each.

/// What fitting costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// The distance from the level that costs 1, above 0.
    pub(super) scale: f64,
    /// The most that one point costs.
    pub(super) limit: f64,
    /// What a jump costs.
    pub(super) penalty: f64,
}

/// Where the level jumps in the cheapest of all ways to give every value one of the `levels`: the
/// indices of the first values of all stretches but the first.
///
/// `Σ min(|value − level| / scale, limit) + penalty · jumps` is at its minimum. Found exactly by
/// dynamic programming (Viterbi 1967) in time `values · levels`: the cheapest way to be at a level
/// is to stay there, or to come from wherever it was cheapest to be.
pub(super) fn jumps(values: &[f64], levels: &[f64], costs: Costs) -> Vec<usize> {
    let mut cost = vec![0.0_f64; levels.len()];
    // Where the stretch begins that each level's cheapest way ends with.
    let mut since = vec![0_usize; levels.len()];
    // The same of the cheapest way to any level, up to before each value.
    let mut last_since = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let (cheapest, ending_since) = cheapest(&cost, &since);
        last_since.push(ending_since);
        let moved = cheapest + costs.penalty;
        for ((cost, since), level) in cost.iter_mut().zip(&mut since).zip(levels) {
            if *cost > moved {
                *cost = moved;
                *since = index;
            }
            *cost += ((value - level).abs() / costs.scale).min(costs.limit);
        }
    }
    let (_, mut start) = cheapest(&cost, &since);
    let mut jumps = Vec::new();
    while start > 0 {
        jumps.push(start);
        start = last_since[start];
    }
    jumps.reverse();
    jumps
}

fn cheapest(cost: &[f64], since: &[usize]) -> (f64, usize) {
    let all = cost.iter().copied().zip(since.iter().copied());
    all.min_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or((0.0, 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COSTS: Costs = Costs { scale: 1.0, limit: 4.0, penalty: 10.0 };

    fn cost_of(values: &[f64], levels: &[f64], jumps: &[usize], costs: Costs) -> f64 {
        let mut bounds = vec![0];
        bounds.extend(jumps);
        bounds.push(values.len());
        let stretches = bounds.windows(2).map(|bounds| {
            let of_level = |level: &f64| {
                let stretch = values[bounds[0]..bounds[1]].iter();
                stretch.map(|value| ((value - level).abs() / costs.scale).min(costs.limit)).sum()
            };
            levels.iter().map(of_level).fold(f64::INFINITY, f64::min)
        });
        stretches.sum::<f64>() + costs.penalty * jumps.len() as f64
    }

    #[test]
    fn a_step_is_found_and_a_spike_is_not_one() {
        let mut values = vec![10.0; 20];
        values.extend([18.0; 20]);
        values[5] = 1e9;
        values[30] = 10.0;
        assert_eq!(jumps(&values, &[10.0, 18.0], COSTS), [20]);
    }

    proptest! {
        #[test]
        fn no_other_way_to_cut_a_short_series_is_cheaper(
            values in prop::collection::vec(0.0_f64..30.0, 1..9),
        ) {
            let levels: Vec<f64> = (0..30).map(f64::from).collect();
            let costs = Costs { scale: 1.0, limit: 8.0, penalty: 5.0 };
            let found = cost_of(&values, &levels, &jumps(&values, &levels, costs), costs);
            for cuts in 0_u32..1 << (values.len() - 1) {
                let jumps: Vec<usize> =
                    (1..values.len()).filter(|index| cuts >> (index - 1) & 1 == 1).collect();
                prop_assert!(found <= cost_of(&values, &levels, &jumps, costs) + 1e-9);
            }
        }
    }
}

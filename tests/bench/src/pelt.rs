//! PELT (Killick, Fearnhead & Eckley 2012) with two costs, for comparison.

/// What a segment costs, for segments of one series.
pub trait SegmentCost {
    /// Values in the series.
    fn len(&self) -> usize;
    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The cost of the values from `start` to before `end`, of which there is at least one.
    fn cost(&self, start: usize, end: usize) -> f64;
}

/// The first values of all segments but the first, where `Σ cost + penalty · segments` is at its
/// minimum among all segmentations without a segment of fewer than `shortest` values.
pub fn pelt(series: &impl SegmentCost, penalty: f64, shortest: usize) -> Vec<usize> {
    let mut best = vec![f64::INFINITY; series.len() + 1];
    best[0] = -penalty;
    let mut previous = vec![0; series.len() + 1];
    let mut candidates: Vec<usize> = Vec::new();
    let mut costs: Vec<f64> = Vec::new();
    for end in shortest..=series.len() {
        let candidate = end - shortest;
        if best[candidate].is_finite() {
            candidates.push(candidate);
        }
        costs.clear();
        costs.extend(candidates.iter().map(|start| best[*start] + series.cost(*start, end)));
        for (start, cost) in candidates.iter().zip(&costs) {
            if cost + penalty < best[end] {
                best[end] = cost + penalty;
                previous[end] = *start;
            }
        }
        // Never cheaper again than a segmentation that ends here. What is too young to be the end of
        // a segment at its next comparison stays.
        let mut cost = costs.iter();
        candidates.retain(|start| {
            cost.next().is_some_and(|cost| *cost <= best[end]) || end - start < 2 * shortest
        });
    }
    let mut cuts = Vec::new();
    let mut end = previous[series.len()];
    while end > 0 {
        cuts.push(end);
        end = previous[end];
    }
    cuts.reverse();
    cuts
}

/// The sum of squared distances from the segment's mean: a change of the mean of normal noise.
pub struct MeanCost {
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl MeanCost {
    /// Of these values.
    pub fn new(values: &[f64]) -> Self {
        let middle = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let running = |power: i32| {
            let mut sum = 0.0;
            let sums = values.iter().map(|value| {
                sum += (value - middle).powi(power);
                sum
            });
            std::iter::once(0.0).chain(sums).collect()
        };
        Self { sums: running(1), squares: running(2) }
    }
}

impl SegmentCost for MeanCost {
    fn len(&self) -> usize {
        self.sums.len() - 1
    }

    fn cost(&self, start: usize, end: usize) -> f64 {
        let sum = self.sums[end] - self.sums[start];
        self.squares[end] - self.squares[start] - sum * sum / (end - start) as f64
    }
}

/// The empirical distribution's likelihood at some quantiles, with weights to the tails: any change
/// of distribution (ED-PELT: Haynes, Fearnhead & Eckley 2017).
pub struct DistributionCost {
    quantiles: usize,
    /// For each position and quantile, twice how many values before it are below the quantile;
    /// equal ones count half.
    below: Vec<usize>,
    weight: f64,
    /// `n · ln n` of halves.
    entropy: Vec<f64>,
}

impl DistributionCost {
    /// Of these values, at so many quantiles.
    pub fn new(values: &[f64], quantiles: usize) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let spread = (2.0 * values.len() as f64 - 1.0).ln();
        let thresholds: Vec<f64> = (0..quantiles)
            .map(|index| {
                let place = 1.0 - (2.0 * index as f64 + 1.0) / quantiles as f64;
                let share = (1.0 + (spread * place).exp()).recip();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and the number of values"
                )]
                let rank = (share * (values.len() as f64 - 1.0)) as usize;
                sorted[rank]
            })
            .collect();
        let mut below = vec![0; quantiles];
        for (index, value) in values.iter().enumerate() {
            for (quantile, threshold) in thresholds.iter().enumerate() {
                let halves = usize::from(value < threshold) + usize::from(value <= threshold);
                below.push(below[index * quantiles + quantile] + halves);
            }
        }
        let halves = (0..=2 * values.len()).map(|halves| halves as f64 / 2.0);
        let entropy = halves.map(|n| if n > 0.0 { n * n.ln() } else { 0.0 }).collect();
        Self { quantiles, below, weight: 2.0 * spread / quantiles as f64, entropy }
    }
}

impl SegmentCost for DistributionCost {
    fn len(&self) -> usize {
        self.below.len() / self.quantiles - 1
    }

    fn cost(&self, start: usize, end: usize) -> f64 {
        let all = 2 * (end - start);
        let row = |position: usize| &self.below[position * self.quantiles..][..self.quantiles];
        let likelihoods = row(start).iter().zip(row(end)).map(|(before, after)| {
            let below = after - before;
            self.entropy[below] + self.entropy[all - below] - self.entropy[all]
        });
        -self.weight * likelihoods.sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step() -> Vec<f64> {
        (0..60).map(|i| f64::from(i % 3) * 0.1 + if i < 25 { 1.0 } else { 5.0 }).collect()
    }

    #[test]
    fn both_costs_find_a_plain_step() {
        assert_eq!(pelt(&MeanCost::new(&step()), 1.0, 2), [25]);
        assert_eq!(pelt(&DistributionCost::new(&step(), 10), 3.0 * 60_f64.ln(), 2), [25]);
    }

    #[test]
    fn a_short_series_has_no_cut() {
        assert!(pelt(&MeanCost::new(&[1.0]), 1.0, 2).is_empty());
        assert!(pelt(&MeanCost::new(&[]), 1.0, 2).is_empty());
    }
}

//! What holds for a set that the search is putting together.

use super::instance::{Instance, LANES};

/// A candidate that is still possible, and at most what it saves.
#[derive(Clone, Copy)]
pub(super) struct Open {
    pub saving: f64,
    pub candidate: usize,
}

/// What holds for the set so far.
#[derive(Clone)]
pub(super) struct Frame {
    /// The least that each market costs with it.
    nearest: Vec<f64>,
    /// Their sum.
    pub cost: f64,
    pub price: f64,
    /// Demands that want one more candidate, or two.
    wanting: Vec<u64>,
    /// Demands that want two more.
    wanting_two: Vec<u64>,
    /// The candidates that may still come in, by falling savings.
    pub open: Vec<Open>,
}

impl Frame {
    pub(super) fn root(instance: &Instance) -> Self {
        Self {
            nearest: instance.unserved.clone(),
            cost: instance.unserved.iter().sum(),
            price: 0.0,
            wanting: instance.demands.clone(),
            wanting_two: instance.demands_of_two.clone(),
            open: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, instance: &Instance, candidate: usize) {
        for (nearest, cost) in self.nearest.iter_mut().zip(instance.row(candidate)) {
            *nearest = nearest.min(*cost);
        }
        self.cost = self.nearest.iter().sum();
        self.price += instance.prices[candidate];
        let met = instance.met_by(candidate);
        for ((wanting, two), met) in self.wanting.iter_mut().zip(&mut self.wanting_two).zip(met) {
            *wanting &= !met | *two;
            *two &= !met;
        }
    }

    /// Becomes another set with one more candidate. Keeps its own list of what is possible.
    pub(super) fn become_with(&mut self, parent: &Self, instance: &Instance, candidate: usize) {
        self.nearest.copy_from_slice(&parent.nearest);
        self.wanting.copy_from_slice(&parent.wanting);
        self.wanting_two.copy_from_slice(&parent.wanting_two);
        self.price = parent.price;
        self.add(instance, candidate);
    }

    pub(super) fn is_satisfied(&self) -> bool {
        self.wanting.iter().all(|word| *word == 0)
    }

    /// Whether one more candidate would meet all that is wanted.
    pub(super) fn is_satisfied_by(&self, met: &[u64]) -> bool {
        let lacking = self.wanting.iter().zip(&self.wanting_two).zip(met);
        lacking.fold(0, |all, ((wanting, two), met)| all | (wanting & !met) | two) == 0
    }

    /// The first demand that is not met: its word, and its bit in it.
    pub(super) fn first_wanting(&self) -> Option<(usize, u64)> {
        let word = self.wanting.iter().position(|word| *word != 0)?;
        Some((word, 1 << self.wanting[word].trailing_zeros()))
    }

    /// The sum of the least costs if a candidate came in.
    pub(super) fn cost_with(&self, row: &[f64]) -> f64 {
        let mut sums = [0.0; LANES];
        for (nearest, costs) in self.nearest.chunks_exact(LANES).zip(row.chunks_exact(LANES)) {
            for lane in 0..LANES {
                // Unlike `f64::min`, this is one instruction: there is no NaN here.
                let (held, cost) = (nearest[lane], costs[lane]);
                sums[lane] += if held < cost { held } else { cost };
            }
        }
        sums.iter().sum()
    }
}

//! What is compared, and how sure it is on one side.

use std::collections::BTreeMap;

use vantage_wire::{FailureCode, Phase};

use crate::analysis::{Estimate, Replicates, Sample, View, failure_rate, score_us};
use crate::catalogue::Score;

/// A statistic of which less is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Measure {
    /// In microseconds.
    Score(Score),
    /// All failures that count against the site, as a share of the attempts.
    FailureRate,
    /// Failures of one kind, as a share of the attempts.
    Failures(Phase, FailureCode),
}

/// A statistic on one side, ready to be compared, summed up or freed of what controls did.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub replicates: Replicates,
    /// The least standard error that is believed.
    pub floor: f64,
}

impl Measure {
    /// `None` where it has no finite value, with all days or without one.
    pub fn of(self, view: &View) -> Option<Measured> {
        let replicates = match self {
            Self::Score(score) => Replicates::of_score(view, score),
            Self::FailureRate => Replicates::of_failure_rate(view),
            Self::Failures(phase, code) => share_of(view, phase, code),
        }?;
        let values = || replicates.without.values().chain([&replicates.all]);
        if !values().all(|value| value.is_finite()) {
            return None;
        }
        Some(Measured { floor: self.floor(view.total()), replicates })
    }

    /// The value on one side; infinite as a mean time to success where nothing succeeded.
    pub fn value(self, sample: &Sample) -> Option<f64> {
        match self {
            Self::Score(score) => score_us(sample, score),
            Self::FailureRate => failure_rate(sample),
            Self::Failures(phase, code) => {
                let attempts = sample.attempts();
                (attempts > 0).then(|| count(sample, phase, code) as f64 / attempts as f64)
            }
        }
    }

    /// The standard error that a share would have if failures were independent of each other, and
    /// at least that of a single failure. Failures that come in clusters have a larger one; days
    /// that happen to have equally many, or none, would have a smaller one or zero.
    fn floor(self, sample: &Sample) -> f64 {
        if matches!(self, Self::Score(_)) {
            return 0.0;
        }
        let attempts = sample.attempts().max(1) as f64;
        (self.failures(sample).max(1) as f64).sqrt() / attempts
    }

    /// The failures that it counts.
    pub fn failures(self, sample: &Sample) -> u64 {
        match self {
            Self::Failures(phase, code) => count(sample, phase, code),
            Self::Score(_) | Self::FailureRate => sample.failed(),
        }
    }
}

pub(super) fn count(sample: &Sample, phase: Phase, code: FailureCode) -> u64 {
    sample.failures().get(&(phase, code)).copied().unwrap_or(0)
}

/// Failures of one kind as a share of the attempts.
fn share_of(view: &View, phase: Phase, code: FailureCode) -> Option<Replicates> {
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let (part, whole) = (count(view.total(), phase, code), view.total().attempts());
    let without = view.measured().map(|(block, sample)| {
        let part = part.saturating_sub(count(sample, phase, code));
        Some((block, share(part, whole.saturating_sub(sample.attempts()))?))
    });
    Some(Replicates { all: share(part, whole)?, without: without.collect::<Option<_>>()? })
}

impl Measured {
    /// The value with its standard error; `None` with fewer than two days.
    pub fn estimate(&self) -> Option<Estimate> {
        let estimate = self.replicates.estimate()?;
        Some(Estimate { standard_error: estimate.standard_error.max(self.floor), ..estimate })
    }

    /// Less another one, day by day.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            replicates: self.replicates.combine(&other.replicates, |ours, theirs| ours - theirs),
            floor: self.floor.hypot(other.floor),
        }
    }

    /// `Σ weight · statistic`, day by day; zero where there is nothing to add.
    pub fn sum<'a>(parts: impl IntoIterator<Item = (f64, &'a Self)>) -> Self {
        let zero =
            Self { replicates: Replicates { all: 0.0, without: BTreeMap::new() }, floor: 0.0 };
        parts.into_iter().fold(zero, |sum, (weight, part)| Self {
            replicates: Replicates::sum([(1.0, &sum.replicates), (weight, &part.replicates)]),
            floor: sum.floor.hypot(weight * part.floor),
        })
    }

    /// The mean, day by day; `None` of nothing.
    pub fn mean(parts: &[Self]) -> Option<Self> {
        let weight = 1.0 / parts.len() as f64;
        (!parts.is_empty()).then(|| Self::sum(parts.iter().map(|part| (weight, part))))
    }
}

//! After less before, and both less what the controls did.

use serde::{Deserialize, Serialize};

use super::measure::Measured;
use crate::analysis::{CONFIDENCE, Estimate, Interval, Verdict};

/// A figure with the interval that holds the truth with a probability of 95 %. Its unit is in the
/// name of the field that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Figure {
    /// The best guess.
    pub value: f64,
    /// Where the truth is.
    pub interval: Interval,
}

impl Figure {
    /// `None` where there is no finite interval.
    pub(super) fn of(estimate: &Estimate) -> Option<Self> {
        let interval = estimate.interval(CONFIDENCE);
        let ends = [estimate.value, interval.low, interval.high];
        ends.iter().all(|end| end.is_finite()).then_some(Self { value: estimate.value, interval })
    }

    /// As a multiple of something above zero.
    pub(super) fn relative_to(&self, whole: f64) -> Option<Self> {
        let divided = Self {
            value: self.value / whole,
            interval: Interval { low: self.interval.low / whole, high: self.interval.high / whole },
        };
        let ends = [divided.value, divided.interval.low, divided.interval.high];
        (whole > 0.0 && ends.iter().all(|end| end.is_finite())).then_some(divided)
    }
}

/// One side of a comparison: what moved, and what did not.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub moved: Measured,
    /// The mean of the controls.
    pub controls: Option<Measured>,
}

/// What changed from one side to the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Difference {
    /// Of what moved.
    pub plain: Option<Estimate>,
    /// Of the controls.
    pub controls: Option<Estimate>,
    /// Of what moved, less that of the controls.
    pub adjusted: Option<Estimate>,
}

impl Difference {
    pub fn between(before: &Side, after: &Side) -> Self {
        let plain = change(&before.moved, &after.moved);
        let Some((controls_before, controls_after)) =
            before.controls.as_ref().zip(after.controls.as_ref())
        else {
            return Self { plain, controls: None, adjusted: None };
        };
        Self {
            plain,
            controls: change(controls_before, controls_after),
            // Within a side day by day, so that what all sites have in common on a day cancels out;
            // between the sides no day is in common.
            adjusted: change(
                &before.moved.minus(controls_before),
                &after.moved.minus(controls_after),
            ),
        }
    }

    /// What is to be judged: the adjusted change where there are controls.
    pub fn judged(&self) -> Option<Estimate> {
        if self.controls.is_some() { self.adjusted } else { self.plain }
    }
}

/// After less before; `None` where a side has fewer than two days.
pub(super) fn change(before: &Measured, after: &Measured) -> Option<Estimate> {
    let change = after.estimate()?.minus(&before.estimate()?);
    Figure::of(&change).map(|_| change)
}

/// What may be said of a change, if anything.
pub(super) fn verdict(change: Option<&Estimate>, threshold: f64) -> Verdict {
    change.map_or(Verdict::Inconclusive, |change| Verdict::of(change, threshold))
}

//! What may be said of a difference.

use std::fmt;

use super::CONFIDENCE;
use super::estimate::Estimate;

/// What may be said of a site beside another, or of a service after a migration.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is faster, or fails less.
    Better,
    /// It is slower, or fails more.
    Worse,
    /// Whatever the difference is, it is too small to matter.
    Equivalent,
    /// The data do not tell.
    Inconclusive,
    /// There are not enough data to ask.
    Undersampled,
}

impl Verdict {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Equivalent => "equivalent",
            Self::Inconclusive => "inconclusive",
            Self::Undersampled => "undersampled",
        }
    }

    /// Of a difference where less is better, that matters from `threshold` on.
    ///
    /// [Equivalent](Self::is_equivalent) where it is so. Otherwise better or worse where the 95 %
    /// interval does not hold zero.
    pub fn of(difference: &Estimate, threshold: f64) -> Self {
        Self::at(difference, threshold, CONFIDENCE)
    }

    /// The same, but better or worse only where the interval of another confidence does not hold
    /// zero: where many differences are judged at once, each has to be surer.
    pub fn at(difference: &Estimate, threshold: f64, confidence: f64) -> Self {
        let interval = difference.interval(confidence);
        if Self::is_equivalent(difference, threshold) {
            Self::Equivalent
        } else if interval.high < 0.0 {
            Self::Better
        } else if interval.low > 0.0 {
            Self::Worse
        } else {
            Self::Inconclusive
        }
    }

    /// Whether a difference is certainly smaller than `threshold`, either way.
    ///
    /// By two one-sided tests (Schuirmann 1987): both at 5 % say that the difference lies within
    /// ± the threshold, which is to say that its 90 % interval does.
    pub fn is_equivalent(difference: &Estimate, threshold: f64) -> bool {
        let interval = difference.interval(1.0 - 2.0 * (1.0 - CONFIDENCE));
        -threshold < interval.low && interval.high < threshold
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// From what on a difference of scores matters in practice: the larger of the two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// In microseconds.
    pub absolute_us: f64,
    /// As a share of the score compared with.
    pub relative: f64,
}

impl Threshold {
    /// In microseconds, beside a score.
    pub fn beside(&self, score_us: f64) -> f64 {
        self.absolute_us.max(self.relative * score_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: f64, standard_error: f64) -> Verdict {
        // Margins: 2.045 standard errors at 95 %, 1.699 at 90 %.
        let difference =
            Estimate { value, standard_error, degrees_of_freedom: 29.0, skewness: 0.0 };
        Verdict::of(&difference, 5.0)
    }

    #[test]
    fn a_difference_beyond_its_margin_is_better_or_worse() {
        assert_eq!(verdict(-10.0, 4.0), Verdict::Better);
        assert_eq!(verdict(10.0, 4.0), Verdict::Worse);
        assert_eq!(verdict(8.0, 4.0), Verdict::Inconclusive);
    }

    #[test]
    fn a_difference_that_is_surely_too_small_is_equivalent() {
        assert_eq!(verdict(0.0, 2.0), Verdict::Equivalent);
        assert_eq!(verdict(3.0, 1.0), Verdict::Equivalent);
        assert_eq!(verdict(3.0, 1.3), Verdict::Worse);
    }

    #[test]
    fn no_difference_found_is_not_equivalence() {
        assert_eq!(verdict(0.0, 3.0), Verdict::Inconclusive);
    }

    #[test]
    fn the_larger_threshold_counts() {
        let threshold = Threshold { absolute_us: 5_000.0, relative: 0.02 };
        assert!((threshold.beside(100_000.0) - 5_000.0).abs() < 1e-9);
        assert!((threshold.beside(400_000.0) - 8_000.0).abs() < 1e-9);
    }
}

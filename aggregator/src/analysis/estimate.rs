//! A value with its standard error.

use statrs::distribution::{ContinuousCDF as _, Normal, StudentsT};

/// From here on Student's t is the normal distribution but for 0.00003, and its quantiles come out
/// worse than that.
const NORMAL_FROM: f64 = 1e5;
/// Below it the correction for skewness is smaller than its rounding error.
const NEGLIGIBLE_SKEWNESS: f64 = 1e-6;

/// A value with its standard error, in one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its standard error, from 0.
    pub standard_error: f64,
    /// How well the standard error is known itself: degrees of freedom of Student's t, above 0.
    pub degrees_of_freedom: f64,
    /// How far its error leans: the third moment of it over the third power of the standard error.
    /// Above zero where the truth is rather far above the value than far below it; 0 where this is
    /// not known.
    pub skewness: f64,
}

/// From the lower to the upper end, both included.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// The interval that holds the truth with this probability, between 0 and 1, and misses it on
    /// either side equally often.
    pub fn interval(&self, confidence: f64) -> Interval {
        let above = 0.5 + confidence / 2.0;
        Interval { low: self.bound(1.0 - above), high: self.bound(above) }
    }

    /// What the truth is below with this probability, between 0 and 1.
    ///
    /// Student's t, or where that is farther from the value, t corrected for skewness by the
    /// transformation of Hall (1992, *On the removal of skewness by transformation*). Bad days are
    /// much worse than good days are good; a few days without a bad one give too low a value and too
    /// small an error at once, and what t alone misses lies nearly all above its interval. To bring
    /// the other end nearer, the skewness of a few blocks is known too badly.
    pub fn bound(&self, probability: f64) -> f64 {
        let t = self.critical(probability);
        let corrected = self.without_skewness(t);
        let errors = if probability < 0.5 { t.min(corrected) } else { t.max(corrected) };
        self.value + self.standard_error * errors
    }

    fn without_skewness(&self, t: f64) -> f64 {
        let skewness = self.skewness;
        if skewness.abs() < NEGLIGIBLE_SKEWNESS {
            return t;
        }
        3.0 * (1.0 - (1.0 - skewness * (t + skewness / 6.0)).cbrt()) / skewness
    }

    /// Below what Student's t lies with this probability.
    pub fn critical(&self, probability: f64) -> f64 {
        if self.degrees_of_freedom > NORMAL_FROM {
            return Normal::standard().inverse_cdf(probability);
        }
        // Fails only for degrees of freedom that are not above zero.
        StudentsT::new(0.0, 1.0, self.degrees_of_freedom)
            .map_or(f64::INFINITY, |t| t.inverse_cdf(probability))
    }

    /// The difference to an estimate of other blocks, which is independent of this one.
    ///
    /// Variances add up, third moments subtract; the degrees of freedom are those of Welch and Satterthwaite (1947).
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let (ours, theirs) = (self.standard_error.powi(2), other.standard_error.powi(2));
        let variance = ours + theirs;
        let uncertainty =
            ours * ours / self.degrees_of_freedom + theirs * theirs / other.degrees_of_freedom;
        let third_moment = self.skewness * self.standard_error.powi(3)
            - other.skewness * other.standard_error.powi(3);
        Self {
            value: self.value - other.value,
            standard_error: variance.sqrt(),
            skewness: if variance > 0.0 { third_moment / variance.powf(1.5) } else { 0.0 },
            degrees_of_freedom: if uncertainty > 0.0 {
                variance * variance / uncertainty
            } else {
                self.degrees_of_freedom + other.degrees_of_freedom
            },
        }
    }
}

impl Interval {
    /// Whether it holds a value.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, standard_error: f64, degrees_of_freedom: f64) -> Estimate {
        Estimate { value, standard_error, degrees_of_freedom, skewness: 0.0 }
    }

    fn are_close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3
    }

    #[test]
    fn critical_values_are_those_of_the_printed_tables() {
        for (degrees, probability, printed) in [
            (1.0, 0.975, 12.706),
            (2.0, 0.975, 4.303),
            (6.0, 0.975, 2.447),
            (6.0, 0.95, 1.943),
            (6.0, 0.9995, 5.959),
            (13.0, 0.995, 3.012),
            (29.0, 0.975, 2.045),
            (364.0, 0.975, 1.967),
            // scipy 1.17, stats.t.ppf.
            (9_599.0, 0.975, 1.960_203),
            (90_000.0, 0.975, 1.959_990),
            (1e7, 0.975, 1.959_964),
            (1e12, 0.025, -1.959_964),
            (6.0, 0.5, 0.0),
        ] {
            let critical = estimate(0.0, 1.0, degrees).critical(probability);
            assert!(are_close(critical, printed), "{degrees} {probability}: {critical}");
        }
    }

    #[test]
    fn an_interval_lies_evenly_around_its_value() {
        let interval = estimate(10.0, 2.0, 6.0).interval(0.95);
        assert!(are_close(interval.low, 10.0 - 2.0 * 2.4469), "{interval:?}");
        assert!(are_close(interval.high, 10.0 + 2.0 * 2.4469), "{interval:?}");
        assert!(interval.contains(10.0) && !interval.contains(15.0));
    }

    #[test]
    fn a_skewed_estimate_has_its_longer_end_where_the_truth_may_be_far() {
        let skewed = Estimate { skewness: 0.5, ..estimate(10.0, 2.0, 6.0) };
        let interval = skewed.interval(0.95);
        assert!(are_close(interval.low, 10.0 - 2.0 * 2.4469), "{interval:?}");
        // 6 · (1 − ∛(1 − 0.5 · (2.4469 + 0.5/6))) standard errors.
        assert!(are_close(interval.high, 10.0 + 2.0 * 9.8545), "{interval:?}");
        let mirrored = Estimate { skewness: -0.5, ..skewed }.interval(0.95);
        assert!(are_close(mirrored.high - 10.0, 10.0 - interval.low));
        let barely = Estimate { skewness: 2e-6, ..skewed }.interval(0.95);
        assert!(are_close(barely.high, 10.0 + 2.0 * 2.4469), "{barely:?}");
    }

    #[test]
    fn skewness_cancels_out_in_a_difference_of_equals() {
        let skewed = Estimate { skewness: 0.5, ..estimate(10.0, 2.0, 6.0) };
        assert!(are_close(skewed.minus(&skewed).skewness, 0.0));
        let alone = skewed.minus(&estimate(4.0, 0.0, 6.0));
        assert!(are_close(alone.skewness, 0.5));
    }

    #[test]
    fn without_an_error_an_interval_is_a_point() {
        let interval = estimate(10.0, 0.0, 1.0).interval(0.95);
        assert_eq!(interval, Interval { low: 10.0, high: 10.0 });
    }

    #[test]
    fn a_difference_of_independent_estimates_is_that_of_welch() {
        let difference = estimate(10.0, 3.0, 6.0).minus(&estimate(4.0, 4.0, 6.0));
        assert!(are_close(difference.value, 6.0));
        assert!(are_close(difference.standard_error, 5.0));
        // 25² / (9²/6 + 16²/6)
        assert!(are_close(difference.degrees_of_freedom, 625.0 * 6.0 / 337.0));
        let exact = estimate(10.0, 0.0, 6.0).minus(&estimate(4.0, 0.0, 6.0));
        assert_eq!(exact.interval(0.95), Interval { low: 6.0, high: 6.0 });
    }
}

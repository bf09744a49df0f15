//! What sites are ordered by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What sites are ordered by, over the distribution in which a failure counts as the timeout.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Score {
    /// A quantile, above 0 and below 1.
    Quantile(f64),
    /// The mean time to success.
    Mean,
}

/// What is no score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a score; write p95 or another percentile above p0 and below p100, or mean")]
pub struct NoScore;

/// The longest percentile that is read, so that hostile digits cost nothing.
const MOST_DIGITS: usize = 8;

impl FromStr for Score {
    type Err = NoScore;

    /// `mean`, or `p` and a percentage.
    fn from_str(text: &str) -> Result<Self, NoScore> {
        if text == "mean" {
            return Ok(Self::Mean);
        }
        let digits = text.strip_prefix('p').filter(|percent| {
            percent.len() <= MOST_DIGITS
                && percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        });
        let percent: Option<f64> = digits.and_then(|percent| percent.parse().ok());
        percent
            .filter(|percent| *percent > 0.0 && *percent < 100.0)
            .map(|percent| Self::Quantile(percent / 100.0))
            .ok_or(NoScore)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.pad("mean"),
            // Percentiles have at most seven digits: what a division by 100 adds is rounded away.
            Self::Quantile(quantile) => {
                f.pad(&format!("p{}", (quantile * 100.0 * 1e7).round() / 1e7))
            }
        }
    }
}

impl TryFrom<String> for Score {
    type Error = NoScore;

    fn try_from(text: String) -> Result<Self, NoScore> {
        text.parse()
    }
}

impl From<Score> for String {
    fn from(score: Score) -> Self {
        score.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_print_as_they_are_written() {
        for text in ["p50", "p95", "p99.9", "p99.99", "p0.1", "p57", "mean"] {
            assert_eq!(text.parse::<Score>().unwrap().to_string(), text);
        }
        for wrong in ["", "p", "p0", "p100", "95", "p-5", "p1e1", "median", "p99.99999999"] {
            assert_eq!(wrong.parse::<Score>(), Err(NoScore), "{wrong}");
        }
    }
}

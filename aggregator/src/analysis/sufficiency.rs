//! Whether enough is known of a site to say anything of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::sample::Sample;
use super::score::fewest_attempts;
use super::view::View;
use crate::catalogue::Score;

/// The least share of the time that must have been measured.
pub(super) const LEAST_COVERAGE: f64 = 0.6;
/// The fewest blocks that have a margin.
const FEWEST_BLOCKS: usize = 2;

/// What is missing before anything may be said of a site.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Shortage {
    /// Too few attempts for this score.
    Attempts {
        /// Attempts that speak about the site.
        attempts: u64,
        /// How many it takes.
        needed: u64,
    },
    /// Too much of the time was not measured, and nobody knows what it was like then.
    Coverage {
        /// The share of the time that was, from 0 to 1.
        coverage: f64,
        /// The share it takes.
        needed: f64,
    },
    /// A margin is taken from how blocks differ.
    Blocks {
        /// Blocks with attempts.
        blocks: usize,
        /// How many it takes.
        needed: usize,
    },
    /// An overall score takes the scores of all markets.
    Markets {
        /// Markets that have measured the site.
        measured: usize,
        /// How many it takes.
        needed: usize,
    },
}

impl Shortage {
    /// What is missing first; `None` where enough is known. See [`fewest_attempts`].
    pub fn of(view: &View, score: Score) -> Option<Self> {
        Self::of_total(view.total(), score).or_else(|| {
            let blocks = view.measured().count();
            (blocks < FEWEST_BLOCKS).then_some(Self::Blocks { blocks, needed: FEWEST_BLOCKS })
        })
    }

    fn of_total(total: &Sample, score: Score) -> Option<Self> {
        let (attempts, needed) = (total.attempts(), fewest_attempts(score));
        if attempts < needed {
            return Some(Self::Attempts { attempts, needed });
        }
        let coverage = total.coverage().filter(|coverage| *coverage < LEAST_COVERAGE)?;
        Some(Self::Coverage { coverage, needed: LEAST_COVERAGE })
    }
}

/// A fragment such as `120 attempts of at least 200`.
impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts { attempts, needed } => {
                write!(f, "{attempts} attempts of at least {needed}")
            }
            Self::Coverage { coverage, needed } => write!(
                f,
                "measured {:.0} % of the time of at least {:.0} %",
                // 59.9 % is too little and must not read 60 %.
                (100.0 * coverage).floor(),
                100.0 * needed
            ),
            Self::Blocks { blocks, needed } => write!(f, "{blocks} blocks of at least {needed}"),
            Self::Markets { measured, needed } => {
                write!(f, "measured in {measured} of {needed} markets")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::Block;
    use vantage_wire::{LatencyHistogram, Micros};

    fn view(blocks: i64, attempts_each: u64, coverage: u64) -> View {
        let sample = |_| {
            let mut sample = Sample::default();
            let latencies = (0..attempts_each).map(|_| Micros::from_millis(20));
            sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
            (sample.covered_s, sample.expected_s) = (coverage, 100);
            sample
        };
        View::new((0..blocks).map(|block| (Block(block), sample(block))).collect()).unwrap()
    }

    #[test]
    fn what_is_missing_first_is_named() {
        let shortage = |view| Shortage::of(&view, Score::Quantile(0.95)).map(|it| it.to_string());
        assert_eq!(shortage(view(7, 30, 60)), None);
        assert_eq!(shortage(view(7, 28, 60)).unwrap(), "196 attempts of at least 200");
        assert_eq!(
            shortage(view(7, 30, 59)).unwrap(),
            "measured 59 % of the time of at least 60 %"
        );
        assert_eq!(shortage(view(1, 300, 100)).unwrap(), "1 blocks of at least 2");
        assert_eq!(shortage(view(0, 0, 0)).unwrap(), "0 attempts of at least 200");
    }
}

//! The answer: where to host, how much better it is, and how sure that is.
//!
//! Pure functions over merged histograms and failure counts. Nothing here knows a database, HTTP or
//! a clock. `aggregator/METHOD.md` has every formula with its source, what it assumes and where it
//! is weak.
//!
//! ```text
//! Sample (one block) ─▶ View (one market's view of one site) ─▶ Replicates ─▶ Estimate ─▶ Verdict
//! ```
//!
//! - A [`Sample`] is what was measured in one [`Block`]: latencies, and failures with what they cost.
//! - A [`View`] is one market's view of one site, block by block. Blocks are local days of the
//!   market, the unit of statistical independence: successive probes are far from independent, and
//!   so are successive hours.
//! - [`Replicates`] are a statistic of all blocks, and of all blocks but one, for each. Whatever is
//!   computed from statistics (a difference of sites, a weighted sum over markets) is computed from
//!   each replicate alike, and so has a margin.
//! - An [`Estimate`] is a value with its standard error; a [`Verdict`] is what may be said of it.

pub mod change;
pub mod compare;
pub mod plan;

mod caveat;
mod estimate;
mod failure_rate;
mod quantile;
mod rank;
mod replicates;
mod sample;
mod score;
mod sufficiency;
mod verdict;
mod view;

pub use caveat::Caveat;
pub use estimate::{Estimate, Interval};
pub use failure_rate::FailureRate;
pub use quantile::quantile_us;
pub use rank::{
    RankSettings, Ranking, Rankings, Standing, WeighedMarket, rank, rank_market, rank_overall,
};
pub use replicates::Replicates;
pub use sample::{Sample, concerns};
pub use score::{failure_rate, fewest_attempts, score_us};
pub use sufficiency::Shortage;
pub use verdict::{Threshold, Verdict};
pub use view::{Block, BlockLength, View};

/// The probability with which an interval holds the truth.
pub const CONFIDENCE: f64 = 0.95;

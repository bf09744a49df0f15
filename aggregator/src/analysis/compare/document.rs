//! What a comparison answers.

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, SiteId};

use super::difference::Figure;
use super::failures::FailureChanges;
use super::forecast::Forecast;
use super::temporal::TemporalChange;
use crate::analysis::{FailureRate, Interval, Verdict};

/// What was measured of the service on one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SideSummary {
    /// When the first matched hour begins, in seconds since the Unix epoch.
    pub from_unix_s: Option<i64>,
    /// When the last matched hour ends, in seconds since the Unix epoch.
    pub until_unix_s: Option<i64>,
    /// Hours that are compared: as many on both sides.
    pub matched_hours: u64,
    /// Measured hours that have no counterpart on the other side.
    pub unused_hours: u64,
    /// Local days that the matched hours are on.
    pub days: u64,
    /// Attempts that say nothing about the site, by the fault of agents or configuration.
    pub excused: u64,
    /// Share of the time between the first and the last matched hour that was measured, from 0 to 1.
    pub coverage: Option<f64>,
    /// The score.
    pub score_us: Option<f64>,
    /// Its 95 % interval.
    pub score_interval_us: Option<Interval>,
    /// How many attempts failed in the matched hours.
    pub failure_rate: FailureRate,
}

/// How the score changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ScoreChange {
    /// The score before.
    pub before_us: Option<f64>,
    /// The score after.
    pub after_us: Option<f64>,
    /// What is judged: the adjusted change where there are controls, otherwise the plain one.
    pub change_us: Option<Figure>,
    /// The same as a share of the score before.
    pub relative: Option<Figure>,
    /// After less before.
    pub plain_us: Option<Figure>,
    /// The same of the mean of the control sites; `None` without controls.
    pub controls_us: Option<Figure>,
    /// From what on a change matters.
    pub threshold_us: f64,
    /// What may be said of the change.
    pub verdict: Verdict,
}

/// How the failure rate changed. All are shares of the attempts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureRateChange {
    /// The rate before.
    pub before: Option<f64>,
    /// The rate after.
    pub after: Option<f64>,
    /// What is judged: the adjusted change where there are controls, otherwise the plain one.
    pub change: Option<Figure>,
    /// The same as a share of the rate before.
    pub relative: Option<Figure>,
    /// After less before.
    pub plain: Option<Figure>,
    /// The same of the mean of the control sites; `None` without controls.
    pub controls: Option<Figure>,
    /// From what on a change matters.
    pub threshold: f64,
    /// What may be said of the change.
    pub verdict: Verdict,
}

/// What a site that did not move did meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ControlChange {
    /// The site.
    pub site: SiteId,
    /// Its score before.
    pub before_us: Option<f64>,
    /// Its score after.
    pub after_us: Option<f64>,
    /// After less before.
    pub change_us: Option<Figure>,
}

/// The distribution of latencies on both sides, in which a failure counts as its timeout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Distribution {
    /// From 0.01 to 0.99.
    pub quantiles: Vec<f64>,
    /// Their latencies before; empty where nothing was measured.
    pub before_us: Vec<f64>,
    /// Their latencies after; empty where nothing was measured.
    pub after_us: Vec<f64>,
}

/// One market before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MarketComparison {
    /// The market.
    pub market: MarketId,
    /// Its share of the users, relative to the weights of the others.
    pub weight: f64,
    /// What may be said of the change of its score.
    pub verdict: Verdict,
    /// What to keep in mind, in words.
    pub caveats: Vec<String>,
    /// How many of the 168 hours of the week are compared.
    pub hours_of_week: u64,
    /// The service before.
    pub before: SideSummary,
    /// The service after.
    pub after: SideSummary,
    /// How its score changed.
    pub score: ScoreChange,
    /// How its failure rate changed.
    pub failure_rate: FailureRateChange,
    /// The sites that did not move, as far as they were measured well enough.
    pub controls: Vec<ControlChange>,
    /// What the new site promised, beside what came true; `None` where it was not asked for.
    pub forecast: Option<Forecast>,
    /// At what times there is a change; `None` where there are too few days to say.
    pub temporal: Option<TemporalChange>,
    /// What failed more or less often than before.
    pub failures: FailureChanges,
    /// The distribution of latencies on both sides.
    pub distribution: Distribution,
}

/// All markets together, by their weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OverallComparison {
    /// What may be said of the change of the weighted score.
    pub verdict: Verdict,
    /// What to keep in mind, in words.
    pub caveats: Vec<String>,
    /// Share of the weight of all markets that the answer rests on, from 0 to 1.
    pub weight_covered: f64,
    /// How the weighted score changed.
    pub score: ScoreChange,
    /// How the weighted failure rate changed.
    pub failure_rate: FailureRateChange,
}

/// A comparison of all markets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Comparison {
    /// All together, by their weights.
    pub overall: OverallComparison,
    /// Each by itself, in the order in which they were given.
    pub markets: Vec<MarketComparison>,
}

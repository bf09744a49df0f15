//! The plan as it is told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, SiteId};

use crate::analysis::{Interval, Verdict};

/// The best set of sites, and how sure that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Plan {
    /// The sites, by id.
    pub sites: Vec<SiteId>,
    /// `Σ weight · score` over the markets, weights adding up to 1.
    pub objective: Figure,
    /// What the sites cost per month; `None` where a cost is not known.
    pub cost_per_month: Option<f64>,
    /// From where each market is served.
    pub markets: BTreeMap<MarketId, Served>,
    /// The best set of each permitted number of sites.
    pub frontier: Vec<FrontierPoint>,
    /// How often the choice is the same with a date left out.
    pub stability: Stability,
    /// The next best sets, best first.
    pub alternatives: Vec<Alternative>,
    /// Sites that were left out because costs are limited and theirs is not known.
    pub sites_without_cost: Vec<SiteId>,
}

/// A figure in microseconds with its 95 % interval; `None` where there are fewer than two dates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Figure {
    /// The figure.
    pub value_us: f64,
    /// Where it lies with 95 % probability, by the delete-one-date jackknife.
    pub interval_us: Option<Interval>,
}

/// A difference in microseconds, below 0 where the first is better, and what may be said of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Difference {
    /// The difference, taken date by date.
    pub value_us: f64,
    /// Where it lies with 95 % probability; `None` where there are fewer than two dates.
    pub interval_us: Option<Interval>,
    /// Of the first beside the second.
    pub verdict: Verdict,
}

/// From where a market is served.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Served {
    /// Its share of all weights, from 0 to 1.
    pub share: f64,
    /// Its best site of those planned.
    pub site: SiteId,
    /// The score there.
    pub score: Figure,
    /// From where it is served when that one is down; `None` where no other planned site may or can
    /// serve it.
    pub second: Option<SecondChoice>,
    /// The other planned sites that cannot be told from the best, or are equivalent.
    pub not_distinguishable: Vec<SiteId>,
}

/// From where a market is served when its best site is down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SecondChoice {
    /// The site.
    pub site: SiteId,
    /// The score there.
    pub score: Figure,
}

/// The best set of one number of sites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FrontierPoint {
    /// How many sites.
    pub size: usize,
    /// The sites, by id.
    pub sites: Vec<SiteId>,
    /// `Σ weight · score`.
    pub objective: Figure,
    /// What the sites cost per month; `None` where a cost is not known.
    pub cost_per_month: Option<f64>,
    /// The market that is served worst.
    pub worst: WorstServed,
    /// Beside the point before it: whether the additional sites pay. `None` for the first.
    pub beside_previous: Option<Difference>,
    /// The share of dates without which this is the best set of this size still; `None` where there
    /// are fewer than two dates.
    pub stability: Option<f64>,
}

/// The market that is served worst.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct WorstServed {
    /// The market.
    pub market: MarketId,
    /// The site that serves it.
    pub site: SiteId,
    /// The score there, in microseconds.
    pub score_us: f64,
}

/// How often the choice is the same with one date left out.
///
/// This is not the probability that the choice is right: two replicates share all dates but two. A
/// share below 1 says that single dates decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Stability {
    /// How many dates there are. With fewer than two, none is left out.
    pub dates: usize,
    /// For how many of them the choice without is the same.
    pub same: usize,
    /// `same / dates`; `None` with fewer than two dates.
    pub share: Option<f64>,
    /// What is chosen otherwise, the most frequent first.
    pub others: Vec<OtherChoice>,
}

/// What is chosen without some dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OtherChoice {
    /// The sites, by id; `None` where no set meets the rules.
    pub sites: Option<Vec<SiteId>>,
    /// Without which [`Block`](crate::analysis::Block)s, by their numbers.
    pub without: Vec<i64>,
}

/// A set that is nearly as good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Alternative {
    /// The sites, by id.
    pub sites: Vec<SiteId>,
    /// `Σ weight · score`.
    pub objective: Figure,
    /// What the sites cost per month; `None` where a cost is not known.
    pub cost_per_month: Option<f64>,
    /// This set beside the chosen one.
    pub difference: Difference,
}

//! Why no set of sites meets the rules, in types and in words.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, SiteId};

/// No set of sites meets all rules.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema, thiserror::Error,
)]
#[error("no set of sites meets the rules: {}", .obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Infeasible {
    /// What is in the way. Never empty.
    ///
    /// Either all that no set whatever could meet, or, where each rule can be met by itself, the
    /// rules of which lifting one is enough.
    pub obstacles: Vec<Obstacle>,
}

impl Infeasible {
    /// Whether measurements are missing, rather than rules too tight.
    pub fn lacks_data(&self) -> bool {
        let missing = |obstacle: &Obstacle| {
            matches!(obstacle, Obstacle::NoMarkets | Obstacle::Unmeasured { .. })
        };
        self.obstacles.iter().any(missing)
    }
}

/// A rule that is in the way, and where. Displayed as a sentence without a full stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Obstacle {
    /// There is nobody to serve.
    NoMarkets,
    /// No site is measured well enough from this market.
    Unmeasured {
        /// The market.
        market: MarketId,
    },
    /// A market's data may not be at any site that is measured from it.
    Residency {
        /// The market.
        market: MarketId,
        /// The countries that its residency allows.
        countries: BTreeSet<String>,
        /// The sites that its residency allows.
        sites: BTreeSet<SiteId>,
        /// The sites that are measured from it.
        measured: Vec<SiteId>,
    },
    /// All measured sites that may serve a market are forbidden.
    ForbiddenForMarket {
        /// The market.
        market: MarketId,
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// Costs are limited, and the cost of no site that may serve a market is known.
    UnpricedForMarket {
        /// The market.
        market: MarketId,
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// No permitted site keeps a market below the ceiling of the worst market.
    WorstMarket {
        /// The market.
        market: MarketId,
        /// The ceiling, in microseconds.
        ceiling_us: f64,
        /// The lowest ceiling that could be kept, in microseconds.
        best_us: f64,
        /// The site that serves the market then.
        site: SiteId,
        /// The most sites that a set may have, where that is part of the reason.
        max_sites: Option<usize>,
    },
    /// No two permitted sites keep a market's second choice within its limit.
    SecondChoice {
        /// The market.
        market: MarketId,
        /// The limit, in microseconds.
        limit_us: f64,
        /// The lowest limit that could be kept, in microseconds; `None` where fewer than two sites
        /// may serve the market.
        best_us: Option<f64>,
        /// The site that is the second choice then.
        site: Option<SiteId>,
        /// The most sites that a set may have, where that is part of the reason.
        max_sites: Option<usize>,
    },
    /// Sites are required and forbidden at once, or not in the catalogue.
    RequiredForbidden {
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// More sites are required than a set may have.
    RequiredTooMany {
        /// How many are required.
        required: usize,
        /// How many a set may have.
        max_sites: usize,
    },
    /// The required sites alone cost too much.
    RequiredCost {
        /// What they cost per month.
        cost: f64,
        /// What a set may cost.
        max_cost: f64,
    },
    /// Costs are limited, and that of required sites is not known.
    RequiredUnpriced {
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// There are not as many sites as a set must have.
    TooFewSites {
        /// How many are permitted and measured.
        available: usize,
        /// How many a set must have.
        min_sites: usize,
    },
    /// Fewer sites would do than a set must have.
    MinSites {
        /// How many a set must have.
        min_sites: usize,
        /// How many would do.
        enough: usize,
    },
    /// More sites are needed than a set may have.
    MaxSites {
        /// How many a set may have.
        max_sites: usize,
        /// How many are needed.
        needed: usize,
    },
    /// A set that meets all other rules costs too much.
    MaxCost {
        /// What a set may cost per month.
        max_cost: f64,
        /// What the cheapest such set costs.
        needed: f64,
        /// That set.
        sites: Vec<SiteId>,
    },
    /// It would be possible with sites whose cost is not known.
    Unpriced {
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// It would be possible without requiring this site.
    Required {
        /// The site.
        site: SiteId,
    },
    /// It would be possible with forbidden sites.
    Forbidden {
        /// Those sites.
        sites: Vec<SiteId>,
    },
    /// It would be possible if this market's data might be anywhere.
    ResidencyWithOthers {
        /// The market.
        market: MarketId,
        /// The countries that its residency allows.
        countries: BTreeSet<String>,
        /// The sites that its residency allows.
        sites: BTreeSet<SiteId>,
    },
    /// Each rule can be met by itself, but lifting any single one is not enough.
    SeveralRules,
    /// Each rule can be met by itself, but not all together; which of them is in the way was not
    /// found out, because there are too many sets to try.
    TooManySets,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMarkets => f.write_str("there are no markets to serve"),
            Self::Unmeasured { market } => {
                write!(f, "{market}: no site is measured well enough from there")
            }
            Self::Residency { market, countries, sites, measured } => write!(
                f,
                "{market}: residency allows only {}, and no measured site is there (measured: {})",
                allowed(countries, sites),
                list(measured),
            ),
            Self::ForbiddenForMarket { market, sites } => write!(
                f,
                "{market}: every measured site that may serve it is forbidden ({})",
                list(sites)
            ),
            Self::UnpricedForMarket { market, sites } => write!(
                f,
                "{market}: costs are limited, and no site that may serve it has a known cost ({})",
                list(sites)
            ),
            Self::WorstMarket { market, ceiling_us, best_us, site, max_sites } => write!(
                f,
                "no {} keeps {market} below {}: best possible {} at {site}",
                of_at_most("permitted site", "set", *max_sites),
                ms(*ceiling_us),
                ms(*best_us),
            ),
            Self::SecondChoice { market, limit_us, best_us, site, max_sites } => {
                let sets = of_at_most("two permitted sites", "set", *max_sites);
                let verb = if max_sites.is_some() { "keeps" } else { "keep" };
                let limit = ms(*limit_us);
                write!(f, "n+1: no {sets} {verb} the second choice of {market} within {limit}")?;
                match (best_us, site) {
                    (Some(best), Some(site)) => {
                        write!(f, ": best possible {} at {site}", ms(*best))
                    }
                    _ => f.write_str(": fewer than two sites may and can serve it"),
                }
            }
            Self::RequiredForbidden { sites } => {
                write!(f, "required sites are forbidden or unknown: {}", list(sites))
            }
            Self::RequiredTooMany { required, max_sites } => {
                write!(f, "{} are required, but a set may have {max_sites} at most", sites(*required))
            }
            Self::RequiredCost { cost, max_cost } => {
                write!(f, "required sites cost {}, above max {}", money(*cost), money(*max_cost))
            }
            Self::RequiredUnpriced { sites } => write!(
                f,
                "costs are limited, and that of required sites is not known: {}",
                list(sites)
            ),
            Self::TooFewSites { available, min_sites } => write!(
                f,
                "a set must have {}, but only {available} are permitted and measured",
                sites(*min_sites)
            ),
            Self::MinSites { min_sites, enough } => {
                let least = sites(*min_sites);
                write!(f, "a set must have {least}; with {enough} it would be possible")
            }
            Self::MaxSites { max_sites, needed } => write!(
                f,
                "a set may have {} at most; it would be possible with {needed}",
                sites(*max_sites)
            ),
            Self::MaxCost { max_cost, needed, sites } => write!(
                f,
                "sites may cost {} at most; the cheapest set that meets all other rules costs {} \
                 ({})",
                money(*max_cost),
                money(*needed),
                list(sites),
            ),
            Self::Unpriced { sites } => {
                write!(f, "it might be possible with sites of unknown cost: {}", list(sites))
            }
            Self::Required { site } => {
                write!(f, "it would be possible if {site} were not required")
            }
            Self::Forbidden { sites } => {
                write!(f, "it would be possible if these were not forbidden: {}", list(sites))
            }
            Self::ResidencyWithOthers { market, countries, sites } => write!(
                f,
                "it would be possible if {market} were not bound by residency to {}",
                allowed(countries, sites)
            ),
            Self::SeveralRules => f.write_str(
                "each rule can be met by itself, but not all together, and lifting one is not enough",
            ),
            Self::TooManySets => f.write_str(
                "each rule can be met by itself, but not all together; there are too many sets to \
                 find out which rule is in the way",
            ),
        }
    }
}

fn of_at_most(single: &str, set: &str, max_sites: Option<usize>) -> String {
    max_sites.map_or_else(|| single.to_owned(), |most| format!("{set} of ≤ {}", sites(most)))
}

fn sites(number: usize) -> String {
    if number == 1 { "1 site".to_owned() } else { format!("{number} sites") }
}

fn list(sites: &[SiteId]) -> String {
    sites.iter().map(SiteId::as_str).collect::<Vec<_>>().join(", ")
}

fn allowed(countries: &BTreeSet<String>, sites: &BTreeSet<SiteId>) -> String {
    let names = countries.iter().map(String::as_str).chain(sites.iter().map(SiteId::as_str));
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// Milliseconds, with so many digits that what differs looks different.
fn ms(micros: f64) -> String {
    let text = format!("{:.3}", micros / 1e3);
    format!("{} ms", text.trim_end_matches('0').trim_end_matches('.'))
}

fn money(amount: f64) -> String {
    let text = format!("{amount:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

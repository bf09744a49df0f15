//! What a plan is made of: markets, sites, scores and rules.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use vantage_wire::{MarketId, SiteId};

use crate::analysis::{Replicates, Threshold};
use crate::catalogue::{Market, Objective, Site};

/// Scores in microseconds, lower is better. A pair that is not here was not measured, or not enough.
pub type Scores = BTreeMap<MarketId, BTreeMap<SiteId, Replicates>>;

/// What a plan is made of.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Whom to serve; only these count.
    pub markets: &'a BTreeMap<MarketId, Market>,
    /// Where hosting is possible.
    pub sites: &'a BTreeMap<SiteId, Site>,
    /// The rules. Its `score` is not read: it is that of `scores`.
    pub objective: &'a Objective,
    /// What was measured. Scores that are negative or not finite count as not measured.
    pub scores: &'a Scores,
}

/// The rules as the search obeys them, so that one can be lifted to see whether it is to blame.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub min_sites: usize,
    pub max_sites: usize,
    pub required: BTreeSet<SiteId>,
    pub forbidden: BTreeSet<SiteId>,
    pub max_cost: Option<f64>,
    /// Whether sites of unknown cost are left out.
    pub priced_only: bool,
    pub worst_us: Option<f64>,
    pub second_us: Option<f64>,
    /// Whose residency is lifted.
    pub unbound: BTreeSet<MarketId>,
}

impl Question<'_> {
    pub(super) fn rules(&self) -> Rules {
        let objective = self.objective;
        Rules {
            min_sites: objective.min_sites.max(1),
            max_sites: objective.max_sites.min(self.sites.len()),
            required: objective.required_sites.clone(),
            forbidden: objective.forbidden_sites.clone(),
            max_cost: objective.max_cost_per_month,
            priced_only: objective.max_cost_per_month.is_some(),
            worst_us: objective.worst_market.map(|span| span.as_secs_f64() * 1e6),
            second_us: objective.second_choice.map(|span| span.as_secs_f64() * 1e6),
            unbound: BTreeSet::new(),
        }
    }

    pub(super) fn threshold(&self) -> Threshold {
        Threshold {
            absolute_us: self.objective.threshold.as_secs_f64() * 1e6,
            relative: self.objective.threshold_percent / 100.0,
        }
    }

    /// What was measured of a market, whatever the rules say.
    pub(super) fn measured(
        &self,
        market: &MarketId,
    ) -> impl Iterator<Item = (&SiteId, &Replicates)> {
        let scores = self.scores.get(market).into_iter().flatten();
        scores.filter(|(site, score)| self.sites.contains_key(*site) && is_score(score.all))
    }

    /// Whether a market's data may be at a site.
    pub(super) fn resides(&self, market: &MarketId, site: &SiteId) -> bool {
        let residency = self.markets.get(market).and_then(|market| market.residency.as_ref());
        match (residency, self.sites.get(site)) {
            (Some(residency), Some(terms)) => residency.allows(site, terms),
            (None, found) => found.is_some(),
            (Some(_), None) => false,
        }
    }

    /// A market's weight as a share of all.
    pub(super) fn share(&self, market: &Market) -> f64 {
        let all: f64 = self.markets.values().map(|market| market.weight).sum();
        market.weight / all
    }

    pub(super) fn cost(&self, site: &SiteId) -> Option<f64> {
        self.sites.get(site).and_then(|site| site.cost_per_month)
    }
}

impl Rules {
    /// How many sites a plan may have.
    pub(super) fn sizes(&self) -> RangeInclusive<usize> {
        self.min_sites.max(self.required.len())..=self.max_sites
    }

    /// Whether a plan may have this site at all.
    pub(super) fn admits(&self, question: &Question<'_>, site: &SiteId) -> bool {
        let priced = !self.priced_only || question.cost(site).is_some();
        priced && !self.forbidden.contains(site)
    }

    /// Whether the market may be served from this site, if the plan has it.
    pub(super) fn serves(&self, question: &Question<'_>, market: &MarketId, site: &SiteId) -> bool {
        self.unbound.contains(market) || question.resides(market, site)
    }
}

/// Whether a number can be a score.
pub(super) fn is_score(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

//! Finds out why no set of sites meets the rules.
//!
//! First what no set whatever could meet: a market without a permitted site, a ceiling below the
//! best site of a market. Where there is nothing of that kind, the rules stand in each other's way:
//! each is lifted by itself, to see whether that is enough and how far it would have to give.

use std::cell::Cell;
use std::collections::BTreeSet;

use vantage_wire::{MarketId, SiteId};

use super::evaluate::Evaluation;
use super::instance::{Instance, PRICE_STEPS, price};
use super::obstacle::{Infeasible, Obstacle};
use super::question::{Question, Rules};
use super::search::Goal;

/// Why no set meets these rules, as far as so many branches tell.
pub(super) fn explain(question: &Question<'_>, rules: &Rules, branches: u64) -> Infeasible {
    let mut obstacles = hopeless(question, rules);
    if obstacles.is_empty() {
        obstacles = Lifting { question, rules, allowance: Cell::new(branches) }.obstacles();
    }
    Infeasible { obstacles }
}

/// What no set whatever could meet.
fn hopeless(question: &Question<'_>, rules: &Rules) -> Vec<Obstacle> {
    if question.markets.is_empty() {
        return vec![Obstacle::NoMarkets];
    }
    let mut obstacles = required(question, rules);
    obstacles
        .extend(question.markets.keys().filter_map(|market| of_market(question, rules, market)));
    let available = Instance::of(question, rules, |score| score.all).candidates.len();
    if obstacles.is_empty() && available < rules.min_sites {
        obstacles.push(Obstacle::TooFewSites { available, min_sites: rules.min_sites });
    }
    obstacles
}

fn required(question: &Question<'_>, rules: &Rules) -> Vec<Obstacle> {
    let select = |condition: &dyn Fn(&SiteId) -> bool| -> Vec<SiteId> {
        rules.required.iter().filter(|site| condition(site)).cloned().collect()
    };
    let mut obstacles = Vec::new();
    let sites =
        select(&|site| rules.forbidden.contains(site) || !question.sites.contains_key(site));
    if !sites.is_empty() {
        obstacles.push(Obstacle::RequiredForbidden { sites });
    }
    let (required, max_sites) = (rules.required.len(), rules.max_sites);
    if required > max_sites {
        obstacles.push(Obstacle::RequiredTooMany { required, max_sites });
    }
    if let Some(max_cost) = rules.max_cost {
        let sites = select(&|site| question.cost(site).is_none());
        if !sites.is_empty() {
            obstacles.push(Obstacle::RequiredUnpriced { sites });
        }
        let cost: f64 = rules.required.iter().filter_map(|site| question.cost(site)).sum();
        if cost > max_cost {
            obstacles.push(Obstacle::RequiredCost { cost, max_cost });
        }
    }
    obstacles
}

/// What keeps a market from being served by any set.
fn of_market(question: &Question<'_>, rules: &Rules, market: &MarketId) -> Option<Obstacle> {
    let market = market.clone();
    let names = |pairs: &[(&SiteId, f64)]| pairs.iter().map(|(site, _)| (*site).clone()).collect();
    let mut pairs: Vec<(&SiteId, f64)> =
        question.measured(&market).map(|(site, score)| (site, score.all)).collect();
    pairs.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
    if pairs.is_empty() {
        return Some(Obstacle::Unmeasured { market });
    }
    let measured = names(&pairs);
    pairs.retain(|(site, _)| rules.serves(question, &market, site));
    if pairs.is_empty() {
        let residency = question.markets.get(&market)?.residency.clone()?;
        let (countries, sites) = (residency.countries, residency.sites);
        return Some(Obstacle::Residency { market, countries, sites, measured });
    }
    let sites = names(&pairs);
    pairs.retain(|(site, _)| !rules.forbidden.contains(*site));
    if pairs.is_empty() {
        return Some(Obstacle::ForbiddenForMarket { market, sites });
    }
    let sites = names(&pairs);
    pairs.retain(|(site, _)| rules.admits(question, site));
    let Some((site, best_us)) = pairs.first().map(|(site, score)| ((*site).clone(), *score)) else {
        return Some(Obstacle::UnpricedForMarket { market, sites });
    };
    if let Some(ceiling_us) = rules.worst_us.filter(|ceiling| best_us > *ceiling) {
        let max_sites = None;
        return Some(Obstacle::WorstMarket { market, ceiling_us, best_us, site, max_sites });
    }
    let second = pairs.get(1);
    let limit_us = rules.second_us.filter(|limit| second.is_none_or(|(_, score)| score > limit))?;
    Some(Obstacle::SecondChoice {
        market,
        limit_us,
        best_us: second.map(|(_, score)| *score),
        site: second.map(|(site, _)| (*site).clone()),
        max_sites: None,
    })
}

/// Lifts one rule at a time.
struct Lifting<'a> {
    question: &'a Question<'a>,
    rules: &'a Rules,
    /// Branches that may still be spent. Once there are none, nothing more can be told.
    allowance: Cell<u64>,
}

impl Lifting<'_> {
    fn obstacles(&self) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        let mut tell = |found: Option<Obstacle>| {
            obstacles.extend(found.filter(|_| self.allowance.get() > 0));
        };
        tell(self.max_sites());
        tell(self.min_sites());
        tell(self.cost());
        tell(self.unpriced());
        tell(self.worst_market());
        tell(self.second_choice());
        tell(self.forbidden());
        for site in &self.rules.required {
            tell(self.required(site));
        }
        for market in self.question.markets.keys() {
            tell(self.residency(market));
        }
        if obstacles.is_empty() {
            let all = self.allowance.get() > 0;
            obstacles.push(if all { Obstacle::SeveralRules } else { Obstacle::TooManySets });
        }
        obstacles
    }

    /// Some set that meets these rules; `None` also where the allowance is spent.
    fn any(&self, rules: &Rules) -> Option<Vec<SiteId>> {
        let instance = Instance::of(self.question, rules, |score| score.all);
        rules.sizes().find_map(|size| {
            let found = instance.search(size, Goal::Any(&self.allowance), &[]).pop()?;
            Some(instance.ids(&found.set))
        })
    }

    fn with(&self, lift: impl FnOnce(&mut Rules)) -> Rules {
        let mut rules = self.rules.clone();
        lift(&mut rules);
        rules
    }

    fn max_sites(&self) -> Option<Obstacle> {
        let max_sites = self.rules.max_sites;
        let lifted = self.with(|rules| {
            rules.min_sites = max_sites + 1;
            rules.max_sites = self.question.sites.len();
        });
        let needed = self.any(&lifted)?.len();
        Some(Obstacle::MaxSites { max_sites, needed })
    }

    fn min_sites(&self) -> Option<Obstacle> {
        let min_sites = self.rules.min_sites;
        let lifted = self.with(|rules| {
            rules.min_sites = 1;
            rules.max_sites = min_sites - 1;
        });
        let enough = self.any(&lifted)?.len();
        Some(Obstacle::MinSites { min_sites, enough })
    }

    /// Cheaper and cheaper sets, until there is none: the last one is the cheapest.
    fn cost(&self) -> Option<Obstacle> {
        let max_cost = self.rules.max_cost?;
        let mut cheapest = None;
        let mut lifted = self.with(|rules| rules.max_cost = None);
        while let Some(sites) = self.any(&lifted) {
            let prices = sites.iter().filter_map(|site| self.question.cost(site)).map(price);
            let price: f64 = prices.sum();
            lifted.max_cost = Some((price - 1.0) / PRICE_STEPS);
            cheapest = Some(Obstacle::MaxCost { max_cost, needed: price / PRICE_STEPS, sites });
        }
        cheapest
    }

    fn unpriced(&self) -> Option<Obstacle> {
        self.rules.max_cost?;
        let found = self.any(&self.with(|rules| rules.priced_only = false))?;
        let sites = found.into_iter().filter(|site| self.question.cost(site).is_none()).collect();
        Some(Obstacle::Unpriced { sites })
    }

    fn forbidden(&self) -> Option<Obstacle> {
        let found = self.any(&self.with(|rules| rules.forbidden.clear()))?;
        let sites = found.into_iter().filter(|site| self.rules.forbidden.contains(site)).collect();
        Some(Obstacle::Forbidden { sites })
    }

    fn required(&self, site: &SiteId) -> Option<Obstacle> {
        self.any(&self.with(|rules| {
            rules.required.remove(site);
        }))?;
        Some(Obstacle::Required { site: site.clone() })
    }

    fn residency(&self, market: &MarketId) -> Option<Obstacle> {
        let residency = self.question.markets.get(market)?.residency.clone()?;
        self.any(&self.with(|rules| {
            rules.unbound.insert(market.clone());
        }))?;
        let (countries, sites) = (residency.countries, residency.sites);
        Some(Obstacle::ResidencyWithOthers { market: market.clone(), countries, sites })
    }

    fn worst_market(&self) -> Option<Obstacle> {
        let ceiling_us = self.rules.worst_us?;
        let (best_us, sites) =
            self.least(ceiling_us, |rules, ceiling| rules.worst_us = Some(ceiling))?;
        let rules = self.with(|rules| rules.worst_us = None);
        let worst = Evaluation { question: *self.question, rules: &rules }.worst(&sites)?;
        Some(Obstacle::WorstMarket {
            market: worst.market,
            ceiling_us,
            best_us,
            site: worst.site,
            max_sites: Some(self.rules.max_sites),
        })
    }

    fn second_choice(&self) -> Option<Obstacle> {
        let limit_us = self.rules.second_us?;
        let (best_us, sites) =
            self.least(limit_us, |rules, limit| rules.second_us = Some(limit))?;
        let evaluation = Evaluation { question: *self.question, rules: self.rules };
        let mut seconds = self.question.markets.keys().filter_map(|market| {
            let (site, score) = evaluation.choices(market, &sites).get(1).copied()?;
            (score.all >= best_us).then(|| (market.clone(), site.clone()))
        });
        let (market, site) = seconds.next()?;
        Some(Obstacle::SecondChoice {
            market,
            limit_us,
            best_us: Some(best_us),
            site: Some(site),
            max_sites: Some(self.rules.max_sites),
        })
    }

    /// The lowest limit above `limit_us` with which there is a set, and such a set.
    fn least(
        &self,
        limit_us: f64,
        set_limit: impl Fn(&mut Rules, f64),
    ) -> Option<(f64, Vec<SiteId>)> {
        let markets = self.question.markets.keys();
        let scores = markets.flat_map(|market| self.question.measured(market));
        let above: BTreeSet<u64> = scores
            .map(|(_, score)| score.all)
            .filter(|score| *score > limit_us)
            // The bits of numbers that are not negative have the order of the numbers.
            .map(f64::to_bits)
            .collect();
        let limits: Vec<f64> = above.into_iter().map(f64::from_bits).collect();
        let set_with = |limit: f64| self.any(&self.with(|rules| set_limit(rules, limit)));
        let mut least = None;
        let (mut low, mut high) = (0, limits.len());
        set_with(*limits.last()?)?;
        while low < high {
            let middle = usize::midpoint(low, high);
            match set_with(limits[middle]) {
                Some(sites) => {
                    least = Some((limits[middle], sites));
                    high = middle;
                }
                None => low = middle + 1,
            }
        }
        least
    }
}

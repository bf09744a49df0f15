//! The problem in numbers: dense, and exact to add.

use std::collections::BTreeSet;

use vantage_wire::SiteId;

use super::question::{Question, Rules, is_score};
use crate::analysis::Replicates;

/// Numbers that are added at a time; rows of costs are padded to multiples of it.
pub(super) const LANES: usize = 8;

/// Costs per month are compared to a thousandth of the currency's unit.
pub(super) const PRICE_STEPS: f64 = 1e3;

/// A cost per month in those steps.
pub(super) fn price(cost: f64) -> f64 {
    (cost * PRICE_STEPS).round()
}

/// One planning problem over the sites that may be chosen, in the order of their ids.
///
/// `weight · score` is rounded to a whole number of steps, so small that the sum over all markets
/// stays below 2⁵². Sums of such numbers are exact in whatever order they are added, so equal sets
/// are equal and bounds hold to the last digit.
pub(super) struct Instance {
    /// The sites that may be chosen.
    pub candidates: Vec<SiteId>,
    /// Places of the sites that must be; `None` where one may not be chosen.
    pub required: Option<Vec<usize>>,
    /// Length of a row of costs.
    pub width: usize,
    /// `weight · score` of each market, by candidate. Where a candidate cannot serve a market:
    /// what not being served costs.
    pub costs: Vec<f64>,
    /// The most that serving each market can cost: what it costs as long as nothing serves it.
    pub unserved: Vec<f64>,
    /// Words of a set of demands.
    pub words: usize,
    /// Which demands each candidate meets.
    pub meets: Vec<u64>,
    /// All demands. The first are those that the fewest candidates meet.
    pub demands: Vec<u64>,
    /// Those of them that want two candidates.
    pub demands_of_two: Vec<u64>,
    /// Cost per month of each candidate, in steps.
    pub prices: Vec<f64>,
    /// Most that a set may cost per month, in steps.
    pub budget: f64,
}

/// So many sites of these are wanted.
struct Demand {
    two: bool,
    of: Vec<usize>,
}

impl Instance {
    /// The problem where `score` tells what to take of each pair's replicates.
    pub(super) fn of(
        question: &Question<'_>,
        rules: &Rules,
        score: impl Fn(&Replicates) -> f64,
    ) -> Self {
        let candidates = candidates(question, rules);
        let place = |site: &SiteId| candidates.binary_search(site).ok();
        let width = question.markets.len().next_multiple_of(LANES);
        let mut pairs = vec![None; candidates.len() * width];
        let mut unserved = vec![0.0; width];
        let mut demands = Vec::new();
        for (column, (id, market)) in question.markets.iter().enumerate() {
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for (site, replicates) in question.measured(id) {
                let Some(row) = place(site).filter(|_| rules.serves(question, id, site)) else {
                    continue;
                };
                let value = score(replicates);
                if !is_score(value) {
                    continue;
                }
                let cost = market.weight * value;
                pairs[row * width + column] = Some(cost);
                unserved[column] = cost.max(unserved[column]);
                if rules.worst_us.is_none_or(|ceiling| value <= ceiling) {
                    first.push(row);
                }
                if rules.second_us.is_some_and(|limit| value <= limit) {
                    second.push(row);
                }
            }
            demands.push(Demand { two: false, of: first });
            if rules.second_us.is_some() {
                demands.push(Demand { two: true, of: second });
            }
        }
        let scale = steps_per_unit(unserved.iter().sum());
        let steps = |cost: f64| (cost * scale).round();
        let costs = pairs
            .iter()
            .enumerate()
            .map(|(index, cost)| steps(cost.unwrap_or(unserved[index % width])))
            .collect();
        let mut instance = Self {
            required: rules.required.iter().map(place).collect(),
            width,
            costs,
            unserved: unserved.into_iter().map(steps).collect(),
            words: 0,
            meets: Vec::new(),
            demands: Vec::new(),
            demands_of_two: Vec::new(),
            prices: candidates.iter().map(|site| question.cost(site).map_or(0.0, price)).collect(),
            budget: rules.max_cost.map_or(f64::INFINITY, price),
            candidates,
        };
        instance.demand(demands);
        instance
    }

    fn demand(&mut self, mut demands: Vec<Demand>) {
        demands.sort_by_key(|demand| demand.of.len());
        self.words = demands.len().div_ceil(64);
        self.meets = vec![0; self.candidates.len() * self.words];
        self.demands = vec![0; self.words];
        self.demands_of_two = vec![0; self.words];
        for (number, demand) in demands.iter().enumerate() {
            let (word, bit) = (number / 64, 1 << (number % 64));
            self.demands[word] |= bit;
            if demand.two {
                self.demands_of_two[word] |= bit;
            }
            for candidate in &demand.of {
                self.meets[candidate * self.words + word] |= bit;
            }
        }
    }

    /// What serving each market from this candidate costs.
    pub(super) fn row(&self, candidate: usize) -> &[f64] {
        &self.costs[candidate * self.width..][..self.width]
    }

    /// The demands that this candidate meets.
    pub(super) fn met_by(&self, candidate: usize) -> &[u64] {
        &self.meets[candidate * self.words..][..self.words]
    }

    /// The ids of a set.
    pub(super) fn ids(&self, set: &[usize]) -> Vec<SiteId> {
        set.iter().map(|place| self.candidates[*place].clone()).collect()
    }

    /// The places of a set of ids; `None` where one of them is no candidate.
    pub(super) fn places(&self, set: &[SiteId]) -> Option<Vec<usize>> {
        set.iter().map(|site| self.candidates.binary_search(site).ok()).collect()
    }
}

/// Sites that serve some market, and those that must be whether they do or not.
fn candidates(question: &Question<'_>, rules: &Rules) -> Vec<SiteId> {
    let mut sites: BTreeSet<&SiteId> = rules.required.iter().collect();
    for market in question.markets.keys() {
        let measured = question.measured(market).map(|(site, _)| site);
        sites.extend(measured.filter(|site| rules.serves(question, market, site)));
    }
    sites.retain(|site| question.sites.contains_key(*site) && rules.admits(question, site));
    sites.into_iter().cloned().collect()
}

/// The power of two that brings a total just below 2⁵².
fn steps_per_unit(total: f64) -> f64 {
    // A sum of rounded numbers exceeds the total by half a step each: one digit is kept for that.
    if total > 0.0 { (51.0 - total.log2().ceil()).min(1000.0).exp2() } else { 1.0 }
}

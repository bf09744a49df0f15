mod brute_force;
mod document;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use vantage_wire::{MarketId, SiteId};

use super::{Infeasible, Plan, Question, Scores, plan};
use crate::analysis::{Block, Replicates};
use crate::catalogue::{Market, Objective, Residency, Site};

/// A question that is put together piece by piece.
#[derive(Clone, Debug)]
struct Case {
    markets: BTreeMap<MarketId, Market>,
    sites: BTreeMap<SiteId, Site>,
    objective: Objective,
    scores: Scores,
}

fn market(id: &str) -> MarketId {
    MarketId::new(id).unwrap()
}

fn site(id: &str) -> SiteId {
    SiteId::new(id).unwrap()
}

fn ids(names: &str) -> Vec<SiteId> {
    names.split_whitespace().map(site).collect()
}

impl Case {
    fn new() -> Self {
        let objective = Objective { max_sites: 5, ..Objective::default() };
        Self { markets: BTreeMap::new(), sites: BTreeMap::new(), objective, scores: Scores::new() }
    }

    /// Markets of equal weight by lines such as `in: singapore 60, oregon 230 240 220`: scores in
    /// milliseconds of all dates, and without each. Sites are where their names say.
    fn read(text: &str) -> Self {
        let mut case = Self::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (name, scores) = line.split_once(':').unwrap();
            case.market(name, 1.0);
            for pair in scores.split(',').filter(|pair| !pair.trim().is_empty()) {
                let mut words = pair.split_whitespace();
                let place = words.next().unwrap();
                let values: Vec<f64> = words.map(|ms| ms.parse::<f64>().unwrap() * 1e3).collect();
                case.site(place, "US", None);
                case.score(name, place, &values);
            }
        }
        case
    }

    fn market(&mut self, id: &str, weight: f64) {
        let name = id.to_owned();
        let terms = Market { name, weight, time_zone: TimeZone::UTC, residency: None };
        self.markets.insert(market(id), terms);
    }

    fn site(&mut self, id: &str, country: &str, cost_per_month: Option<f64>) {
        let terms = Site {
            city: None,
            country: country.to_owned(),
            position: None,
            provider: None,
            region: None,
            cost_per_month,
        };
        self.sites.insert(site(id), terms);
    }

    /// The score of all dates, then without each.
    fn score(&mut self, of: &str, at: &str, values: &[f64]) {
        let without = values[1..].iter().zip(0..).map(|(value, day)| (Block(day), *value));
        let replicates = Replicates { all: values[0], without: without.collect() };
        self.scores.entry(market(of)).or_default().insert(site(at), replicates);
    }

    fn reside(&mut self, id: &str, countries: &[&str], sites: &[&str]) {
        let countries = countries.iter().map(ToString::to_string).collect();
        let sites: BTreeSet<_> = sites.iter().map(|id| site(id)).collect();
        self.markets.get_mut(&market(id)).unwrap().residency = Some(Residency { countries, sites });
    }

    fn question(&self) -> Question<'_> {
        Question {
            markets: &self.markets,
            sites: &self.sites,
            objective: &self.objective,
            scores: &self.scores,
        }
    }

    fn plan(&self) -> Result<Plan, Infeasible> {
        plan(&self.question())
    }

    fn words(&self) -> Vec<String> {
        let infeasible = self.plan().unwrap_err();
        infeasible.obstacles.iter().map(ToString::to_string).collect()
    }
}

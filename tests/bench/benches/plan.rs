//! How long a plan takes, against the budget: `cargo bench -p vantage-bench --bench plan`.
//!
//! 60 sites, 50 markets, up to five sites, 30 dates that are left out one by one, and the frontier;
//! on one core. Kinds of scores range from what a map gives to what is hard on a search: scores
//! without any pattern, all nearly equal, all equal, few different ones; each with and without
//! rules.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use jiff::tz::TimeZone;
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use vantage_aggregator::analysis::plan::{Question, Scores, plan};
use vantage_aggregator::analysis::{Block, Replicates};
use vantage_aggregator::catalogue::{Market, Objective, Residency, Site};
use vantage_bench::{Table, median_times};
use vantage_wire::{MarketId, SiteId};

const SITES: usize = 60;
const MARKETS: usize = 50;
const DATES: i64 = 30;
const BUDGET: Duration = Duration::from_secs(2);
const SEED: u64 = 1;
/// How far a score goes up and down when a date is left out, as a share of it.
const NOISE: f64 = 0.01;
const EARTH_RADIUS_KM: f64 = 6_371.0;
/// Round trips through fibre on real routes: about 100 km a millisecond, and 1.6 times as far.
const US_PER_KM: f64 = 16.0;

/// How scores come about.
#[derive(Clone, Copy)]
enum Kind {
    Map,
    Random,
    NearlyEqual,
    Equal,
    ThreeValues,
}

/// What a bench row plans.
struct Case {
    name: &'static str,
    markets: BTreeMap<MarketId, Market>,
    sites: BTreeMap<SiteId, Site>,
    scores: Scores,
    objective: Objective,
}

fn main() {
    let ms = Duration::from_millis;
    let none = Objective::default();
    let ceiling = |worst| Objective { worst_market: Some(ms(worst)), ..Objective::default() };
    let second = Objective { second_choice: Some(ms(220)), ..ceiling(150) };
    let cost = Objective { max_cost_per_month: Some(1_500.0), ..Objective::default() };
    let cases = [
        Case::new("map", Kind::Map, &none),
        Case::new("map, residency in ten markets", Kind::Map, &none).with_residency(),
        Case::new("map, worst market 125 ms", Kind::Map, &ceiling(125)),
        Case::new("map, 150 ms, second choice 220 ms", Kind::Map, &second),
        Case::new("map, cost limit", Kind::Map, &cost),
        Case::new("map, worst market 60 ms", Kind::Map, &ceiling(60)),
        Case::new("random", Kind::Random, &none),
        Case::new("random, worst market 150 ms", Kind::Random, &ceiling(150)),
        Case::new("random, cost limit", Kind::Random, &cost),
        Case::new("nearly equal", Kind::NearlyEqual, &none),
        Case::new("equal", Kind::Equal, &none),
        Case::new("three different scores", Kind::ThreeValues, &none),
        Case::new("map, up to 6 sites", Kind::Map, &Objective { max_sites: 6, ..none.clone() }),
        Case::new("map, up to 7 sites", Kind::Map, &Objective { max_sites: 7, ..none.clone() }),
    ];
    let mut table = Table::new(&["scores and rules", "sites chosen", "stability", "time, ms"]);
    let mut slowest = Duration::ZERO;
    for case in &cases {
        let answer = plan(&case.question());
        let (sites, share) = answer.as_ref().map_or_else(
            |_| ("infeasible".to_owned(), "–".to_owned()),
            |plan| {
                let share = plan.stability.share.expect("there are dates");
                (plan.sites.len().to_string(), format!("{share:.2}"))
            },
        );
        let [time] = median_times([&mut || drop(black_box(plan(&case.question())))]);
        if case.objective.max_sites == Objective::default().max_sites {
            slowest = slowest.max(time);
        }
        let time = format!("{:.0}", time.as_secs_f64() * 1e3);
        table.row([case.name.to_owned(), sites, share, time]);
    }
    println!("{table}");
    println!(
        "Budget: {} ms for up to 5 of {SITES} sites and {MARKETS} markets; the slowest takes {:.0} ms, {}.",
        BUDGET.as_millis(),
        slowest.as_secs_f64() * 1e3,
        if slowest <= BUDGET { "kept" } else { "MISSED" },
    );
}

impl Case {
    fn new(name: &'static str, kind: Kind, objective: &Objective) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(SEED);
        let markets: BTreeMap<_, _> = (0..MARKETS)
            .map(|number| (id(MarketId::new, "m", number), market(random.random_range(0.2..4.2))))
            .collect();
        let sites: BTreeMap<_, _> = (0..SITES)
            .map(|number| (id(SiteId::new, "s", number), site(random.random_range(100.0..1_000.0))))
            .collect();
        let mut place =
            || (random.random_range(-180.0..180.0_f64), random.random_range(-50.0..65.0));
        let market_places: Vec<_> = markets.keys().map(|_| place()).collect();
        let site_places: Vec<_> = sites.keys().map(|_| place()).collect();
        let mut scores = Scores::new();
        for (market, at) in markets.keys().zip(&market_places) {
            let of_market = sites.keys().zip(&site_places).map(|(site, to)| {
                let score = kind.score(distance_km(*at, *to), &mut random);
                (site.clone(), replicates(score, kind, &mut random))
            });
            scores.insert(market.clone(), of_market.collect());
        }
        Self { name, markets, sites, scores, objective: objective.clone() }
    }

    /// The data of every fifth market must stay at three of its ten nearest sites.
    fn with_residency(mut self) -> Self {
        for (id, market) in self.markets.iter_mut().step_by(5) {
            let mut nearest: Vec<_> = self.scores[id].iter().collect();
            nearest.sort_by(|a, b| a.1.all.total_cmp(&b.1.all));
            let sites = nearest[3..10].iter().step_by(3).map(|(site, _)| (*site).clone()).collect();
            market.residency = Some(Residency { countries: [].into(), sites });
        }
        self
    }

    fn question(&self) -> Question<'_> {
        Question {
            markets: &self.markets,
            sites: &self.sites,
            objective: &self.objective,
            scores: &self.scores,
        }
    }
}

impl Kind {
    fn score(self, km: f64, random: &mut impl Rng) -> f64 {
        match self {
            Self::Map => 5_000.0 + US_PER_KM * km + random.random_range(0.0..20_000.0),
            Self::Random => random.random_range(1_000.0..300_000.0),
            Self::NearlyEqual => random.random_range(100_000.0..100_100.0),
            Self::Equal => 100_000.0,
            Self::ThreeValues => 100_000.0 + f64::from(random.random_range(0..3)) * 1_000.0,
        }
    }
}

fn replicates(score: f64, kind: Kind, random: &mut impl Rng) -> Replicates {
    let without = (0..DATES).map(|day| {
        let noise = match kind {
            Kind::Map | Kind::Random => score * random.random_range(-NOISE..NOISE),
            Kind::NearlyEqual => random.random_range(-2.5..2.5),
            Kind::Equal | Kind::ThreeValues => 0.0,
        };
        (Block(day), score + noise)
    });
    Replicates { all: score, without: without.collect() }
}

/// Along the great circle.
fn distance_km(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (from_latitude, to_latitude) = (from.1.to_radians(), to.1.to_radians());
    let cosine = from_latitude.sin() * to_latitude.sin()
        + from_latitude.cos() * to_latitude.cos() * (from.0 - to.0).to_radians().cos();
    cosine.clamp(-1.0, 1.0).acos() * EARTH_RADIUS_KM
}

fn id<I, E: std::fmt::Debug>(new: impl Fn(&str) -> Result<I, E>, kind: &str, number: usize) -> I {
    new(&format!("{kind}{number:02}")).expect("letters and digits")
}

fn market(weight: f64) -> Market {
    Market { name: String::new(), weight, time_zone: TimeZone::UTC, residency: None }
}

fn site(cost: f64) -> Site {
    Site {
        city: None,
        country: "US".to_owned(),
        position: None,
        provider: None,
        region: None,
        cost_per_month: Some(cost),
    }
}

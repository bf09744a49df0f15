//! Simulated measurements, with all that makes real ones awkward.
//!
//! The latency of an attempt is `base · exp(effects)`. The effects are those of the market's day
//! (its access networks, common to all sites), of the site's day (common to all markets), of this
//! pair's day, of the evening's congestion (stronger on some days), and of the minute, which
//! resembles the one before. Some attempts take a multiple of it (a heavy tail), and some
//! fail, more on some days than on others.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};
use vantage_aggregator::analysis::{Block, Sample, View};
use vantage_wire::{FailureCode, LatencyHistogram, MarketId, Micros, Phase, SiteId};

/// What a failed attempt costs.
pub const TIMEOUT: Micros = Micros::from_secs(10);

/// How one market reaches one site.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The latency without any effect.
    pub base_us: f64,
    /// The mean share of attempts that fail.
    pub failure_rate: f64,
    /// The share of attempts that the agent loses by its own fault.
    pub agent_failure_rate: f64,
}

impl Path {
    /// Without failures.
    pub const fn of(base_us: f64) -> Self {
        Self { base_us, failure_rate: 0.0, agent_failure_rate: 0.0 }
    }
}

/// What all paths have in common. Spreads are standard deviations of the logarithm.
#[derive(Clone, Copy, Debug)]
pub struct Climate {
    /// Attempts of a day, evenly spread over it.
    pub attempts_per_day: u32,
    /// Of a market's day.
    pub market_day: f64,
    /// Of a site's day.
    pub site_day: f64,
    /// Of a pair's day.
    pub pair_day: f64,
    /// How much longer attempts take at the peak of an average evening, as a logarithm.
    pub evening: f64,
    /// How much evenings differ.
    pub evening_spread: f64,
    /// Of an attempt.
    pub minute: f64,
    /// How much of it comes from the attempt before, from 0 to 1.
    pub correlation: f64,
    /// The share of attempts that take a multiple of what they would.
    pub tail: f64,
    /// How much the failure rates of days differ.
    pub failure_spread: f64,
}

impl Climate {
    /// One attempt in three minutes over a public network.
    pub const USUAL: Self = Self {
        attempts_per_day: 480,
        market_day: 0.03,
        site_day: 0.02,
        pair_day: 0.03,
        evening: 0.25,
        evening_spread: 0.2,
        minute: 0.08,
        correlation: 0.8,
        tail: 0.004,
        failure_spread: 0.7,
    };
}

/// Paths by market and site.
pub type Paths = BTreeMap<MarketId, BTreeMap<SiteId, Path>>;

/// What every market sees of every site.
pub type Views = BTreeMap<MarketId, BTreeMap<SiteId, View>>;

/// The samples of one day.
pub type Day = BTreeMap<(MarketId, SiteId), Sample>;

/// Paths of one market, from its sites' names.
pub fn one_market<const N: usize>(sites: [(&str, Path); N]) -> Paths {
    let sites = sites.into_iter().map(|(id, path)| (SiteId::new(id).unwrap(), path)).collect();
    BTreeMap::from([(MarketId::new("hk").unwrap(), sites)])
}

/// Draws one day after the other.
pub struct Simulation<'p> {
    paths: &'p Paths,
    climate: Climate,
    random: ChaCha8Rng,
    /// The minute effect of each pair, which midnight does not end.
    minutes: BTreeMap<(&'p MarketId, &'p SiteId), f64>,
}

impl<'p> Simulation<'p> {
    /// The same seed gives the same measurements.
    pub fn new(paths: &'p Paths, climate: Climate, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { paths, climate, random, minutes: BTreeMap::new() }
    }

    /// The next day.
    pub fn day(&mut self) -> Day {
        let climate = self.climate;
        let mut site_effects: BTreeMap<&SiteId, f64> = BTreeMap::new();
        let mut day = Day::new();
        for (market, sites) in self.paths {
            let market_effect = self.normal(climate.market_day);
            let evening = climate.evening * self.normal(climate.evening_spread).exp();
            for (site, path) in sites {
                let site_effect = match site_effects.get(site) {
                    Some(effect) => *effect,
                    None => self.normal(climate.site_day),
                };
                site_effects.insert(site, site_effect);
                let effect = market_effect + site_effect + self.normal(climate.pair_day);
                let sample = self.pair((market, site), path, effect, evening);
                day.insert((market.clone(), site.clone()), sample);
            }
        }
        day
    }

    /// Block by block, beginning with block 0.
    pub fn views(&mut self, days: i64) -> Views {
        let mut blocks: BTreeMap<_, BTreeMap<Block, Sample>> = BTreeMap::new();
        for block in (0..days).map(Block) {
            for (pair, sample) in self.day() {
                blocks.entry(pair).or_default().insert(block, sample);
            }
        }
        let mut views = Views::new();
        for ((market, site), blocks) in blocks {
            views.entry(market).or_default().insert(site, View::new(blocks).unwrap());
        }
        views
    }

    /// All days together, without keeping them.
    pub fn totals(&mut self, days: u32) -> Day {
        let mut totals = Day::new();
        for _ in 0..days {
            for (pair, sample) in self.day() {
                totals.entry(pair).or_default().merge(&sample).unwrap();
            }
        }
        totals
    }

    fn pair(
        &mut self,
        pair: (&'p MarketId, &'p SiteId),
        path: &Path,
        effect: f64,
        evening: f64,
    ) -> Sample {
        let climate = self.climate;
        let start = self.normal(climate.minute);
        let mut minute = self.minutes.get(&pair).copied().unwrap_or(start);
        let innovation = climate.minute * (1.0 - climate.correlation.powi(2)).sqrt();
        let spread = climate.failure_spread;
        // The mean of a log-normal is above its median.
        let failing = path.failure_rate * (self.normal(spread) - spread.powi(2) / 2.0).exp();
        let mut latencies = Vec::with_capacity(climate.attempts_per_day as usize);
        let (mut failed, mut lost) = (0, 0);
        for attempt in 0..climate.attempts_per_day {
            minute = climate.correlation * minute + self.normal(innovation);
            let fate: f64 = self.random.random();
            if fate < failing {
                failed += 1;
            } else if fate < failing + path.agent_failure_rate {
                lost += 1;
            } else {
                let hour = 24.0 * f64::from(attempt) / f64::from(climate.attempts_per_day);
                // Congestion is heaviest at 21 h, and half as heavy two hours before and after.
                let congestion = evening / (1.0 + ((hour - 21.0) / 2.0).powi(2));
                let tail = if 1.0 - fate < climate.tail { self.pareto() } else { 1.0 };
                let latency = path.base_us * (effect + congestion + minute).exp() * tail;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "some seconds at most"
                )]
                latencies.push(Micros::new(latency as u64));
            }
        }
        self.minutes.insert(pair, minute);
        let mut sample = Sample::default();
        sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
        for (code, count) in
            [(FailureCode::TcpTimeout, failed), (FailureCode::AgentMissedSlot, lost)]
        {
            sample.add_failures(Phase::Connect, code, count, TIMEOUT).unwrap();
        }
        (sample.covered_s, sample.expected_s) = (86_400, 86_400);
        sample
    }

    /// From 1 to 30, of infinite variance but for that end.
    fn pareto(&mut self) -> f64 {
        let uniform: f64 = self.random.random();
        uniform.max(1e-3).powf(-0.5).min(30.0)
    }

    fn normal(&mut self, spread: f64) -> f64 {
        let standard: f64 = StandardNormal.sample(&mut self.random);
        spread * standard
    }
}

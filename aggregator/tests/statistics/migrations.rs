//! Simulated migrations: a service and sites that did not move, hour by hour, before and after.
//!
//! Successive attempts resemble each other because hours do, hours because days do, and sites
//! because they share the market's access network. The logarithm of a latency is
//!
//! ```text
//! base + diurnal(hour of the day) + market(day) + site(day) + ar(hour) + noise(attempt)
//! ```
//!
//! with `ar` an autoregression from hour to hour and all others independent normal deviates. Now
//! and then an hour is bad, and a tenth of its attempts time out.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::ops::Range;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use vantage_aggregator::analysis::compare::{
    ComparisonSettings, FAILURE_RATE_THRESHOLD, Hours, LocalHour, MarketHours, Periods,
};
use vantage_aggregator::analysis::{Block, Sample, Threshold};
use vantage_aggregator::catalogue::Score;
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

pub const TIMEOUT: Micros = Micros::from_secs(10);
/// 2026-03-02 00:30 in India, a Monday.
pub const START: i64 = 492_331;
/// 14 days later, in the morning.
pub const CUTOVER: i64 = START + 14 * 24 + 10;
/// 14 more days, and as many hours.
pub const END: i64 = CUTOVER + 14 * 24 + 10;

/// How latencies vary. All are standard deviations of the logarithm, about shares of the latency.
#[derive(Clone, Copy, Debug)]
pub struct Variation {
    /// Of days of all sites alike.
    pub market_day: f64,
    /// Of days of one site.
    pub site_day: f64,
    /// Of hours of one site.
    pub hour: f64,
    /// How much of that is left after an hour.
    pub memory: f64,
    /// Of single attempts.
    pub attempt: f64,
}

/// Days that differ by 5 %, of which more than half is the site's own.
pub const USUAL: Variation =
    Variation { market_day: 0.03, site_day: 0.04, hour: 0.05, memory: 0.7, attempt: 0.15 };

const ATTEMPTS_AN_HOUR: usize = 30;
/// By how much evenings are slower than the mean, and mornings faster.
const DIURNAL: f64 = 0.1;
const BAD_HOURS: f64 = 0.02;
const FAILING_IN_BAD_HOURS: f64 = 0.1;

/// One market's measurements of as many series as asked for.
pub struct Simulation {
    random: ChaCha8Rng,
    variation: Variation,
    market_days: BTreeMap<Block, f64>,
}

pub fn zone() -> TimeZone {
    TimeZone::get("Asia/Kolkata").unwrap()
}

pub fn local(hour: i64) -> LocalHour {
    LocalHour::of(hour, &zone()).unwrap()
}

impl Simulation {
    pub fn new(seed: u64, variation: Variation) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let days = (START..END + 24).map(|hour| local(hour).day);
        let mut market_days = BTreeMap::new();
        for day in days {
            market_days.entry(day).or_insert_with(|| variation.market_day * normal(&mut random));
        }
        Self { random, variation, market_days }
    }

    /// A series around `base_us`; `change` says what becomes of a latency in an hour.
    pub fn series(&mut self, base_us: f64, change: impl Fn(i64, f64) -> f64) -> Hours {
        let Variation { site_day, hour: hourly, memory, attempt, .. } = self.variation;
        let random = &mut self.random;
        let mut site_days = BTreeMap::<Block, f64>::new();
        let mut drift = hourly * normal(random);
        let mut hours = Hours::new();
        let zone = zone();
        for hour in START..END {
            let local = LocalHour::of(hour, &zone).unwrap();
            drift = memory * drift + hourly * (1.0 - memory * memory).sqrt() * normal(random);
            let day = *site_days.entry(local.day).or_insert_with(|| site_day * normal(random));
            let of_day = (f64::from(local.hour_of_day()) - 20.0) / 24.0;
            let level = DIURNAL * (TAU * of_day).cos() + self.market_days[&local.day] + day + drift;
            let mut failed = 0;
            let is_bad = random.random_bool(BAD_HOURS);
            let latencies: Vec<f64> = (0..ATTEMPTS_AN_HOUR)
                .filter_map(|_| {
                    let latency = base_us * (level + attempt * normal(random)).exp();
                    let fails = is_bad && random.random_bool(FAILING_IN_BAD_HOURS);
                    failed += u64::from(fails);
                    (!fails).then(|| change(hour, latency))
                })
                .collect();
            hours.insert(hour, sample(latencies, failed));
        }
        hours
    }

    /// A market with so many controls, whose service changes after the cutover as said, and whose
    /// sites all change as said.
    pub fn market(
        &mut self,
        controls: usize,
        service: impl Fn(f64) -> f64,
        everyone: impl Fn(f64) -> f64,
    ) -> MarketHours {
        let after = |hour| hour >= CUTOVER;
        let service =
            self.series(
                80_000.0,
                |hour, latency| {
                    if after(hour) { everyone(service(latency)) } else { latency }
                },
            );
        let sites = ["oregon", "mumbai", "singapore"];
        let controls = sites.iter().zip([120_000.0, 40_000.0, 70_000.0]).take(controls);
        let controls = controls
            .map(|(site, base_us)| {
                let series =
                    self.series(
                        base_us,
                        |hour, latency| {
                            if after(hour) { everyone(latency) } else { latency }
                        },
                    );
                (site.parse().unwrap(), series)
            })
            .collect();
        MarketHours {
            market: "in".parse().unwrap(),
            weight: 1.0,
            time_zone: zone(),
            service,
            candidate: None,
            controls,
        }
    }
}

fn normal(random: &mut impl Rng) -> f64 {
    random.sample(StandardNormal)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a minute")]
pub fn sample(latencies_us: impl IntoIterator<Item = f64>, failed: u64) -> Sample {
    let latencies = latencies_us.into_iter().map(|latency| Micros::new(latency as u64));
    let mut sample = Sample::default();
    (sample.covered_s, sample.expected_s) = (3600, 3600);
    sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
    sample.add_failures(Phase::Connect, FailureCode::TcpTimeout, failed, TIMEOUT).unwrap();
    sample
}

pub fn settings_within(hours: Range<i64>) -> ComparisonSettings {
    let cutover = Timestamp::from_second(CUTOVER * 3600).unwrap();
    ComparisonSettings {
        periods: Periods::around(cutover, SignedDuration::from_hours(6), hours),
        score: Score::Quantile(0.95),
        threshold: Threshold { absolute_us: 5_000.0, relative: 0.02 },
        failure_threshold: FAILURE_RATE_THRESHOLD,
    }
}

pub fn settings() -> ComparisonSettings {
    settings_within(START..END)
}

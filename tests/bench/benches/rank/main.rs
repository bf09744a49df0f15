//! What ranking costs, against the budget, and how it grows:
//! `cargo bench -p vantage-bench --bench rank [-- FOLDER]`.
//!
//! The views are those of one probe a minute from each market to each site, day by day; the whole
//! question reads the same from an embedded store in a temporary folder. With a
//! folder of published measurements, quantiles and orders recomputed from these are printed beside
//! the published ones.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

mod published;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use vantage_aggregator::analysis::{
    Block, BlockLength, RankSettings, Sample, Threshold, View, WeighedMarket, rank,
};
use vantage_aggregator::catalogue::Score;
use vantage_bench::{Table, median_times};
use vantage_wire::{FailureCode, LatencyHistogram, MarketId, Micros, Phase, SiteId};

const MARKETS: usize = 6;
const SITES: usize = 20;
const MONTH: i64 = 30;
const YEAR: i64 = 365;
const ATTEMPTS_PER_DAY: usize = 1440;
const SEED: u64 = 1;

/// Of the whole question, with the reading from the store.
const BUDGETS: [(i64, Duration); 2] =
    [(MONTH, Duration::from_millis(300)), (YEAR, Duration::from_secs(1))];

const SETTINGS: RankSettings = RankSettings {
    score: Score::Quantile(0.95),
    threshold: Threshold { absolute_us: 5_000.0, relative: 0.02 },
    blocks: BlockLength::Day,
};

type Markets = BTreeMap<MarketId, WeighedMarket>;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| argument != "--bench");
    let year = markets();
    analysis(&year);
    store::whole(&year);
    growth(&year);
    if let Some(folder) = folder {
        published::compare(Path::new(&folder));
    }
}

fn time(markets: &Markets) -> Duration {
    let [time] = median_times([&mut || {
        black_box(rank(markets, &SETTINGS));
    }]);
    time
}

/// The analysis of views that were read before.
fn analysis(year: &Markets) {
    let mut table = Table::new(&["analysis of 6 × 20 sites", "ms", "budget with reading, ms"]);
    for (days, budget) in BUDGETS {
        let time = time(&part(year, MARKETS, SITES, days));
        table.row([format!("{days} days"), milliseconds(time), milliseconds(budget)]);
    }
    println!("{table}");
}

/// How the time grows with each dimension, as the exponent of a power.
fn growth(year: &Markets) {
    let mut table = Table::new(&["grows with", "sizes", "ms", "exponent"]);
    let mut row = |name: &str, sizes: &[i64], size_of: &dyn Fn(i64) -> Markets| {
        let times: Vec<Duration> = sizes.iter().map(|size| time(&size_of(*size))).collect();
        let points =
            sizes.iter().zip(&times).map(|(size, time)| (*size as f64, time.as_secs_f64()));
        let list = |items: Vec<String>| items.join(" ");
        table.row([
            name.to_owned(),
            list(sizes.iter().map(ToString::to_string).collect()),
            list(times.iter().copied().map(milliseconds).collect()),
            format!("{:.2}", exponent(points)),
        ]);
    };
    let count = |size: i64| usize::try_from(size).expect("a small size");
    row("markets", &[1, 2, 3, 6], &|size| part(year, count(size), SITES, 90));
    row("sites", &[5, 10, 20], &|size| part(year, MARKETS, count(size), 90));
    row("blocks", &[30, 90, 180, 365], &|size| part(year, MARKETS, SITES, size));
    println!("{table}");
    println!("The exponent is the slope of a least-squares line through the logarithms.");
}

/// The power with which the second number of a pair grows with the first.
fn exponent(points: impl Iterator<Item = (f64, f64)>) -> f64 {
    let logarithms: Vec<(f64, f64)> = points.map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logarithms.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| logarithms.iter().map(value).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|(x, _)| *x), mean(|(_, y)| *y));
    let covariance: f64 = logarithms.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let variance: f64 = logarithms.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    covariance / variance
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1e3)
}

/// The first markets, sites and days.
fn part(year: &Markets, markets: usize, sites: usize, days: i64) -> Markets {
    let blocks: BTreeSet<Block> = (0..days).map(Block).collect();
    year.iter()
        .take(markets)
        .map(|(id, market)| {
            let views = market.views.iter().take(sites);
            let views = views.map(|(site, view)| (site.clone(), view.restricted_to(&blocks)));
            (id.clone(), WeighedMarket { weight: market.weight, views: views.collect() })
        })
        .collect()
}

/// A year of every market and site: latencies of 40 to 230 ms, spread by a tenth, on days that
/// differ by a twentieth.
fn markets() -> Markets {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let spread = LogNormal::new(0.0, 0.1).expect("parameters are finite");
    let days = LogNormal::new(0.0, 0.05).expect("parameters are finite");
    let mut view = |base_us: f64| {
        let blocks = (0..YEAR).map(|block| {
            let base_us = base_us * days.sample(&mut random);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "some hundred thousand"
            )]
            let latency = |factor: f64| Micros::new((base_us * factor) as u64);
            let drawn = spread.sample_iter(&mut random).take(ATTEMPTS_PER_DAY).map(latency);
            let mut sample = Sample::default();
            sample.add_latencies(&LatencyHistogram::from_samples(drawn)).expect("few samples");
            let timeout = Micros::from_secs(10);
            sample
                .add_failures(Phase::Connect, FailureCode::TcpTimeout, 3, timeout)
                .expect("few samples");
            (Block(block), sample)
        });
        View::new(blocks.collect()).expect("few samples")
    };
    (0..MARKETS)
        .map(|market| {
            let views = (0..SITES).map(|site| {
                let id = SiteId::new(&format!("site-{site}")).expect("a valid name");
                (id, view(40_000.0 + 8_000.0 * site as f64 + 6_000.0 * market as f64))
            });
            let views = views.collect();
            let id = MarketId::new(&format!("market-{market}")).expect("a valid name");
            (id, WeighedMarket { weight: 1.0, views })
        })
        .collect()
}

//! How often targets are probed, by everybody together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use vantage_wire::id::{MarketId, TargetId, VantageId};

use super::model::{Catalogue, Market, MeasuredBy, Probe, Target, Vantage};
use super::problem::{Findings, Place};
use super::span;

/// Sums of fractions are not exact.
const ROUNDING: f64 = 1.0 + 1e-9;

/// A target that sees more attempts than it may.
#[derive(Clone, Debug, PartialEq)]
pub struct ExceededCap {
    /// The target.
    pub target: TargetId,
    /// Attempts per second that it sees.
    pub attempts_per_second: f64,
    /// From so many vantage points.
    pub vantages: usize,
    /// Most that it may see.
    pub cap: f64,
}

impl fmt::Display for ExceededCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, attempts_per_second, vantages, cap } = self;
        write!(
            f,
            "target {:?} sees {} attempts per second from {vantages} vantage points, more than its \
             max_attempts_per_second of {cap}",
            target.as_str(),
            rounded(*attempts_per_second)
        )
    }
}

/// The vantage points that are expected: those that the catalogue lists, and one in each market for
/// which it lists none.
pub struct Fleet<'c> {
    listed: &'c BTreeMap<VantageId, Vantage>,
    per_market: BTreeMap<&'c MarketId, usize>,
}

impl<'c> Fleet<'c> {
    /// In these markets, with these listed.
    pub fn of(
        markets: &'c BTreeMap<MarketId, Market>,
        vantages: &'c BTreeMap<VantageId, Vantage>,
    ) -> Self {
        let mut listed: BTreeMap<&MarketId, usize> = BTreeMap::new();
        for vantage in vantages.values() {
            *listed.entry(&vantage.market).or_default() += 1;
        }
        let count = |market| listed.get(market).copied().unwrap_or(1);
        let per_market = markets.keys().map(|market| (market, count(market))).collect();
        Self { listed: vantages, per_market }
    }

    /// How many of them probe a target.
    pub fn probing(&self, target: &Target) -> usize {
        let MeasuredBy::Some { markets, vantages } = &target.measured_by else {
            return self.per_market.values().sum();
        };
        let by_name = vantages.iter().filter(|id| {
            self.listed.get(*id).is_some_and(|vantage| !markets.contains(&vantage.market))
        });
        markets.iter().filter_map(|market| self.per_market.get(market)).sum::<usize>()
            + by_name.count()
    }
}

impl Target {
    /// Attempts per second that one vantage point makes, by all its probes.
    pub fn attempts_per_vantage(&self) -> f64 {
        self.probes.values().map(Probe::attempts_per_second).sum()
    }

    /// How many times the cap that many vantage points would probe it; `None` where it fits.
    fn exceeds(&self, vantages: usize) -> Option<f64> {
        let excess = self.attempts_per_vantage() * vantages as f64 / self.max_attempts_per_second;
        (excess > ROUNDING).then_some(excess)
    }
}

impl Catalogue {
    /// The targets that these vantage points, taken together, would probe more often than allowed.
    /// Vantage points may enrol that the catalogue does not list.
    pub fn exceeded_caps<'v>(
        &self,
        vantages: impl IntoIterator<Item = (&'v VantageId, &'v MarketId)>,
    ) -> Vec<ExceededCap> {
        let vantages: Vec<_> =
            vantages.into_iter().filter(|(_, market)| self.markets.contains_key(*market)).collect();
        let exceeded = self.targets.iter().filter_map(|(id, target)| {
            let measuring = vantages
                .iter()
                .filter(|(id, market)| target.measured_by.includes(id, market))
                .count();
            target.exceeds(measuring)?;
            Some(ExceededCap {
                target: id.clone(),
                attempts_per_second: target.attempts_per_vantage() * measuring as f64,
                vantages: measuring,
                cap: target.max_attempts_per_second,
            })
        });
        exceeded.collect()
    }
}

/// Notes where a target would see too many attempts, and what would fit.
pub fn check(
    target: &Target,
    id: &TargetId,
    fleet: &Fleet<'_>,
    at: Place,
    findings: &Findings<'_>,
) {
    let vantages = fleet.probing(target);
    let Some(excess) = target.exceeds(vantages) else { return };
    let cap = target.max_attempts_per_second;
    let rate = rounded(cap * excess);
    let message = format!(
        "target {:?} would see {rate} attempts per second from {vantages} vantage points, more than {cap}",
        id.as_str()
    );
    let intervals: BTreeSet<Duration> =
        target.probes.values().map(|probe| probe.interval).collect();
    let slower = match intervals.first() {
        Some(interval) if intervals.len() == 1 => {
            let millis = (interval.as_secs_f64() * 1_000.0 * excess / ROUNDING).ceil();
            let fits = Duration::try_from_secs_f64(millis / 1_000.0).unwrap_or(Duration::MAX);
            format!("an interval of {}", span::print(fits))
        }
        _ => format!("intervals {} times as long", rounded(excess)),
    };
    findings.add(at, message, format!("{slower} would fit, or max_attempts_per_second = {rate}"));
}

/// Rounded up to three decimals, so that what is proposed fits.
pub fn rounded(number: f64) -> f64 {
    (number * 1_000.0 / ROUNDING).ceil() / 1_000.0
}

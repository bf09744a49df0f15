//! How often targets are probed, by everybody together.

use std::collections::BTreeSet;
use std::time::Duration;

use vantage_wire::id::{MarketId, TargetId, VantageId};

use super::model::{Catalogue, MeasuredBy, Target};
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
    /// Most that it may see.
    pub cap: f64,
}

impl Target {
    /// Attempts per second that one vantage point makes, by all its probes.
    pub fn attempts_per_vantage(&self) -> f64 {
        self.probes.values().map(super::model::Probe::attempts_per_second).sum()
    }

    /// How many times the cap that many vantage points would probe it; `None` where it fits.
    fn exceeds(&self, vantages: usize) -> Option<f64> {
        let excess = self.attempts_per_vantage() * vantages as f64 / self.max_attempts_per_second;
        (excess > ROUNDING).then_some(excess)
    }
}

impl Catalogue {
    /// How many vantage points measure a target, as far as the catalogue knows: those it lists, and
    /// one in each market for which it lists none.
    pub fn expected_vantages(&self, target: &Target) -> usize {
        let listed = self.vantages.iter();
        let measuring =
            listed.filter(|(id, vantage)| target.measured_by.includes(id, &vantage.market)).count();
        let with_vantages: BTreeSet<&MarketId> =
            self.vantages.values().map(|vantage| &vantage.market).collect();
        let without = self.markets.keys().filter(|market| !with_vantages.contains(market));
        let unlisted = without.filter(|market| match &target.measured_by {
            MeasuredBy::All => true,
            MeasuredBy::Some { markets, .. } => markets.contains(*market),
        });
        measuring + unlisted.count()
    }

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
                cap: target.max_attempts_per_second,
            })
        });
        exceeded.collect()
    }
}

/// Notes where a target would see too many attempts, and what would fit.
pub fn check(catalogue: &Catalogue, id: &TargetId, at: Place, findings: &Findings<'_>) {
    let Some(target) = catalogue.targets.get(id) else { return };
    let vantages = catalogue.expected_vantages(target);
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

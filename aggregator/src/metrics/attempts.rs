//! What reports tell of sites, as it comes in.
//!
//! Prometheus wants counters: what they grew by is what was reported since. So attempts count when
//! their report is stored, not when they were made; after an outage of the link those of hours come
//! at once. Rankings, series and exports have them at their time.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use vantage_service::metrics::{Bounds, Durations, Exposition, Sample, Value};
use vantage_wire::report::{ProbeKind, Report};
use vantage_wire::{Attribution, MarketId, SiteId, TargetId};

use super::names;
use crate::catalogue::{Catalogue, TargetOf};

/// From 1 ms to 64 s, by factors of √2: the bounds of a native histogram of schema 1.
static BOUNDS: LazyLock<Bounds> = LazyLock::new(|| Bounds::exponential(1, -10..=6));

/// A market, a site, and how it was probed.
type Place = (MarketId, SiteId, ProbeKind);

/// `ok`, or whom a failure is laid to.
const OUTCOMES: [&str; 7] = ["ok", "target", "path", "resolver", "agent", "config", "unknown"];

fn outcome(attribution: Attribution) -> usize {
    match attribution {
        Attribution::Target => 1,
        Attribution::Path => 2,
        Attribution::Resolver => 3,
        Attribution::Agent => 4,
        Attribution::Config => 5,
        Attribution::Unknown => 6,
    }
}

#[derive(Clone, Debug)]
struct Seen {
    attempts: [u64; OUTCOMES.len()],
    took: Durations,
}

impl Default for Seen {
    fn default() -> Self {
        Self { attempts: [0; OUTCOMES.len()], took: Durations::new(&BOUNDS) }
    }
}

/// What one report adds.
#[derive(Debug, Default)]
pub struct Counted {
    windows: u64,
    bytes: u64,
    seen: BTreeMap<(TargetId, ProbeKind), Seen>,
}

impl Counted {
    /// Counts a report that took so many bytes. Work for the processor: histograms are looked through.
    pub fn of(report: &Report, bytes: usize) -> Self {
        let mut counted =
            Self { windows: report.windows.len() as u64, bytes: bytes as u64, ..Self::default() };
        for window in &report.windows {
            // Over a connection that was open an attempt is another thing than from the beginning.
            for (key, tally) in window.tallies.iter().filter(|(key, _)| !key.warm) {
                let name = (key.target.clone(), key.kind);
                let seen = counted.seen.entry(name).or_default();
                seen.attempts[0] = seen.attempts[0].saturating_add(tally.ok);
                for ((code, _), row) in &tally.failures {
                    let attempts = &mut seen.attempts[outcome(code.attribution())];
                    *attempts = attempts.saturating_add(row.count);
                }
                if let Some(latencies) = tally.phases.get(&key.kind.outcome_phase()) {
                    latencies.visit_buckets(|bucket| {
                        seen.took.add(&BOUNDS, bucket.highest.get(), bucket.count);
                    });
                }
            }
        }
        counted
    }
}

/// What all reports so far told.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    stored: u64,
    duplicate: u64,
    windows: u64,
    bytes: u64,
    places: BTreeMap<Place, Seen>,
}

impl Attempts {
    /// Adds a report from a market that was stored. What it tells of targets that the catalogue has
    /// no longer, or of services, is left out.
    pub(super) fn add(&mut self, counted: Counted, market: &MarketId, catalogue: &Catalogue) {
        self.stored += 1;
        self.windows = self.windows.saturating_add(counted.windows);
        self.bytes = self.bytes.saturating_add(counted.bytes);
        for ((target, kind), seen) in counted.seen {
            let Some(target) = catalogue.targets.get(&target) else { continue };
            let TargetOf::Site(site) = &target.of else { continue };
            let place = self.places.entry((market.clone(), site.clone(), kind)).or_default();
            for (count, more) in place.attempts.iter_mut().zip(seen.attempts) {
                *count = count.saturating_add(more);
            }
            place.took.merge(&seen.took);
        }
    }

    /// A report had been stored before.
    pub(super) fn add_duplicate(&mut self) {
        self.duplicate += 1;
    }

    pub(super) fn put(&self, exposition: &mut Exposition) {
        let outcomes = [("stored", self.stored), ("duplicate", self.duplicate)];
        let outcomes = outcomes.map(|(name, count)| Sample::new([name], Value::Count(count)));
        exposition.put(names::REPORTS, outcomes);
        exposition.put_one(names::REPORT_WINDOWS, Value::Count(self.windows));
        exposition.put_one(names::REPORT_BYTES, Value::Count(self.bytes));
        let attempts = self.places.iter().flat_map(|((market, site, kind), seen)| {
            OUTCOMES.into_iter().zip(seen.attempts).map(move |(outcome, count)| {
                let labels = [market.as_str(), site.as_str(), kind.name(), outcome];
                Sample::new(labels.map(str::to_owned), Value::Count(count))
            })
        });
        exposition.put(names::ATTEMPTS, attempts);
        let took = self.places.iter().map(|((market, site, kind), seen)| {
            let labels = [market.as_str(), site.as_str(), kind.name()].map(str::to_owned);
            Sample::new(labels, seen.took.value(&BOUNDS))
        });
        exposition.put(names::ATTEMPT_DURATION, took);
    }
}

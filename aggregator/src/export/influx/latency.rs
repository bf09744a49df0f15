//! Points of [`LATENCY`]: what was measured from one start on.
//!
//! A point is all that a vantage point measured of one probe and phase in windows that start at the
//! same time: those of several runs of the agent, and of several lengths, where it merged some of
//! them while the aggregator was away. Every window is in exactly one point, so counts add up over
//! time to those of the store, and `window_s` is the longest. Roll-ups of an hour make points in the
//! same way.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use vantage_wire::report::{Family, MergeError, ProbeKey, ProbeKind, Tally};
use vantage_wire::{
    Attribution, FailureCode, HistogramMerger, LatencyHistogram, MarketId, Micros, Phase, ProbeId,
    TargetId, VantageId,
};

use super::fields::{
    BUCKET_BOUNDS_US, LATENCY, QUANTILES, bucket_field, can_fail_with, code_field, failed_field,
};
use super::line::{Point, Value};
use super::lines::Lines;
use crate::catalogue::{Catalogue, TargetOf};

/// What one probe measured from one start on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    target: TargetId,
    probe: ProbeId,
    kind: ProbeKind,
    family: Family,
    warm: bool,
    window_s: u32,
    /// The longest.
    timeout: Micros,
    tally: Tally,
    /// Attempts that failed by the fault of the target, the path or the resolver, and what each
    /// counts as.
    penalties: Vec<(Micros, u64)>,
}

/// A series that cannot be added up, as that of a broken agent.
#[derive(Debug)]
pub struct Fault {
    /// Of which target.
    pub target: TargetId,
    /// Of which probe.
    pub probe: ProbeId,
    /// What is wrong.
    pub error: MergeError,
}

/// Whose windows they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The market of the vantage point.
    pub market: MarketId,
    /// The vantage point.
    pub vantage: VantageId,
}

/// Probe, length of the window in seconds, and what was measured.
pub type Part<'a> = (&'a ProbeKey, u32, &'a Tally);

/// Adds up parts that start at the same time, given in the order in which they were measured.
///
/// Probes that differ in their interval or timeout only are one series: either may be changed in
/// the catalogue in the middle of a window.
pub fn gather<'a>(
    parts: impl IntoIterator<Item = Part<'a>>,
    merger: &mut HistogramMerger,
) -> (Vec<Series>, Vec<Fault>) {
    let mut groups: BTreeMap<_, Vec<Part<'_>>> = BTreeMap::new();
    for part in parts {
        let key = part.0;
        let name = (&key.target, &key.probe, key.kind, key.family, key.warm);
        groups.entry(name).or_default().push(part);
    }
    let (mut series, mut faults) = (Vec::with_capacity(groups.len()), Vec::new());
    for parts in groups.into_values() {
        let key = parts[0].0;
        let tally = match parts.as_slice() {
            [(_, _, alone)] => Ok((*alone).clone()),
            several => Tally::sum(several.iter().map(|(.., tally)| *tally), merger),
        };
        match tally {
            Ok(tally) => series.push(Series {
                target: key.target.clone(),
                probe: key.probe.clone(),
                kind: key.kind,
                family: key.family,
                warm: key.warm,
                window_s: parts.iter().map(|(_, length_s, _)| *length_s).max().unwrap_or(0),
                timeout: parts.iter().map(|(key, ..)| key.timeout).max().unwrap_or_default(),
                penalties: parts
                    .iter()
                    .map(|(key, _, tally)| (key.timeout, failed(tally)))
                    .collect(),
                tally,
            }),
            Err(error) => {
                faults.push(Fault { target: key.target.clone(), probe: key.probe.clone(), error });
            }
        }
    }
    (series, faults)
}

fn failed(tally: &Tally) -> u64 {
    let rows = tally.failures.iter();
    let counting = rows.filter(|((code, _), _)| code.attribution().counts_against_site());
    counting.fold(0, |sum: u64, (_, row)| sum.saturating_add(row.count))
}

static BUCKETS: LazyLock<[String; BUCKET_BOUNDS_US.len()]> =
    LazyLock::new(|| BUCKET_BOUNDS_US.map(bucket_field));
static CODES: LazyLock<Vec<(FailureCode, String)>> =
    LazyLock::new(|| FailureCode::ALL.iter().map(|code| (*code, code_field(*code))).collect());

impl Series {
    /// Adds a point for each phase: for those that have samples, and the one of the outcome.
    pub fn write(&self, place: &Place, start_s: i64, catalogue: &Catalogue, lines: &mut Lines) {
        let outcome = self.kind.outcome_phase();
        let has_outcome = self.tally.phases.contains_key(&outcome);
        let phases = self.tally.phases.iter().map(|(phase, histogram)| {
            // It was decoded when it was taken in.
            (*phase, histogram.decode().unwrap_or_default())
        });
        let without = (!has_outcome).then(|| (outcome, LatencyHistogram::new()));
        for (phase, histogram) in phases.chain(without) {
            lines.push(&self.point(place, start_s, catalogue, phase, &histogram));
        }
    }

    fn point<'a>(
        &'a self,
        place: &'a Place,
        start_s: i64,
        catalogue: &'a Catalogue,
        phase: Phase,
        histogram: &LatencyHistogram,
    ) -> Point<'a> {
        let mut fields = Vec::with_capacity(100);
        self.latencies(histogram, &mut fields);
        if phase == self.kind.outcome_phase() {
            self.outcome(histogram, &mut fields);
        }
        let tags = self.tags(place, catalogue, phase);
        Point { measurement: LATENCY, tags, fields, time_s: start_s }
    }

    /// In the order of their names.
    fn tags<'a>(
        &'a self,
        place: &'a Place,
        catalogue: &'a Catalogue,
        phase: Phase,
    ) -> Vec<(&'a str, &'a str)> {
        let mut tags = Vec::with_capacity(9);
        if self.family != Family::Any {
            tags.push(("family", self.family.name()));
        }
        tags.push(("kind", self.kind.name()));
        tags.push(("market", place.market.as_str()));
        tags.push(("phase", phase.name()));
        tags.push(("probe", self.probe.as_str()));
        match catalogue.targets.get(&self.target).map(|target| &target.of) {
            Some(TargetOf::Service(service)) => tags.push(("service", service.as_str())),
            Some(TargetOf::Site(site)) => tags.push(("site", site.as_str())),
            // It is not in the catalogue any more.
            None => {}
        }
        tags.push(("target", self.target.as_str()));
        tags.push(("vantage", place.vantage.as_str()));
        if self.warm {
            tags.push(("warm", "true"));
        }
        tags
    }

    fn latencies<'a>(
        &'a self,
        histogram: &LatencyHistogram,
        fields: &mut Vec<(&'a str, Value<'a>)>,
    ) {
        let micros = |span: Micros| Value::count(span.get());
        fields.push(("window_s", Value::Integer(self.window_s.into())));
        fields.push(("count", Value::count(histogram.count())));
        fields.extend(histogram.min().map(|min| ("min_us", micros(min))));
        for ((name, _), quantile) in
            QUANTILES.iter().zip(histogram.quantiles(&QUANTILES.map(|(_, share)| share)))
        {
            fields.extend(quantile.map(|quantile| (*name, micros(quantile))));
        }
        fields.extend(histogram.max().map(|max| ("max_us", micros(max))));
        fields.extend(histogram.mean().map(|mean| ("mean_us", Value::Float(mean))));
        for (bound_us, name) in BUCKET_BOUNDS_US.iter().zip(&*BUCKETS) {
            let count = histogram.count_at_or_below(Micros::new(*bound_us));
            fields.push((name, Value::count(count)));
        }
        fields.push(("le_inf", Value::count(histogram.count())));
    }

    fn outcome<'a>(&'a self, histogram: &LatencyHistogram, fields: &mut Vec<(&'a str, Value<'a>)>) {
        let failed = failed(&self.tally);
        fields.push(("attempts", Value::count(self.tally.ok.saturating_add(failed))));
        fields.push(("ok", Value::count(self.tally.ok)));
        fields.push(("failed", Value::count(failed)));
        let counts = self.counts();
        for attribution in Attribution::ALL {
            let laid_to = counts.iter().filter(|(code, _)| code.attribution() == *attribution);
            let count = laid_to.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
            fields.push((failed_field(*attribution), Value::count(count)));
        }
        let count_of = |code| counts.get(&code).copied().unwrap_or(0);
        fields.push(("missed", Value::count(count_of(FailureCode::AgentMissedSlot))));
        fields.push(("degraded", Value::count(self.tally.degraded)));
        let inclusive = self.inclusive(histogram).and_then(|all| all.quantile(0.95));
        fields.extend(inclusive.map(|p95| ("p95_inclusive_us", Value::count(p95.get()))));
        fields.push(("timeout_us", Value::count(self.timeout.get())));
        for (code, name) in &*CODES {
            let count = count_of(*code);
            // One that was not to be expected of this kind is written all the same.
            if count > 0 || can_fail_with(self.kind, *code) {
                fields.push((name, Value::count(count)));
            }
        }
    }

    fn counts(&self) -> BTreeMap<FailureCode, u64> {
        let mut counts: BTreeMap<FailureCode, u64> = BTreeMap::new();
        for ((code, _), row) in &self.tally.failures {
            let count = counts.entry(*code).or_default();
            *count = count.saturating_add(row.count);
        }
        counts
    }

    /// Latencies of all attempts that speak about the site, a failed one counted as its timeout;
    /// `None` where they cannot be counted.
    fn inclusive(&self, latencies: &LatencyHistogram) -> Option<LatencyHistogram> {
        let mut all = latencies.clone();
        for (timeout, count) in &self.penalties {
            all.record_n(*timeout, *count).ok()?;
        }
        Some(all)
    }
}

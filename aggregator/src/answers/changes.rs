//! When latencies moved to another level, and whether the address moved with them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, ProbeId, ServiceId, TargetId, UtcMicros, VantageId};

use super::error::AnswerError;
use super::parameters::Parameters;
use super::probes::Probed;
use super::question::Question;
use super::rollups::{SeriesName, latencies, series_of};
use super::scope::{Scope, Settled};
use super::sites::{self, threshold};
use crate::analysis::change::{
    Cause, SeenAddresses, Settings, explain, hourly_medians, level_shifts,
};
use crate::analysis::{Block, Sample, View};
use crate::catalogue::{Catalogue, parse_span};
use crate::store::{Level, Rollup, RollupQuery, Store};

/// Where to look for changes.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct ChangesQuery {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show a text here as the command's own")]
    pub scope: Scope,
    /// What was measured of a service instead of sites.
    #[arg(long, value_name = "ID", conflicts_with = "site")]
    pub service: Option<ServiceId>,
    /// The least change that is told: 5ms. [default: the threshold of the objective]
    #[arg(long, value_name = "SPAN")]
    pub smallest: Option<String>,
}

/// A change of the level of one series, that stayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// Who measured it.
    pub vantage: VantageId,
    /// The market of the vantage point.
    pub market: MarketId,
    /// What was probed.
    pub target: TargetId,
    /// By which of its probes.
    pub probe: ProbeId,
    /// The first hour at the new level.
    pub at: Timestamp,
    /// The last hour at the old level.
    pub last_before: Timestamp,
    /// Median of the old level, in µs.
    pub before_us: f64,
    /// Median of the new level, in µs.
    pub after_us: f64,
    /// How clearly the two levels differ, from 0 to 1.
    pub separation: f64,
    /// What changed with it: the address, the route to the same address, or nobody knows.
    pub cause: Cause,
    /// The addresses probed in the day before.
    pub addresses_before: BTreeSet<std::net::IpAddr>,
    /// The addresses probed in the day after.
    pub addresses_after: BTreeSet<std::net::IpAddr>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangesAnswer {
    /// What was asked.
    pub question: Question,
    /// By time.
    pub changes: Vec<ChangeDocument>,
}

impl ChangesQuery {
    /// Takes its parameters out of a query.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] for a value that does not parse.
    pub fn take_from(parameters: &mut Parameters) -> Result<Self, AnswerError> {
        Ok(Self {
            scope: Scope::take_from(parameters)?,
            service: parameters.take("service")?,
            smallest: parameters.take("smallest")?,
        })
    }

    /// Puts its parameters into a query.
    pub fn put_into(&self, parameters: &mut Parameters) {
        self.scope.put_into(parameters);
        parameters.put("service", self.service.as_ref());
        parameters.put("smallest", self.smallest.as_ref());
    }

    fn settings(&self, catalogue: &Catalogue) -> Result<Settings, AnswerError> {
        let mut smallest = threshold(catalogue);
        if let Some(text) = &self.smallest {
            let span = parse_span(text).ok_or_else(|| {
                let message = format!("{text:?} is no span; write a number and ms or s: 5ms");
                AnswerError::Senseless(message)
            })?;
            (smallest.absolute_us, smallest.relative) = (span.as_secs_f64() * 1e6, 0.0);
        }
        Ok(Settings { smallest, ..Settings::default() })
    }
}

/// Finds changes of level in every series asked about, each vantage point by itself: what changed
/// for one network did not change for all.
///
/// # Errors
///
/// [`AnswerError`] where the query makes no sense, nothing was measured, or the store cannot be
/// read.
pub async fn changes(
    store: &Store,
    catalogue: &Catalogue,
    query: &ChangesQuery,
    now: Timestamp,
) -> Result<ChangesAnswer, AnswerError> {
    let settled = query.scope.settle(catalogue, now)?;
    let settings = query.settings(catalogue)?;
    let targets = sites::targets_of_service_or(catalogue, query.service.as_ref(), &settled.sites)?;
    let probed = Probed::choose(catalogue, &targets, settled.probe.as_ref(), settled.phase)?;
    let market_of: BTreeMap<VantageId, MarketId> = store
        .vantages()
        .await?
        .into_iter()
        .map(|agent| (agent.registration.vantage, agent.registration.market))
        .filter(|(_, market)| settled.markets.contains(market))
        .collect();
    let rollups = if market_of.is_empty() {
        Vec::new()
    } else {
        store.rollups(Level::Hour, &rollup_query(&settled, &probed, &market_of)).await?
    };
    if rollups.is_empty() {
        let message = format!("nothing was measured by {} in that time", probed.choice);
        return Err(AnswerError::NotEnoughData(message));
    }
    let question = Question::new(&settled, &probed, Level::Hour);
    let finding =
        tokio::task::spawn_blocking(move || find(&rollups, &probed, &market_of, &settings));
    let changes = finding.await.map_err(AnswerError::stopped)??;
    Ok(ChangesAnswer { question, changes })
}

fn rollup_query(
    settled: &Settled,
    probed: &Probed,
    market_of: &BTreeMap<VantageId, MarketId>,
) -> RollupQuery {
    // Hours are the same everywhere; a date begins at midnight in UTC here.
    let time = |moment: super::moment::Moment| {
        UtcMicros::new(moment.instant(&TimeZone::UTC).as_microsecond())
    };
    let (targets, probes): (BTreeSet<_>, BTreeSet<_>) = probed.probes.iter().cloned().unzip();
    RollupQuery {
        vantages: market_of.keys().cloned().collect(),
        targets: targets.into_iter().collect(),
        probes: probes.into_iter().collect(),
        phase: Some(probed.phase),
        from: time(settled.range.from),
        to: time(settled.range.to),
    }
}

fn find(
    rollups: &[Rollup],
    probed: &Probed,
    market_of: &BTreeMap<VantageId, MarketId>,
    settings: &Settings,
) -> Result<Vec<ChangeDocument>, AnswerError> {
    let mut changes = Vec::new();
    for (SeriesName { vantage, target, probe, .. }, mut rollups) in series_of(rollups, probed) {
        let Some(market) = market_of.get(vantage) else { continue };
        rollups.sort_by_key(|rollup| rollup.start_unix_s);
        let shifts = level_shifts(&hourly_medians(&hours(&rollups)?), settings);
        let seen: Vec<_> = rollups
            .iter()
            .map(|rollup| SeenAddresses {
                unix_s: rollup.start_unix_s,
                addresses: rollup.addresses.clone(),
            })
            .collect();
        let time = |unix_s| Timestamp::from_second(unix_s).unwrap_or_default();
        changes.extend(explain(&shifts, &seen).into_iter().map(|found| ChangeDocument {
            vantage: vantage.clone(),
            market: market.clone(),
            target: target.clone(),
            probe: probe.clone(),
            at: time(found.shift.at_unix_s),
            last_before: time(found.shift.last_before_unix_s),
            before_us: found.shift.before_us,
            after_us: found.shift.after_us,
            separation: found.shift.separation,
            cause: found.cause,
            addresses_before: found.addresses_before,
            addresses_after: found.addresses_after,
        }));
    }
    changes.sort_by(|a, b| {
        (a.at, &a.market, &a.vantage, &a.target).cmp(&(b.at, &b.market, &b.vantage, &b.target))
    });
    Ok(changes)
}

/// One series as a view whose blocks are hours.
fn hours(rollups: &[&Rollup]) -> Result<View, AnswerError> {
    let mut blocks: BTreeMap<Block, Sample> = BTreeMap::new();
    for rollup in rollups {
        let sample = blocks.entry(Block(rollup.start_unix_s.div_euclid(3600))).or_default();
        if let Some(latencies) = latencies(rollup)? {
            sample.add_latencies(&latencies)?;
        }
    }
    Ok(View::new(blocks)?)
}

//! Before and after: of a migration, or of a service in any two stretches of time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, MigrationId, ServiceId, SiteId};

use super::caveats;
use super::error::{AnswerError, unknown};
use super::moment::{Moment, Range};
use super::names::Names;
use super::parameters::Parameters;
use super::probes::Probed;
use super::question::Question;
use super::rollups::{Blocks, Reading, Subject};
use super::scope::{Scope, Settled};
use super::sites::{self, threshold};
use super::stretch::Stretch;
use crate::analysis::compare::{
    Comparison, ComparisonSettings, FAILURE_RATE_THRESHOLD, Hours, MarketHours, OverlappingPeriods,
    Periods, compare_market, compare_overall,
};
use crate::analysis::{Caveat, Verdict};
use crate::catalogue::{Catalogue, Migration};
use crate::store::{Level, Store};

/// How much before and after a cutover is compared where nothing is said.
const USUAL_AROUND: SignedDuration = SignedDuration::from_hours(28 * 24);

/// What to compare with what.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct ComparisonQuery {
    /// Before and after the cutover of this migration of the catalogue.
    #[arg(long, value_name = "ID", required_unless_present = "service")]
    pub migration: Option<MigrationId>,
    /// A service in two stretches of time instead.
    #[arg(long, value_name = "ID", conflicts_with = "migration", requires_all = ["before", "after"])]
    pub service: Option<ServiceId>,
    /// The stretch to compare with: FROM..TO, dates or instants.
    #[arg(long, value_name = "FROM..TO")]
    pub before: Option<Stretch>,
    /// The stretch that is compared with it.
    #[arg(long, value_name = "FROM..TO")]
    pub after: Option<Stretch>,
    /// Sites that did not move, divided by commas. [default: those of the migration]
    #[arg(long, value_name = "SITES")]
    pub controls: Option<Names<SiteId>>,
    /// Which probes: a kind (icmp, tcp, tls, http, dns, quic), or the id of a probe. [default: the
    /// kind that the service has, http first]
    #[arg(long, value_name = "PROBE")]
    pub probe: Option<super::probes::ProbeChoice>,
    /// Which phase: dns, connect, tls, request, transfer, total, rtt. [default: total, or rtt of
    /// icmp]
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<vantage_wire::Phase>,
    /// What is compared: p95 or another percentile, or mean. [default: the objective's]
    #[arg(long, value_name = "SCORE", visible_alias = "score")]
    pub quantile: Option<crate::catalogue::Score>,
    /// Only these markets, divided by commas.
    #[arg(long, value_name = "MARKETS")]
    pub market: Option<Names<MarketId>>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonAnswer {
    /// What was asked. Its time is what was looked at as a whole.
    pub question: Question,
    /// What moved, or was compared.
    pub service: ServiceId,
    /// The migration, where it was one.
    pub migration: Option<MigrationId>,
    /// When it was.
    pub cutover: Option<Timestamp>,
    /// Where it was.
    pub from: Option<SiteId>,
    /// Where each market is served from afterwards.
    pub to: BTreeMap<MarketId, SiteId>,
    /// What came of it.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// What weakens the answer as a whole.
    pub caveats: Vec<Caveat>,
}

impl ComparisonQuery {
    /// Takes its parameters out of a query.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] for a value that does not parse.
    pub fn take_from(parameters: &mut Parameters) -> Result<Self, AnswerError> {
        Ok(Self {
            migration: parameters.take("migration")?,
            service: parameters.take("service")?,
            before: parameters.take("before")?,
            after: parameters.take("after")?,
            controls: parameters.take("controls")?,
            probe: parameters.take("probe")?,
            phase: parameters.take("phase")?,
            quantile: parameters.take("quantile")?,
            market: parameters.take("market")?,
        })
    }

    /// Puts its parameters into a query.
    pub fn put_into(&self, parameters: &mut Parameters) {
        parameters.put("migration", self.migration.as_ref());
        parameters.put("service", self.service.as_ref());
        parameters.put("before", self.before.as_ref());
        parameters.put("after", self.after.as_ref());
        parameters.put("controls", self.controls.as_ref());
        parameters.put("probe", self.probe.as_ref());
        parameters.put("phase", self.phase.as_ref());
        parameters.put("quantile", self.quantile.as_ref());
        parameters.put("market", self.market.as_ref());
    }
}

/// What is compared, with names looked up.
struct Case<'a> {
    service: ServiceId,
    migration: Option<(&'a MigrationId, &'a Migration)>,
    stretches: Option<[Stretch; 2]>,
    controls: BTreeSet<SiteId>,
    /// Of all that is looked at.
    range: Range,
}

impl<'a> Case<'a> {
    fn of(
        query: &ComparisonQuery,
        catalogue: &'a Catalogue,
        now: Timestamp,
    ) -> Result<Self, AnswerError> {
        let senseless = |message: &str| AnswerError::Senseless(message.to_owned());
        let stretches = match (query.before, query.after) {
            (Some(before), Some(after)) => Some([before, after]),
            (None, None) => None,
            _ => return Err(senseless("`before` and `after` go together")),
        };
        let migration = match &query.migration {
            None => None,
            Some(id) => Some(catalogue.migrations.get_key_value(id).ok_or_else(|| {
                let known = catalogue.migrations.keys().map(MigrationId::as_str);
                unknown("migration", id.as_str(), known)
            })?),
        };
        let service = match (migration, &query.service) {
            (Some((_, migration)), None) => migration.service.clone(),
            (None, Some(service)) => {
                sites::known_service(catalogue, service)?;
                service.clone()
            }
            (Some(_), Some(_)) => return Err(senseless("a migration or a service, not both")),
            (None, None) => return Err(senseless("name a migration or a service")),
        };
        let controls = match &query.controls {
            Some(controls) => {
                if let Some(site) = controls.0.iter().find(|s| !catalogue.sites.contains_key(*s)) {
                    let known = catalogue.sites.keys().map(SiteId::as_str);
                    return Err(unknown("site", site.as_str(), known));
                }
                controls.0.clone()
            }
            None => migration.map_or_else(BTreeSet::new, |(_, m)| m.control_sites.clone()),
        };
        let range = match (stretches, migration) {
            (Some([before, after]), _) => {
                let utc = |moment: Moment| moment.instant(&TimeZone::UTC);
                let (a, b) = (before.0, after.0);
                let from = if utc(a.from) < utc(b.from) { a.from } else { b.from };
                let to = if utc(a.to) > utc(b.to) { a.to } else { b.to };
                Range::between(from, to)?
            }
            (None, Some((_, migration))) => {
                let around = USUAL_AROUND
                    .saturating_add(SignedDuration::try_from(migration.guard).unwrap_or_default());
                let shift = |by: SignedDuration| migration.cutover.checked_add(by);
                let from = shift(-around).unwrap_or(Timestamp::MIN);
                let to = shift(around).unwrap_or(Timestamp::MAX).min(now);
                if to <= migration.cutover {
                    let message = format!("its cutover, {}, is not over", migration.cutover);
                    return Err(AnswerError::NotEnoughData(message));
                }
                Range::between(Moment::Instant(from), Moment::Instant(to))?
            }
            (None, None) => return Err(senseless("a service needs `before` and `after`")),
        };
        Ok(Self { service, migration, stretches, controls, range })
    }

    fn periods(&self, zone: &TimeZone) -> Result<Periods, AnswerError> {
        let overlap = |error: OverlappingPeriods| AnswerError::Senseless(error.to_string());
        if let Some([before, after]) = &self.stretches {
            return Periods::new(before.hours(zone), after.hours(zone)).map_err(overlap);
        }
        let within = self.range.hours(zone);
        match self.migration {
            Some((_, migration)) => {
                let guard = SignedDuration::try_from(migration.guard).unwrap_or_default();
                Ok(Periods::around(migration.cutover, guard, within))
            }
            None => Periods::new(within.clone(), within.end..within.end).map_err(overlap),
        }
    }
}

/// Compares before and after.
///
/// # Errors
///
/// [`AnswerError`] where the query makes no sense, nothing was measured, or the store cannot be
/// read.
pub async fn compare(
    store: &Store,
    catalogue: &Catalogue,
    query: &ComparisonQuery,
    now: Timestamp,
) -> Result<ComparisonAnswer, AnswerError> {
    let case = Case::of(query, catalogue, now)?;
    let scope = Scope {
        probe: query.probe.clone(),
        phase: query.phase,
        quantile: query.quantile,
        market: query.market.clone(),
        ..Scope::default()
    };
    let mut settled = scope.settle(catalogue, now)?;
    settled.range = case.range;
    if let Some((_, migration)) = case.migration {
        // Markets that do not move have no before and after.
        settled.markets.retain(|market| migration.to.contains_key(market));
    }
    let measured = Measured::read(store, catalogue, &case, &settled).await?;
    let mut markets = Vec::new();
    for market in &settled.markets {
        if let Some(hours) = measured.market(catalogue, &case, market) {
            let zone = hours.time_zone.clone();
            markets.push((hours, case.periods(&zone)?));
        }
    }
    if markets.is_empty() {
        let message = format!("nothing was measured of {} in that time", case.service);
        return Err(AnswerError::NotEnoughData(message));
    }
    let settings = ComparisonSettings {
        periods: case.periods(&TimeZone::UTC)?,
        score: settled.score,
        threshold: threshold(catalogue),
        failure_threshold: FAILURE_RATE_THRESHOLD,
    };
    let comparing = tokio::task::spawn_blocking(move || {
        let compared = markets
            .iter()
            .map(|(market, periods)| {
                let settings = ComparisonSettings { periods: periods.clone(), ..settings.clone() };
                compare_market(market, &settings)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let overall = compare_overall(&compared, &settings);
        let markets = compared.into_iter().map(|market| market.document).collect();
        Ok::<_, AnswerError>(Comparison { overall, markets })
    });
    let comparison = comparing.await.map_err(AnswerError::stopped)??;
    let compared: Vec<_> = comparison.markets.iter().map(|m| m.market.clone()).collect();
    let stand_in = measured.by_sites.then(|| Caveat::StandIn { service: case.service.clone() });
    let of_reading = caveats::of_reading(catalogue, &compared, &measured.reading);
    let caveats = stand_in.into_iter().chain(few_days(&comparison)).chain(of_reading).collect();
    Ok(ComparisonAnswer {
        question: Question::new(&settled, &measured.probed, Level::Hour),
        service: case.service.clone(),
        migration: case.migration.map(|(id, _)| id.clone()),
        cutover: case.migration.map(|(_, migration)| migration.cutover),
        from: case.migration.map(|(_, migration)| migration.from.clone()),
        to: case.migration.map(|(_, migration)| migration.to.clone()).unwrap_or_default(),
        comparison,
        caveats,
    })
}

/// That some side of some market has few days, of those markets that have enough to be judged.
fn few_days(comparison: &Comparison) -> Option<Caveat> {
    let judged = comparison.markets.iter().filter(|m| m.verdict != Verdict::Undersampled);
    let fewest = judged.flat_map(|market| [market.before.days, market.after.days]).min()?;
    let blocks = usize::try_from(fewest).ok()?;
    (blocks < Caveat::FEW_BLOCKS).then_some(Caveat::FewBlocks { blocks })
}

/// What was measured, by hours.
struct Measured {
    probed: Probed,
    reading: Reading,
    /// Whether the service has no targets of its own, so that those of its sites stand for it.
    by_sites: bool,
}

impl Measured {
    async fn read(
        store: &Store,
        catalogue: &Catalogue,
        case: &Case<'_>,
        settled: &Settled,
    ) -> Result<Self, AnswerError> {
        let of_service = sites::service_targets(catalogue, &case.service);
        let by_sites = of_service.is_empty();
        let mut wanted: Vec<SiteId> = case.controls.iter().cloned().collect();
        let mut of_moved = of_service.clone();
        if let Some((_, migration)) = case.migration {
            let moves = migration.to.values().chain([&migration.from]);
            if by_sites {
                of_moved = sites::targets(catalogue, &moves.clone().cloned().collect::<Vec<_>>());
            }
            wanted.extend(moves.cloned());
        }
        if of_moved.is_empty() {
            let message = format!(
                "the catalogue has no target of {}; add a [[target]] with service = \"{0}\"",
                case.service
            );
            return Err(AnswerError::NotEnoughData(message));
        }
        // What is compared must be the same thing everywhere: the service decides on the probe.
        let (probe, phase) = (settled.probe.as_ref(), settled.phase);
        let choice = Probed::choose(catalogue, &of_moved, probe, phase)?;
        let mut targets = sites::targets(catalogue, &wanted);
        targets.extend(of_service);
        let probed = Probed::choose(catalogue, &targets, Some(&choice.choice), Some(choice.phase))?;
        let (range, markets) = (&settled.range, &settled.markets);
        let reading = Reading::read(store, catalogue, Level::Hour, range, &probed, markets).await?;
        Ok(Self { probed, reading, by_sites })
    }

    /// What one market has; `None` where it has nothing of the service.
    fn market(
        &self,
        catalogue: &Catalogue,
        case: &Case<'_>,
        market: &MarketId,
    ) -> Option<MarketHours> {
        let terms = catalogue.markets.get(market)?;
        let subjects = self.reading.blocks.get(market)?;
        let of_site =
            |site: &SiteId| subjects.get(&Subject::Site(site.clone())).map(hours).filter(measured);
        let to = case.migration.and_then(|(_, migration)| migration.to.get(market));
        let service = match case.migration {
            Some((_, migration)) if self.by_sites => {
                let cutover = migration.cutover.as_second().div_euclid(3600);
                let mut joined = of_site(&migration.from).unwrap_or_default();
                joined.retain(|hour, _| *hour < cutover);
                let after = to.and_then(of_site).unwrap_or_default();
                joined.extend(after.into_iter().filter(|(hour, _)| *hour >= cutover));
                joined
            }
            _ => hours(subjects.get(&Subject::Service(case.service.clone()))?),
        };
        let candidate =
            to.filter(|_| !self.by_sites).and_then(|site| Some((site.clone(), of_site(site)?)));
        let controls = case.controls.iter().filter_map(|s| Some((s.clone(), of_site(s)?)));
        Some(MarketHours {
            market: market.clone(),
            weight: terms.weight,
            time_zone: terms.time_zone.clone(),
            service: Some(service).filter(measured)?,
            candidate,
            controls: controls.collect(),
        })
    }
}

fn hours(blocks: &Blocks) -> Hours {
    blocks.iter().map(|(block, sample)| (block.0, sample.clone())).collect()
}

fn measured(hours: &Hours) -> bool {
    hours.values().any(|sample| sample.attempts() > 0)
}

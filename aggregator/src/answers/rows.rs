//! What was measured, row by row, for [export](crate::export).

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use vantage_wire::{MarketId, Phase, ProbeId, ServiceId, TargetId, UtcMicros, VantageId};

use super::error::AnswerError;
use super::parameters::Parameters;
use super::probes::ProbeChoice;
use super::rollups::{Subject, latencies};
use super::scope::Scope;
use super::sites;
use crate::analysis::BlockLength;
use crate::catalogue::Catalogue;
use crate::export::Row;
use crate::store::{Level, Rollup, RollupQuery, Store};

/// What to export.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct RowsQuery {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would show a text here as the command's own")]
    pub scope: Scope,
    /// What was measured of a service instead of sites.
    #[arg(long, value_name = "ID", conflicts_with = "site")]
    pub service: Option<ServiceId>,
    /// One row an hour or a day. [default: hour]
    #[arg(long, value_name = "LENGTH")]
    pub blocks: Option<BlockLength>,
}

impl RowsQuery {
    /// Takes its parameters out of a query.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] for a value that does not parse.
    pub fn take_from(parameters: &mut Parameters) -> Result<Self, AnswerError> {
        Ok(Self {
            scope: Scope::take_from(parameters)?,
            service: parameters.take("service")?,
            blocks: parameters.take("blocks")?,
        })
    }

    /// Puts its parameters into a query.
    pub fn put_into(&self, parameters: &mut Parameters) {
        self.scope.put_into(parameters);
        parameters.put("service", self.service.as_ref());
        parameters.put("blocks", self.blocks.as_ref());
    }
}

/// Rows that have not been read yet. They come in portions, so that a year of everything needs no
/// more memory than one phase in a week of one vantage point.
pub struct Rows {
    store: Store,
    level: Level,
    targets: BTreeSet<TargetId>,
    choice: Option<ProbeChoice>,
    phases: Vec<Phase>,
    vantages: VecDeque<(VantageId, MarketId)>,
    seconds: std::ops::Range<i64>,
    /// Where the first vantage point of the queue has been read to.
    at: i64,
    /// How many phases of the week that begins there.
    phases_read: usize,
}

/// How much is read at once, in seconds.
const PORTION_S: i64 = 7 * 86_400;

impl Rows {
    /// Prepares to read what a query is about.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where the query makes no sense or the store cannot be read.
    pub async fn of(
        store: &Store,
        catalogue: &Catalogue,
        query: &RowsQuery,
        now: Timestamp,
    ) -> Result<Self, AnswerError> {
        let settled = query.scope.settle(catalogue, now)?;
        if let Some(service) = &query.service {
            sites::known_service(catalogue, service)?;
        }
        let asked = |subject: Subject| match (subject, &query.service, &query.scope.site) {
            (Subject::Service(service), Some(wanted), _) => service == *wanted,
            (Subject::Service(_), None, sites) => sites.is_none(),
            (Subject::Site(site), None, _) => settled.sites.contains(&site),
            (Subject::Site(_), Some(_), _) => false,
        };
        let targets = catalogue.targets.iter();
        let targets = targets.filter(|(_, target)| asked((&target.of).into()));
        let targets: BTreeSet<TargetId> = targets.map(|(id, _)| id.clone()).collect();
        let utc = jiff::tz::TimeZone::UTC;
        let begin = settled.range.from.instant(&utc).as_second();
        let end = settled.range.to.instant(&utc).as_second();
        let vantages = store.vantages().await?.into_iter();
        let vantages =
            vantages.map(|agent| (agent.registration.vantage, agent.registration.market));
        Ok(Self {
            store: store.clone(),
            level: match query.blocks {
                None | Some(BlockLength::Hour) => Level::Hour,
                Some(BlockLength::Day) => Level::Day,
            },
            choice: settled.probe,
            phases: settled.phase.map_or_else(|| Phase::ALL.to_vec(), |phase| vec![phase]),
            // Without targets there is nothing to read: to the store, none would mean all.
            vantages: vantages
                .filter(|(_, market)| !targets.is_empty() && settled.markets.contains(market))
                .collect(),
            targets,
            seconds: begin..end,
            at: begin,
            phases_read: 0,
        })
    }

    /// When the first row can begin.
    pub fn begin(&self) -> Timestamp {
        Timestamp::from_second(self.seconds.start).unwrap_or(Timestamp::MIN)
    }

    /// The next rows, possibly none, in the order of vantage points, weeks, phases, probes and time;
    /// `None` at the end.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where the store cannot be read.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, AnswerError> {
        let Some((vantage, market)) = self.vantages.front().cloned() else { return Ok(None) };
        let end = self.at.saturating_add(PORTION_S).min(self.seconds.end);
        let mut rows = Vec::new();
        if let Some(phase) = self.phases.get(self.phases_read).copied() {
            let query = self.query(&vantage, phase, self.at, end);
            for rollup in self.store.rollups(self.level, &query).await? {
                if self.chosen(&rollup) {
                    rows.extend(self.row(rollup, phase, &market)?);
                }
            }
            self.phases_read += 1;
        } else {
            self.phases_read = 0;
            self.at = end;
            if self.at >= self.seconds.end {
                self.vantages.pop_front();
                self.at = self.seconds.start;
            }
        }
        Ok(Some(rows))
    }

    fn query(&self, vantage: &VantageId, phase: Phase, from: i64, to: i64) -> RollupQuery {
        let time = |second, otherwise| {
            UtcMicros::from_unix_seconds(second).unwrap_or(UtcMicros::new(otherwise))
        };
        let probes: Vec<ProbeId> = match &self.choice {
            Some(ProbeChoice::Id(id)) => vec![id.clone()],
            _ => Vec::new(),
        };
        RollupQuery {
            vantages: vec![vantage.clone()],
            targets: self.targets.iter().cloned().collect(),
            probes,
            phase: Some(phase),
            from: time(from, i64::MIN),
            to: time(to, i64::MAX),
        }
    }

    fn chosen(&self, rollup: &Rollup) -> bool {
        match &self.choice {
            Some(ProbeChoice::Kind(kind)) => rollup.probe.kind == *kind,
            Some(ProbeChoice::Id(_)) | None => true,
        }
    }

    /// The row of a phase; `None` where the phase has no sample, unless it is the one that tells
    /// how attempts ended: that has the failures of an hour in which none succeeded.
    fn row(
        &self,
        rollup: Rollup,
        phase: Phase,
        market: &MarketId,
    ) -> Result<Option<Row>, AnswerError> {
        let latencies = match latencies(&rollup)? {
            None if phase != rollup.probe.kind.outcome_phase() => return Ok(None),
            latencies => latencies.unwrap_or_default(),
        };
        Ok(Some(Row {
            market: market.clone(),
            vantage: rollup.vantage,
            probe: rollup.probe,
            phase,
            start: Timestamp::from_second(rollup.start_unix_s).unwrap_or_default(),
            length_s: match self.level {
                Level::Hour => 3_600,
                Level::Day => 86_400,
            },
            covered_s: rollup.covered_s,
            ok: rollup.ok,
            degraded: rollup.degraded,
            failures: rollup.failures,
            addresses: rollup.addresses,
            latencies,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_query_comes_back_as_it_went() {
        let pairs = [("blocks", "day"), ("last", "7d"), ("service", "shop")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut given = Parameters::new(pairs.clone()).unwrap();
        let query = RowsQuery::take_from(&mut given).unwrap();
        given.finish().unwrap();
        let mut again = Parameters::default();
        query.put_into(&mut again);
        let again: BTreeMap<_, _> = again.pairs().collect();
        assert_eq!(again.len(), pairs.len());
        assert_eq!(again["blocks"], "day");
    }
}

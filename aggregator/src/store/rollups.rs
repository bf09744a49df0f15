//! Reading roll-ups: one phase of many series over long ranges.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Arguments as _, AssertSqlSafe};
use vantage_wire::report::ProbeKey;
use vantage_wire::{Phase, ProbeId, TargetId, UtcMicros, VantageId};

use super::error::StoreError;
use super::level::Level;
use super::open::Store;
use super::probes::Probes;
use super::read::Columns;
use super::tally_text::{Failures, addresses_from_bytes, failures_from_json};
use super::windows::ceiling_s;

/// Which roll-ups to read. An empty list of names means all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollupQuery {
    /// Of these vantage points.
    pub vantages: Vec<VantageId>,
    /// Of probes of these targets.
    pub targets: Vec<TargetId>,
    /// Of probes with these names.
    pub probes: Vec<ProbeId>,
    /// The phase whose histograms to read; `None`: counts only.
    pub phase: Option<Phase>,
    /// That start at this time or later.
    pub from: UtcMicros,
    /// That start before this time.
    pub to: UtcMicros,
}

/// One hour or day of one probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollup {
    /// Who measured.
    pub vantage: VantageId,
    /// What.
    pub probe: ProbeKey,
    /// When the hour, or the local day, starts: seconds since the Unix epoch.
    pub start_unix_s: i64,
    /// Attempts that succeeded.
    pub ok: u64,
    /// Attempts made while the agent judged itself to be at fault.
    pub degraded: u64,
    /// Attempts that failed, by why and where.
    pub failures: Failures,
    /// Seconds covered by windows. Those of one hour that overlap count once.
    pub covered_s: u64,
    /// Length of the longest window, in seconds. More than the agents' usual minute says that
    /// resolution was lost.
    pub longest_window_s: u64,
    /// Whether some window had no clock estimate, or one that may be off by more than half the
    /// window.
    pub clock_uncertain: bool,
    /// The addresses that were probed, the lowest
    /// [`MAX_MERGED_ADDRESSES`](vantage_wire::report::MAX_MERGED_ADDRESSES) of them.
    pub addresses: BTreeSet<IpAddr>,
    /// The histogram of the phase that was asked for, encoded; `None` where it has no sample.
    pub histogram: Option<Vec<u8>>,
}

/// Puts parameters into the text of a statement as it is written.
#[derive(Default)]
struct Statement {
    text: String,
    arguments: AnyArguments,
}

impl Statement {
    fn number(&mut self, number: i64) -> Result<&mut Self, StoreError> {
        self.arguments.add(number).map_err(StoreError::Backend)?;
        // Writing into a string does not fail.
        let _ = write!(self.text, "${}", self.arguments.len());
        Ok(self)
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    fn list(&mut self, numbers: impl IntoIterator<Item = i64>) -> Result<&mut Self, StoreError> {
        for (index, number) in numbers.into_iter().enumerate() {
            self.text(if index == 0 { "" } else { ", " }).number(number)?;
        }
        Ok(self)
    }
}

impl Store {
    /// Roll-ups of one level, ordered by vantage point, probe and time.
    ///
    /// They show what [`roll_up`](Self::roll_up) has brought up to date.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn rollups(
        &self,
        level: Level,
        query: &RollupQuery,
    ) -> Result<Vec<Rollup>, StoreError> {
        let mut connection = self.snapshot().await?;
        let vantages = self.vantage_numbers(&mut connection, query).await?;
        let dictionary = self.probes.refresh(&mut connection).await?;
        let probes: Vec<i64> = matching(&dictionary, query);
        if vantages.is_empty() || probes.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::default();
        let (histogram, join) = match query.phase {
            Some(_) => (
                "p.histogram",
                " LEFT JOIN rollup_phases p ON p.level = r.level \
                 AND p.vantage = r.vantage AND p.probe = r.probe AND p.start = r.start \
                 AND p.phase = ",
            ),
            None => ("NULL", ""),
        };
        statement.text(
            "SELECT r.vantage, r.probe, r.start, r.ok, r.degraded, r.covered_s, r.longest_s, \
             r.clock_uncertain, r.failures, r.addresses, ",
        );
        statement.text(histogram).text(" FROM rollups r").text(join);
        if let Some(phase) = query.phase {
            statement.number(i64::from(phase.number()))?;
        }
        statement.text(" WHERE r.level = ").number(level.number())?;
        statement.text(" AND r.vantage IN (").list(vantages.keys().copied())?;
        statement.text(") AND r.probe IN (").list(probes)?;
        statement.text(") AND r.start >= ").number(ceiling_s(query.from))?;
        statement.text(" AND r.start < ").number(ceiling_s(query.to))?;
        let rows = sqlx::query_with(AssertSqlSafe(statement.text), statement.arguments)
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
        let read = move || {
            let mut rollups = rows
                .iter()
                .map(|row| rollup(row, &vantages, &dictionary))
                .collect::<Result<Vec<_>, _>>()?;
            rollups.sort_by(|a, b| {
                (&a.vantage, &a.probe, a.start_unix_s).cmp(&(&b.vantage, &b.probe, b.start_unix_s))
            });
            Ok(rollups)
        };
        // A year of hours is a million rows: too long to be in the way of other tasks.
        tokio::task::spawn_blocking(read).await.map_err(StoreError::backend)?
    }

    async fn vantage_numbers(
        &self,
        connection: &mut sqlx::AnyConnection,
        query: &RollupQuery,
    ) -> Result<BTreeMap<i64, VantageId>, StoreError> {
        let rows = sqlx::query("SELECT number, id FROM vantages").fetch_all(connection).await?;
        let mut numbers = BTreeMap::new();
        for row in &rows {
            let columns = Columns { table: "vantages", row };
            let vantage = columns.vantage(1, "id")?;
            if query.vantages.is_empty() || query.vantages.contains(&vantage) {
                numbers.insert(columns.number(0, "number")?, vantage);
            }
        }
        Ok(numbers)
    }
}

fn matching(dictionary: &Probes, query: &RollupQuery) -> Vec<i64> {
    dictionary
        .keys
        .iter()
        .filter(|(_, key)| query.targets.is_empty() || query.targets.contains(&key.target))
        .filter(|(_, key)| query.probes.is_empty() || query.probes.contains(&key.probe))
        .map(|(number, _)| *number)
        .collect()
}

fn rollup(
    row: &AnyRow,
    vantages: &BTreeMap<i64, VantageId>,
    dictionary: &Probes,
) -> Result<Rollup, StoreError> {
    let columns = Columns { table: "rollups", row };
    let vantage = vantages.get(&columns.number(0, "vantage")?);
    let probe = dictionary.keys.get(&columns.number(1, "probe")?);
    let failures = failures_from_json(&columns.text(8, "failures")?);
    let addresses = addresses_from_bytes(&columns.bytes(9, "addresses")?);
    Ok(Rollup {
        vantage: vantage.ok_or_else(|| columns.corrupt("vantage"))?.clone(),
        probe: probe.ok_or_else(|| columns.corrupt("probe"))?.clone(),
        start_unix_s: columns.number(2, "start")?,
        ok: columns.count(3, "ok")?,
        degraded: columns.count(4, "degraded")?,
        covered_s: columns.count(5, "covered_s")?,
        longest_window_s: columns.count(6, "longest_s")?,
        clock_uncertain: columns.flag(7, "clock_uncertain")?,
        failures: failures.ok_or_else(|| columns.corrupt("failures"))?,
        addresses: addresses.ok_or_else(|| columns.corrupt("addresses"))?,
        histogram: columns.optional_bytes(10, "histogram")?,
    })
}

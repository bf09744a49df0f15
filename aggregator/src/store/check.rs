//! Is everything as it should be? Every level is computed again from the one below.

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::{BootId, Sequence, UtcMicros, VantageId};

use super::error::StoreError;
use super::level::{Level, Seconds};
use super::open::Store;
use super::progress;
use super::read::Columns;
use super::roll_up::SpanFault;
use super::rollup_rows;
use super::span::{self, Span};

/// What a check has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Hours and days that were computed again.
    pub checked: u64,
    /// Hours and days that wait to be rolled up. No fault.
    pub pending: u64,
    /// Hours and days whose level below has been deleted for its age. No fault.
    pub sealed: u64,
    /// Hours and days that are not the sum of the level below.
    pub wrong_spans: Vec<SpanFault>,
    /// Windows whose report the progress does not name: vantage point, run, report.
    pub unaccounted_reports: Vec<(VantageId, BootId, Sequence)>,
}

impl CheckReport {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.wrong_spans.is_empty() && self.unaccounted_reports.is_empty()
    }
}

impl Store {
    /// Computes every hour from its windows and every day from its hours, where those are kept, and
    /// compares the bytes; and looks whether every stored report is in the progress. Changes
    /// nothing, and may run while others write: each hour and day is looked at in one state.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn check(&self) -> Result<CheckReport, StoreError> {
        let mut report = CheckReport::default();
        for status in self.vantages().await? {
            let vantage = status.registration.vantage;
            let mut connection = self.snapshot().await?;
            let Some(number) = super::windows::number(&mut connection, &vantage).await? else {
                continue;
            };
            check_progress(&mut connection, &vantage, number, &mut report).await?;
            check_spans_exist(&mut connection, &vantage, number, &mut report).await?;
            drop(connection);
            for level in [Level::Hour, Level::Day] {
                for start in self.starts(level, number).await? {
                    self.check_span(level, number, start, &mut report).await?;
                }
            }
        }
        Ok(report)
    }

    async fn starts(&self, level: Level, vantage: i64) -> Result<Vec<i64>, StoreError> {
        let rows =
            sqlx::query("SELECT start FROM spans WHERE level = $1 AND vantage = $2 ORDER BY start")
                .bind(level.number())
                .bind(vantage)
                .fetch_all(&self.readers)
                .await?;
        rows.iter().map(|row| Columns { table: "spans", row }.number(0, "start")).collect()
    }

    async fn check_span(
        &self,
        level: Level,
        vantage: i64,
        start: i64,
        report: &mut CheckReport,
    ) -> Result<(), StoreError> {
        let mut connection = self.snapshot().await?;
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT {} FROM {} WHERE s.level = $1 AND s.vantage = $2 AND s.start = $3",
            span::COLUMNS,
            span::FROM
        )))
        .bind(level.number())
        .bind(vantage)
        .bind(start)
        .fetch_one(&mut *connection)
        .await?;
        let span = Span::read(level, &row)?;
        if span.is_dirty() {
            report.pending += 1;
            return Ok(());
        }
        if span.sealed {
            report.sealed += 1;
            return Ok(());
        }
        report.checked += 1;
        let name = span.vantage_id.clone();
        let fault = span.fault.clone();
        let within = Seconds::only(start);
        let mut held =
            rollup_rows::read(&mut connection, &self.probes, level, vantage, within).await?;
        let held = held.remove(&start).unwrap_or_default();
        let computed = self.compute(&mut connection, span).await?;
        let problem = match computed.sums {
            // Sums hold histograms, failures and addresses in the one form they are stored in.
            Ok(sums) if fault.is_none() => sums
                .keys()
                .chain(held.keys())
                .find(|key| sums.get(*key) != held.get(*key))
                .map(|key| format!("probe {}/{} differs", key.target, key.probe)),
            Ok(_) => Some("marked as not adding up, but does".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            report.wrong_spans.push(SpanFault {
                vantage: name,
                level,
                start: time(start),
                problem,
            });
        }
        Ok(())
    }
}

fn time(start: i64) -> UtcMicros {
    UtcMicros::from_unix_seconds(start).unwrap_or_default()
}

/// Every stored report must be in the progress, or it would be stored again.
async fn check_progress(
    connection: &mut AnyConnection,
    vantage: &VantageId,
    number: i64,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    let progress = progress::read_all(connection, number).await?;
    let rows = sqlx::query(
        "SELECT DISTINCT boot, sequence FROM windows WHERE vantage = $1 ORDER BY boot, sequence",
    )
    .bind(number)
    .fetch_all(connection)
    .await?;
    for row in &rows {
        let columns = Columns { table: "windows", row };
        let boot = BootId::new(columns.array(0, "boot")?);
        let sequence = Sequence::new(columns.number(1, "sequence")?.cast_unsigned())
            .ok_or_else(|| columns.corrupt("sequence"))?;
        if !progress.get(&(number, boot)).is_some_and(|received| received.contains(sequence)) {
            report.unaccounted_reports.push((vantage.clone(), boot, sequence));
        }
    }
    Ok(())
}

/// Windows and roll-ups without a span would never be looked at by anybody.
async fn check_spans_exist(
    connection: &mut AnyConnection,
    vantage: &VantageId,
    number: i64,
    report: &mut CheckReport,
) -> Result<(), StoreError> {
    // Not `start % 3600` alone, which is negative before 1970.
    let orphans = [
        (
            Level::Hour,
            "windows without their hour",
            "SELECT DISTINCT w.hour FROM (SELECT start - ((start % 3600) + 3600) % 3600 AS hour \
             FROM windows WHERE vantage = $1) AS w WHERE NOT EXISTS (SELECT 1 FROM spans s \
             WHERE s.level = 1 AND s.vantage = $1 AND s.start = w.hour) ORDER BY 1",
        ),
        (
            Level::Hour,
            "roll-up without its hour",
            "SELECT DISTINCT r.start FROM rollups r WHERE r.level = 1 AND r.vantage = $1 \
             AND NOT EXISTS (SELECT 1 FROM spans s WHERE s.level = 1 AND s.vantage = $1 \
             AND s.start = r.start) ORDER BY 1",
        ),
        (
            Level::Day,
            "roll-up without its day",
            "SELECT DISTINCT r.start FROM rollups r WHERE r.level = 2 AND r.vantage = $1 \
             AND NOT EXISTS (SELECT 1 FROM spans s WHERE s.level = 2 AND s.vantage = $1 \
             AND s.start = r.start) ORDER BY 1",
        ),
    ];
    for (level, problem, statement) in orphans {
        let rows = sqlx::query(statement).bind(number).fetch_all(&mut *connection).await?;
        for row in &rows {
            let start = Columns { table: "spans", row }.number(0, "start")?;
            report.wrong_spans.push(SpanFault {
                vantage: vantage.clone(),
                level,
                start: time(start),
                problem: problem.to_owned(),
            });
        }
    }
    Ok(())
}

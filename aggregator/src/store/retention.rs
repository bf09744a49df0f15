//! Deleting what is old.

use std::time::Duration;

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::UtcMicros;

use super::dialect::Dialect;
use super::error::StoreError;
use super::level::{HOUR_S, Level, Seconds};
use super::open::Store;
use super::roll_up::delete_below;
use super::rollup_rows;
use super::span::{self, Span};
use super::transaction::Change;

/// How long each level is kept. What is deleted from one level is still in the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Windows, from their end.
    pub windows: Duration,
    /// Hours, from the end of their day.
    pub hours: Duration,
    /// Days; `None`: for good.
    pub days: Option<Duration>,
}

const DAY: Duration = Duration::from_hours(24);

impl Default for Retention {
    /// Windows 35 days, hours 400 days, days for good.
    fn default() -> Self {
        Self { windows: DAY * 35, hours: DAY * 400, days: None }
    }
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Windows.
    pub windows: u64,
    /// Days whose hours were deleted.
    pub hours_of_days: u64,
    /// Days.
    pub days: u64,
    /// Notes for the export to InfluxDB, of windows that it has not written in all that time.
    pub influx_notes: u64,
}

/// Spans that are dealt with in one transaction, which holds up others.
const BATCH: i64 = 32;

fn cutoff(now: UtcMicros, age: Duration) -> i64 {
    let age_s = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
    now.unix_seconds_floor().saturating_sub(age_s)
}

impl Store {
    /// Deletes what is older than `retention` says, in transactions of bounded size. Windows whose
    /// hour is not up to date stay, and so do hours whose windows are still there: nothing is
    /// deleted that is not in the level above.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was deleted before stays deleted.
    pub async fn expire(
        &self,
        now: UtcMicros,
        retention: &Retention,
    ) -> Result<Expired, StoreError> {
        let mut expired = Expired::default();
        let cutoff_s = cutoff(now, retention.windows);
        loop {
            let (spans, windows) = self.write(&SealHours { cutoff_s }).await?;
            expired.windows += windows;
            if spans < BATCH {
                break;
            }
        }
        expired.influx_notes = self.expire_influx_notes(cutoff_s.saturating_sub(HOUR_S)).await?;
        expired.hours_of_days = self.expire_hours(cutoff(now, retention.hours)).await?;
        if let Some(age) = retention.days {
            expired.days = self.expire_days(cutoff(now, age)).await?;
        }
        Ok(expired)
    }

    async fn expire_hours(&self, cutoff_s: i64) -> Result<u64, StoreError> {
        let mut sealed = 0;
        for day in self.clean_days(0, cutoff_s).await? {
            let below = day.below()?;
            if below.to <= cutoff_s && self.write(&SealDay { day: &day, below }).await? {
                sealed += 1;
            }
        }
        Ok(sealed)
    }

    async fn expire_days(&self, cutoff_s: i64) -> Result<u64, StoreError> {
        let mut deleted = 0;
        for day in self.clean_days(1, cutoff_s.saturating_sub(86_400)).await? {
            deleted += u64::from(self.write(&DeleteDay(&day)).await?);
        }
        Ok(deleted)
    }

    /// Days that start before `before_s`, are up to date and sealed, or not.
    async fn clean_days(&self, sealed: i64, before_s: i64) -> Result<Vec<Span>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {} FROM {} WHERE s.level = 2 AND s.sealed = $1 AND s.start < $2 \
             AND s.rolled = s.generation ORDER BY s.start, s.vantage",
            span::COLUMNS,
            span::FROM
        )))
        .bind(sealed)
        .bind(before_s)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Span::read(Level::Day, row)).collect()
    }
}

/// Deletes the windows of hours that are over, old enough and up to date.
///
/// Whoever adds a window raises its hour's generation in the same transaction. Where that comes
/// first, the hour is not up to date and stays; otherwise it waits, finds the hour sealed, and its
/// windows are added to the hour's roll-up.
struct SealHours {
    cutoff_s: i64,
}

impl Change for SealHours {
    /// Hours sealed, windows deleted.
    type Output = (i64, u64);

    async fn make(
        &self,
        connection: &mut AnyConnection,
        _: Dialect,
    ) -> Result<(i64, u64), StoreError> {
        let rows = sqlx::query(
            "UPDATE spans SET sealed = 1 WHERE level = 1 AND sealed = 0 AND rolled = generation \
             AND (vantage, start) IN (SELECT vantage, start FROM spans WHERE level = 1 \
             AND sealed = 0 AND rolled = generation AND start <= $1 \
             ORDER BY start, vantage LIMIT $2) RETURNING vantage, start",
        )
        .bind(self.cutoff_s.saturating_sub(HOUR_S))
        .bind(BATCH)
        .fetch_all(&mut *connection)
        .await?;
        let (mut spans, mut windows) = (0, 0);
        for row in &rows {
            let columns = super::read::Columns { table: "spans", row };
            let (vantage, start) = (columns.number(0, "vantage")?, columns.number(1, "start")?);
            let below = Seconds::hour(start);
            windows += delete_below(connection, Level::Hour, vantage, below).await?;
            spans += 1;
        }
        Ok((spans, windows))
    }
}

/// Deletes the hours of a day that is up to date, where all of them are sealed and up to date.
///
/// An hour may be being rolled up at this moment, from a roll-up that is deleted here. Raising the
/// generation of the hours makes that come to nothing.
struct SealDay<'a> {
    day: &'a Span,
    below: Seconds,
}

impl Change for SealDay<'_> {
    type Output = bool;

    async fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<bool, StoreError> {
        let vantage = self.day.vantage;
        let lock = format!(
            "SELECT m.time_zone FROM vantages v JOIN markets m ON m.id = v.market \
             WHERE v.number = $1{}",
            dialect.for_share()
        );
        let row =
            sqlx::query(AssertSqlSafe(lock)).bind(vantage).fetch_one(&mut *connection).await?;
        let columns = super::read::Columns { table: "markets", row: &row };
        if columns.text(0, "time_zone")? != self.day.zone_name {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE spans SET generation = generation + 1, rolled = rolled + 1 WHERE level = 1 \
             AND vantage = $1 AND start >= $2 AND start < $3",
        )
        .bind(vantage)
        .bind(self.below.from)
        .bind(self.below.to)
        .execute(&mut *connection)
        .await?;
        let needed = sqlx::query(
            "SELECT start FROM spans WHERE level = 1 AND vantage = $1 AND start >= $2 \
             AND start < $3 AND (sealed = 0 OR rolled < generation) LIMIT 1",
        )
        .bind(vantage)
        .bind(self.below.from)
        .bind(self.below.to)
        .fetch_optional(&mut *connection)
        .await?;
        if needed.is_some() {
            return Ok(false);
        }
        let sealed = sqlx::query(
            "UPDATE spans SET sealed = 1 WHERE level = 2 AND vantage = $1 AND start = $2 \
             AND sealed = 0 AND rolled = generation",
        )
        .bind(vantage)
        .bind(self.day.start)
        .execute(&mut *connection)
        .await?;
        if sealed.rows_affected() == 0 {
            return Ok(false);
        }
        delete_below(connection, Level::Day, vantage, self.below).await?;
        Ok(true)
    }
}

/// Deletes a day. Its span stays, so that what comes later is not taken for the whole day.
struct DeleteDay<'a>(&'a Span);

impl Change for DeleteDay<'_> {
    type Output = bool;

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<bool, StoreError> {
        // Makes a roll-up of the day that is under way come to nothing, as in `SealDay`.
        let held = sqlx::query(
            "UPDATE spans SET generation = generation + 1, rolled = rolled + 1 \
             WHERE level = 2 AND vantage = $1 AND start = $2 AND generation = $3 \
             AND rolled = generation AND EXISTS (SELECT 1 FROM rollups \
             WHERE level = 2 AND vantage = $1 AND start = $2)",
        )
        .bind(self.0.vantage)
        .bind(self.0.start)
        .bind(self.0.generation)
        .execute(&mut *connection)
        .await?;
        if held.rows_affected() == 0 {
            return Ok(false);
        }
        let within = Seconds::only(self.0.start);
        rollup_rows::delete(connection, Level::Day, self.0.vantage, within).await?;
        Ok(true)
    }
}

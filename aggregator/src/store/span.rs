//! Spans: the hours and days of vantage points, and whether their roll-ups are up to date.

use jiff::tz::TimeZone;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use vantage_wire::VantageId;

use super::bulk::Bulk;
use super::error::StoreError;
use super::level::{Level, Seconds};
use super::local_day::{self, TimeZoneName};
use super::read::Columns;

/// One hour or day of one vantage point, as it was when it was read.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) level: Level,
    pub(super) vantage: i64,
    pub(super) start: i64,
    pub(super) generation: i64,
    pub(super) rolled: i64,
    pub(super) sealed: bool,
    pub(super) fault: Option<String>,
    /// The name of the vantage point, for people.
    pub(super) vantage_id: VantageId,
    /// The time zone of its market.
    pub(super) zone_name: String,
}

/// What is selected from [`FROM`], for [`Span::read`].
pub(super) const COLUMNS: &str =
    "s.vantage, s.start, s.generation, s.rolled, s.sealed, s.fault, v.id, m.time_zone";
pub(super) const FROM: &str =
    "spans s JOIN vantages v ON v.number = s.vantage JOIN markets m ON m.id = v.market";

impl Span {
    pub(super) fn read(level: Level, row: &AnyRow) -> Result<Self, StoreError> {
        let columns = Columns { table: "spans", row };
        Ok(Self {
            level,
            vantage: columns.number(0, "vantage")?,
            start: columns.number(1, "start")?,
            generation: columns.number(2, "generation")?,
            rolled: columns.number(3, "rolled")?,
            sealed: columns.flag(4, "sealed")?,
            fault: columns.optional_text(5, "fault")?,
            vantage_id: columns.vantage(6, "vantage")?,
            zone_name: columns.text(7, "time_zone")?,
        })
    }

    pub(super) const fn is_dirty(&self) -> bool {
        self.rolled < self.generation
    }

    pub(super) fn zone(&self) -> Result<TimeZone, StoreError> {
        zone(&self.zone_name)
    }

    /// What of the level below belongs to it. For a day that began by the clock of another time
    /// zone than the market has now: nothing.
    pub(super) fn below(&self) -> Result<Seconds, StoreError> {
        match self.level {
            Level::Hour => Ok(Seconds::hour(self.start)),
            Level::Day => {
                let day = local_day::containing(&self.zone()?, self.start);
                let is_current = day.from == self.start;
                Ok(if is_current { day } else { Seconds { from: self.start, to: self.start } })
            }
        }
    }

    /// The day that an hour belongs to.
    pub(super) fn day(&self) -> Result<i64, StoreError> {
        Ok(local_day::containing(&self.zone()?, self.start).from)
    }
}

pub(super) fn zone(name: &str) -> Result<TimeZone, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "markets", column: "time_zone" };
    Ok(TimeZoneName::new(name).map_err(corrupt)?.zone())
}

/// Marks spans, which must be ascending and distinct, as out of date. On PostgreSQL this waits for
/// whoever has changed the span, and holds it until the transaction ends: also where the span is
/// there, because it is changed then.
pub(super) async fn mark(
    connection: &mut AnyConnection,
    level: Level,
    spans: &[(i64, i64)],
) -> Result<(), StoreError> {
    let upsert = Bulk {
        before: "INSERT INTO spans (level, vantage, start, generation, rolled, sealed) VALUES ",
        columns: 6,
        after: " ON CONFLICT (level, vantage, start) DO UPDATE SET generation = spans.generation + 1",
    };
    upsert
        .execute(connection, spans, |(vantage, start), row| {
            row.add(level.number())?
                .add(*vantage)?
                .add(*start)?
                .add(1_i64)?
                .add(0_i64)?
                .add(0_i64)?;
            Ok(())
        })
        .await?;
    Ok(())
}

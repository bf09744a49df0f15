//! Which local days the markets live by.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::MarketId;

use super::dialect::Dialect;
use super::error::StoreError;
use super::level::Level;
use super::local_day::{self, TimeZoneName};
use super::open::Store;
use super::read::Columns;
use super::span;
use super::transaction::Change;

impl Store {
    /// Sets the time zones of markets. Where one has changed, the days of that market's vantage
    /// points are out of date and [`roll_up`](Self::roll_up) makes them anew from their hours; days
    /// whose hours have been deleted stay as they were cut. Markets that are not named keep their
    /// zone, UTC where none was ever set.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn set_time_zones(
        &self,
        zones: &BTreeMap<MarketId, TimeZoneName>,
    ) -> Result<(), StoreError> {
        self.write(&TimeZones(zones)).await
    }
}

struct TimeZones<'a>(&'a BTreeMap<MarketId, TimeZoneName>);

impl Change for TimeZones<'_> {
    type Output = ();

    async fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(), StoreError> {
        for (market, zone) in self.0 {
            let row = sqlx::query(AssertSqlSafe(format!(
                "SELECT time_zone FROM markets WHERE id = $1{}",
                dialect.for_update()
            )))
            .bind(market.as_str())
            .fetch_optional(&mut *connection)
            .await?;
            let held = row
                .map(|row| Columns { table: "markets", row: &row }.text(0, "time_zone"))
                .transpose()?;
            if held.as_deref() == Some(zone.as_str()) {
                continue;
            }
            sqlx::query(
                "INSERT INTO markets (id, time_zone) VALUES ($1, $2) \
                 ON CONFLICT (id) DO UPDATE SET time_zone = excluded.time_zone",
            )
            .bind(market.as_str())
            .bind(zone.as_str())
            .execute(&mut *connection)
            .await?;
            mark_days(connection, "v.market = $1", market.as_str(), zone).await?;
        }
        Ok(())
    }
}

/// Marks the days of a vantage point, which has come to another market.
pub(super) async fn mark_days_of(
    connection: &mut AnyConnection,
    vantage: &str,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT m.time_zone FROM vantages v JOIN markets m ON m.id = v.market WHERE v.id = $1",
    )
    .bind(vantage)
    .fetch_one(&mut *connection)
    .await?;
    let columns = Columns { table: "markets", row: &row };
    let zone = TimeZoneName::new(&columns.text(0, "time_zone")?)
        .map_err(|_| columns.corrupt("time_zone"))?;
    mark_days(connection, "v.id = $1", vantage, &zone).await
}

/// Marks the days, as they were and as they are now, of some vantage points. Sealed days stay: their
/// hours are gone.
async fn mark_days(
    connection: &mut AnyConnection,
    which: &'static str,
    name: &str,
    zone: &TimeZoneName,
) -> Result<(), StoreError> {
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT s.level, s.vantage, s.start FROM spans s JOIN vantages v ON v.number = s.vantage \
         WHERE {which} AND (s.level = 1 OR s.sealed = 0)"
    )))
    .bind(name)
    .fetch_all(&mut *connection)
    .await?;
    let zone = zone.zone();
    let mut days = BTreeSet::new();
    for row in &rows {
        let columns = Columns { table: "spans", row };
        let (vantage, start) = (columns.number(1, "vantage")?, columns.number(2, "start")?);
        let is_hour = columns.number(0, "level")? == Level::Hour.number();
        let day = if is_hour { local_day::containing(&zone, start).from } else { start };
        days.insert((vantage, day));
    }
    let days: Vec<(i64, i64)> = days.into_iter().collect();
    span::mark(connection, Level::Day, &days).await
}

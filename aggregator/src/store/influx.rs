//! What the export to InfluxDB has still to write, and who writes it.
//!
//! Windows come late, merged, or for a time that was written already, so how far the export has got
//! is no time. Instead, an append [notes](note) the start of each window that it adds, in its own
//! transaction, as long as the export is switched on. An exporter
//!
//! 1. takes the turn, so that it writes alone,
//! 2. reads the oldest notes,
//! 3. reads the windows that start there, *all* of them, and writes what they say together,
//! 4. takes exactly those notes away when InfluxDB has it.
//!
//! A window that is added between 3 and 4 has a note of its own, with a higher number, which stays.
//! A crash at any point leaves the notes, and the same points are written again. Because of the
//! turn, what was read earlier is never written over what was read later: the turn ends by itself a
//! while after its holder was last heard of, and no request may take as long.

use std::collections::BTreeMap;

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::report::{ProbeKey, Tally};
use vantage_wire::{MarketId, Micros, UtcMicros, VantageId};

use super::bulk::Bulk;
use super::dialect::Dialect;
use super::error::StoreError;
use super::level::{HOUR_S, Level, Seconds};
use super::open::Store;
use super::read::Columns;
use super::rollup_rows;
use super::transaction::Change;
use super::windows::{self, StoredWindow, number};

/// That windows of a vantage point have been added that start at a time, and are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfluxNote {
    number: i64,
    vantage_number: i64,
    /// Whose windows.
    pub vantage: VantageId,
    /// The market that it measures from.
    pub market: MarketId,
    /// When they start, in seconds since the Unix epoch.
    pub start_unix_s: i64,
}

/// How much is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InfluxBacklog {
    /// Notes.
    pub notes: u64,
    /// When the report was received that the oldest is about.
    pub oldest: Option<UtcMicros>,
}

/// What stands for one exporter: random bytes, or where there can be one only, zeros.
pub type InfluxWriter = [u8; 16];

/// Whether an exporter may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfluxTurn {
    /// It alone.
    Taken,
    /// Another does.
    Another,
    /// The export is not switched on: nobody takes turns.
    Off,
}

/// What is kept of an hour.
#[derive(Clone, Debug, PartialEq)]
pub enum KeptHour {
    /// Its windows, in canonical order.
    Windows(Vec<StoredWindow>),
    /// Its sums, by probe: its windows have been deleted for their age.
    Sums(BTreeMap<ProbeKey, Tally>),
}

/// Notes windows, by vantage point and start, each once. To be called in the transaction that adds
/// them.
pub(super) async fn note(
    connection: &mut AnyConnection,
    starts: &BTreeMap<(i64, i64), UtcMicros>,
) -> Result<(), StoreError> {
    if sqlx::query("SELECT id FROM influx_export").fetch_optional(&mut *connection).await?.is_none()
    {
        return Ok(());
    }
    let notes: Vec<_> = starts.iter().collect();
    let insert = Bulk {
        before: "INSERT INTO influx_notes (vantage, start, noted_us) VALUES ",
        columns: 3,
        after: "",
    };
    insert
        .execute(connection, &notes, |((vantage, start), noted), row| {
            row.add(*vantage)?.add(*start)?.add(noted.get())?;
            Ok(())
        })
        .await?;
    Ok(())
}

impl Store {
    /// Switches the export on: from now on what is added is noted. Answers whether it was off.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn switch_influx_on(&self, now: UtcMicros) -> Result<bool, StoreError> {
        self.write(&SwitchOn { now }).await
    }

    /// Switches the export off and forgets what was to be written. Answers how many notes that
    /// were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn switch_influx_off(&self) -> Result<u64, StoreError> {
        self.write(&SwitchOff).await
    }

    /// How much is to be written, or `None` where the export is switched off.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn influx_backlog(&self) -> Result<Option<InfluxBacklog>, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM influx_notes), \
             (SELECT noted_us FROM influx_notes ORDER BY number LIMIT 1) FROM influx_export",
        )
        .fetch_optional(&self.readers)
        .await?;
        let backlog = |row: &_| {
            let columns = Columns { table: "influx_notes", row };
            let (notes, oldest) =
                (columns.count(0, "number")?, columns.optional_time(1, "noted_us")?);
            Ok(InfluxBacklog { notes, oldest })
        };
        row.as_ref().map(backlog).transpose()
    }

    /// Takes the turn to write, or keeps it, up to `until`. A turn whose end has come is free.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn take_influx_turn(
        &self,
        writer: &InfluxWriter,
        now: UtcMicros,
        until: UtcMicros,
    ) -> Result<InfluxTurn, StoreError> {
        self.write(&TakeTurn { writer, now, until }).await
    }

    /// Ends a turn, and takes away the notes of what was written in it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written: the notes are still there.
    pub async fn end_influx_turn(
        &self,
        writer: &InfluxWriter,
        written: &[InfluxNote],
    ) -> Result<(), StoreError> {
        self.write(&EndTurn { writer, written }).await
    }

    /// The oldest notes, at most so many.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn influx_notes(&self, limit: u32) -> Result<Vec<InfluxNote>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.number, n.vantage, n.start, v.id, v.market FROM influx_notes n \
             JOIN vantages v ON v.number = n.vantage ORDER BY n.number LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        let note = |row| {
            let columns = Columns { table: "influx_notes", row };
            Ok(InfluxNote {
                number: columns.number(0, "number")?,
                vantage_number: columns.number(1, "vantage")?,
                vantage: columns.vantage(3, "vantage")?,
                market: columns.market(4, "market")?,
                start_unix_s: columns.number(2, "start")?,
            })
        };
        rows.iter().map(note).collect()
    }

    /// All windows that start where a note says, in canonical order, or `None` where those of its
    /// hour have been deleted for their age: what is left would not be all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn noted_windows(
        &self,
        note: &InfluxNote,
    ) -> Result<Option<Vec<StoredWindow>>, StoreError> {
        let mut connection = self.snapshot().await?;
        let (vantage, start) = (note.vantage_number, note.start_unix_s);
        if is_sealed(&mut connection, vantage, start).await? {
            return Ok(None);
        }
        let only = Seconds::only(start);
        windows::read(&mut connection, vantage, only.from, only.to).await.map(Some)
    }

    /// What is kept of the hour of a vantage point that starts at `hour_unix_s`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn kept_hour(
        &self,
        vantage: &VantageId,
        hour_unix_s: i64,
    ) -> Result<KeptHour, StoreError> {
        let mut connection = self.snapshot().await?;
        let Some(vantage) = number(&mut connection, vantage).await? else {
            return Ok(KeptHour::Windows(Vec::new()));
        };
        let hour = Seconds::hour(hour_unix_s);
        if !is_sealed(&mut connection, vantage, hour_unix_s).await? {
            let windows = windows::read(&mut connection, vantage, hour.from, hour.to).await?;
            return Ok(KeptHour::Windows(windows));
        }
        let only = Seconds::only(hour_unix_s);
        let mut hours =
            rollup_rows::read(&mut connection, &self.probes, Level::Hour, vantage, only).await?;
        let sums = hours.remove(&hour_unix_s).unwrap_or_default();
        Ok(KeptHour::Sums(sums.into_iter().map(|(probe, sum)| (probe, sum.tally)).collect()))
    }

    /// When the first and the last hour begin that something is kept of, or `None` where there is
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn kept_hours(&self) -> Result<Option<(i64, i64)>, StoreError> {
        let row = sqlx::query("SELECT MIN(start), MAX(start) FROM spans WHERE level = 1")
            .fetch_one(&self.readers)
            .await?;
        let columns = Columns { table: "spans", row: &row };
        let (first, last) =
            (columns.optional_number(0, "start")?, columns.optional_number(1, "start")?);
        Ok(first.zip(last))
    }

    /// The time of the newest scores that were written, in seconds; `None` where there are none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn influx_scored(&self) -> Result<Option<i64>, StoreError> {
        let row =
            sqlx::query("SELECT scored_s FROM influx_export").fetch_optional(&self.readers).await?;
        let scored =
            |row: &_| Columns { table: "influx_export", row }.optional_number(0, "scored_s");
        row.as_ref().map(scored).transpose().map(Option::flatten)
    }

    /// Notes that scores up to this time were written.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn set_influx_scored(&self, scored_s: i64) -> Result<(), StoreError> {
        self.write(&Scored { scored_s }).await
    }

    /// Forgets notes of windows that are older than what is kept, at most so many. Answers how many.
    pub(super) async fn expire_influx_notes(&self, cutoff_s: i64) -> Result<u64, StoreError> {
        let mut forgotten = 0;
        loop {
            let some = self.write(&Forget { cutoff_s }).await?;
            forgotten += some;
            if some < AT_ONCE {
                return Ok(forgotten);
            }
        }
    }
}

/// Notes that are forgotten in one transaction.
const AT_ONCE: u64 = 10_000;

/// Whether the windows of the hour in which a window starts have been deleted.
async fn is_sealed(
    connection: &mut AnyConnection,
    vantage: i64,
    start: i64,
) -> Result<bool, StoreError> {
    let row =
        sqlx::query("SELECT sealed FROM spans WHERE level = 1 AND vantage = $1 AND start = $2")
            .bind(vantage)
            .bind(start - start.rem_euclid(HOUR_S))
            .fetch_optional(connection)
            .await?;
    row.as_ref().map_or(Ok(false), |row| Columns { table: "spans", row }.flag(0, "sealed"))
}

struct SwitchOn {
    now: UtcMicros,
}

impl Change for SwitchOn {
    type Output = bool;

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<bool, StoreError> {
        let inserted = sqlx::query(
            "INSERT INTO influx_export (id, since_us, held_until_us) VALUES (1, $1, 0) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(self.now.get())
        .execute(connection)
        .await?;
        Ok(inserted.rows_affected() > 0)
    }
}

struct SwitchOff;

impl Change for SwitchOff {
    type Output = u64;

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<u64, StoreError> {
        sqlx::query("DELETE FROM influx_export").execute(&mut *connection).await?;
        Ok(sqlx::query("DELETE FROM influx_notes").execute(connection).await?.rows_affected())
    }
}

struct TakeTurn<'a> {
    writer: &'a InfluxWriter,
    now: UtcMicros,
    until: UtcMicros,
}

impl Change for TakeTurn<'_> {
    type Output = InfluxTurn;

    async fn make(
        &self,
        connection: &mut AnyConnection,
        _: Dialect,
    ) -> Result<InfluxTurn, StoreError> {
        let taken = sqlx::query(
            "UPDATE influx_export SET holder = $1, held_until_us = $2 \
             WHERE holder IS NULL OR holder = $1 OR held_until_us < $3",
        )
        .bind(&self.writer[..])
        .bind(self.until.get())
        .bind(self.now.get())
        .execute(&mut *connection)
        .await?;
        if taken.rows_affected() > 0 {
            return Ok(InfluxTurn::Taken);
        }
        let row = sqlx::query("SELECT id FROM influx_export").fetch_optional(connection).await?;
        Ok(if row.is_some() { InfluxTurn::Another } else { InfluxTurn::Off })
    }
}

struct EndTurn<'a> {
    writer: &'a InfluxWriter,
    written: &'a [InfluxNote],
}

impl Change for EndTurn<'_> {
    type Output = ();

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<(), StoreError> {
        let remove = Bulk {
            before: "DELETE FROM influx_notes WHERE number IN (VALUES ",
            columns: 1,
            after: ")",
        };
        remove
            .execute(connection, self.written, |note, row| {
                row.add(note.number)?;
                Ok(())
            })
            .await?;
        sqlx::query("UPDATE influx_export SET holder = NULL, held_until_us = 0 WHERE holder = $1")
            .bind(&self.writer[..])
            .execute(connection)
            .await?;
        Ok(())
    }
}

struct Scored {
    scored_s: i64,
}

impl Change for Scored {
    type Output = ();

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE influx_export SET scored_s = $1 WHERE scored_s IS NULL OR scored_s < $1",
        )
        .bind(self.scored_s)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Forget {
    cutoff_s: i64,
}

impl Change for Forget {
    type Output = u64;

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<u64, StoreError> {
        let forgotten = sqlx::query(AssertSqlSafe(format!(
            "DELETE FROM influx_notes WHERE number IN \
             (SELECT number FROM influx_notes WHERE start < $1 LIMIT {AT_ONCE})"
        )))
        .bind(self.cutoff_s)
        .execute(connection)
        .await?;
        Ok(forgotten.rows_affected())
    }
}

/// How long a turn lasts at the longest without being kept.
pub const INFLUX_TURN: Micros = Micros::from_secs(90);

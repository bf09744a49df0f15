//! Taking in reports, each exactly once.
//!
//! # Races
//!
//! Two appends may hold the same report, on one aggregator or on two. Each first locks the rows of
//! its vantage points, in the order of their names, so that the second waits until the first has
//! been committed and then finds the report in the progress. All else that an append writes
//! belongs to a vantage point that it has locked, except `spans`, which are locked after that, in
//! the order of their key. A deadlock cannot arise that way; if PostgreSQL finds one all the same,
//! the transaction is tried again.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;
use vantage_wire::exchange::Stored;
use vantage_wire::report::{Report, encode_windows};
use vantage_wire::{BootId, UtcMicros, VantageId, Window, WindowLength};

use super::bulk::Bulk;
use super::dialect::Dialect;
use super::error::StoreError;
use super::health_json;
use super::influx;
use super::level::Level;
use super::open::Store;
use super::progress::{self, Run};
use super::read::Columns;
use super::span;
use super::transaction::Change;

/// A report that was received, verified and decoded, and may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingReport {
    /// What the agent sent.
    pub report: Report,
    /// When it was received.
    pub received: UtcMicros,
}

/// A report and its windows as bytes.
struct Prepared<'a> {
    incoming: &'a IncomingReport,
    tallies: Vec<Vec<u8>>,
    health: String,
}

impl Store {
    /// Stores reports in one transaction, with the progress of their agents, and answers for each,
    /// in their order, whether it was new. When this returns, what it stored survives a crash.
    ///
    /// A report that was stored before, or earlier in `reports`, changes nothing at all. The
    /// vantage points' state ([`AgentStatus`](super::AgentStatus)) follows the report that was
    /// received last.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; then none of the reports has been stored.
    pub async fn append(&self, reports: &[IncomingReport]) -> Result<Vec<Stored>, StoreError> {
        if reports.is_empty() {
            return Ok(Vec::new());
        }
        let mut prepared = Vec::with_capacity(reports.len());
        for incoming in reports {
            prepared.push(prepare(incoming)?);
            // A big group takes a while to encode; others may have the thread in between.
            tokio::task::yield_now().await;
        }
        self.write(&Append(prepared)).await
    }
}

struct Append<'a>(Vec<Prepared<'a>>);

impl Change for Append<'_> {
    type Output = Vec<Stored>;

    async fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<Vec<Stored>, StoreError> {
        let prepared = self.0.as_slice();
        let vantages = lock_vantages(connection, dialect, prepared).await?;
        let number_of =
            |prepared: &Prepared<'_>| vantages[&prepared.incoming.report.vantage].number;

        let runs: BTreeSet<Run> =
            prepared.iter().map(|each| (number_of(each), each.incoming.report.boot)).collect();
        let mut progress = progress::read(connection, runs).await?;
        let mut fresh = Vec::with_capacity(prepared.len());
        let mut outcomes = Vec::with_capacity(prepared.len());
        for each in prepared {
            let Report { boot, sequence, .. } = each.incoming.report;
            let number = number_of(each);
            let is_new = progress.entry((number, boot)).or_default().insert(sequence);
            outcomes.push(if is_new { Stored::Stored } else { Stored::Duplicate });
            if is_new {
                fresh.push((number, each));
            }
        }
        if fresh.is_empty() {
            return Ok(outcomes);
        }
        progress.retain(|run, _| {
            fresh.iter().any(|(number, each)| *run == (*number, each.incoming.report.boot))
        });
        progress::write(connection, &progress).await?;
        write_windows(connection, &fresh).await?;
        mark_hours(connection, &fresh).await?;
        note_windows(connection, &fresh).await?;
        write_status(connection, &vantages, &fresh).await?;
        Ok(outcomes)
    }
}

async fn lock_vantages(
    connection: &mut AnyConnection,
    dialect: Dialect,
    prepared: &[Prepared<'_>],
) -> Result<BTreeMap<VantageId, Known>, StoreError> {
    let ids: BTreeSet<&VantageId> =
        prepared.iter().map(|each| &each.incoming.report.vantage).collect();
    let ids: Vec<&VantageId> = ids.into_iter().collect();
    let after = match dialect.for_update() {
        "" => ")",
        _ => ") ORDER BY id FOR UPDATE",
    };
    let select = Bulk {
        before: "SELECT id, number, last_seen_us, newest_window_end_s FROM vantages \
                 WHERE id IN (VALUES ",
        columns: 1,
        after,
    };
    let rows = select
        .fetch(connection, &ids, |id, row| {
            row.add(id.as_str())?;
            Ok(())
        })
        .await?;
    let mut known = BTreeMap::new();
    for row in &rows {
        let columns = Columns { table: "vantages", row };
        let vantage = Known {
            number: columns.number(1, "number")?,
            last_seen: columns.optional_time(2, "last_seen_us")?,
            newest_window_end_s: columns.optional_number(3, "newest_window_end_s")?,
        };
        known.insert(columns.vantage(0, "id")?, vantage);
    }
    match ids.into_iter().find(|id| !known.contains_key(id)) {
        Some(unknown) => Err(StoreError::UnknownVantage(unknown.clone())),
        None => Ok(known),
    }
}

/// What is known of a vantage point before the append.
struct Known {
    number: i64,
    last_seen: Option<UtcMicros>,
    newest_window_end_s: Option<i64>,
}

fn prepare(incoming: &IncomingReport) -> Result<Prepared<'_>, StoreError> {
    let Report { vantage, windows, health, .. } = &incoming.report;
    let tallies = windows
        .iter()
        .map(|window| encode_windows(std::slice::from_ref(window)))
        .collect::<Result<_, _>>()
        .map_err(|source| StoreError::Unsound { vantage: vantage.clone(), source })?;
    let health = health_json::to_json(health).map_err(StoreError::backend)?;
    Ok(Prepared { incoming, tallies, health })
}

/// A row of the table `windows`, ordered by its key.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct WindowRow<'a> {
    vantage: i64,
    window: Window,
    boot: BootId,
    sequence: i64,
    part: i64,
    tallies: &'a [u8],
}

async fn write_windows(
    connection: &mut AnyConnection,
    fresh: &[(i64, &Prepared<'_>)],
) -> Result<(), StoreError> {
    let mut rows: Vec<WindowRow<'_>> = fresh
        .iter()
        .flat_map(|(vantage, each)| {
            let Report { boot, sequence, windows, .. } = &each.incoming.report;
            windows.iter().zip(&each.tallies).zip(0..).map(|((window, tallies), part)| WindowRow {
                vantage: *vantage,
                window: window.window,
                boot: *boot,
                sequence: sequence.get().cast_signed(),
                part,
                tallies,
            })
        })
        .collect();
    rows.sort_unstable();
    let insert = Bulk {
        before: "INSERT INTO windows (vantage, start, length, boot, sequence, part, tallies) VALUES ",
        columns: 7,
        after: "",
    };
    insert
        .execute(connection, &rows, |each, row| {
            row.add(each.vantage)?
                .add(each.window.start_unix_s())?
                .add(i64::from(each.window.length().seconds()))?
                .add(&each.boot.as_bytes()[..])?
                .add(each.sequence)?
                .add(each.part)?
                .add(each.tallies)?;
            Ok(())
        })
        .await?;
    Ok(())
}

/// Marks the hours in which the windows start: their roll-ups are out of date.
async fn mark_hours(
    connection: &mut AnyConnection,
    fresh: &[(i64, &Prepared<'_>)],
) -> Result<(), StoreError> {
    let hours: BTreeSet<(i64, i64)> = fresh
        .iter()
        .flat_map(|(vantage, each)| {
            let windows = &each.incoming.report.windows;
            windows.iter().map(|window| {
                let hour = Window::containing(window.window.start(), WindowLength::HOUR);
                (*vantage, hour.start_unix_s())
            })
        })
        .collect();
    let hours: Vec<(i64, i64)> = hours.into_iter().collect();
    span::mark(connection, Level::Hour, &hours).await
}

/// Notes the starts of the windows for the export to InfluxDB.
async fn note_windows(
    connection: &mut AnyConnection,
    fresh: &[(i64, &Prepared<'_>)],
) -> Result<(), StoreError> {
    let starts: BTreeMap<(i64, i64), UtcMicros> = fresh
        .iter()
        .flat_map(|(vantage, each)| {
            let windows = &each.incoming.report.windows;
            windows
                .iter()
                .map(|window| ((*vantage, window.window.start_unix_s()), each.incoming.received))
        })
        .collect();
    influx::note(connection, &starts).await
}

/// What an agent last said.
struct Status<'a> {
    vantage: i64,
    /// The report that was received last; of several the one that stands last in the group.
    newest: &'a Prepared<'a>,
    newest_window_end_s: Option<i64>,
}

async fn write_status(
    connection: &mut AnyConnection,
    vantages: &BTreeMap<VantageId, Known>,
    fresh: &[(i64, &Prepared<'_>)],
) -> Result<(), StoreError> {
    let mut statuses: BTreeMap<&VantageId, Status<'_>> = BTreeMap::new();
    for (vantage, each) in fresh {
        let report = &each.incoming.report;
        let status = statuses.entry(&report.vantage).or_insert_with(|| Status {
            vantage: *vantage,
            newest: each,
            newest_window_end_s: vantages[&report.vantage].newest_window_end_s,
        });
        if each.incoming.received >= status.newest.incoming.received {
            status.newest = each;
        }
        let ends = report.windows.iter().map(|window| window.window.end().unix_seconds_floor());
        status.newest_window_end_s = status.newest_window_end_s.max(ends.max());
    }
    let statuses: Vec<Status<'_>> = statuses
        .into_iter()
        .filter(|(vantage, status)| {
            vantages[*vantage].last_seen <= Some(status.newest.incoming.received)
        })
        .map(|(_, status)| status)
        .collect();
    // Both databases call the columns of VALUES so.
    let update = Bulk {
        before: "UPDATE vantages SET last_seen_us = v.column2, newest_window_end_s = v.column3, \
                 software = v.column4, health = v.column5, clock_offset_us = v.column6, \
                 clock_bound_us = v.column7 FROM (VALUES ",
        columns: 7,
        after: ") AS v WHERE vantages.number = v.column1",
    };
    update
        .execute(connection, &statuses, |status, row| {
            let report = &status.newest.incoming.report;
            let last = report.windows.iter().max_by_key(|window| window.window);
            let clock = last.and_then(|window| window.clock);
            // A bound beyond what fits is no estimate at all.
            let clock = clock
                .and_then(|clock| Some((clock.offset_us, i64::try_from(clock.bound.get()).ok()?)));
            row.add(status.vantage)?
                .add(status.newest.incoming.received.get())?
                .add(status.newest_window_end_s)?
                .add(report.software.as_str())?
                .add(status.newest.health.as_str())?
                .add(clock.map(|(offset_us, _)| offset_us))?
                .add(clock.map(|(_, bound_us)| bound_us))?;
            Ok(())
        })
        .await?;
    Ok(())
}

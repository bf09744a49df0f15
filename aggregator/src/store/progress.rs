//! Progress: which reports have been stored.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use vantage_wire::BootId;

use super::bulk::Bulk;
use super::error::StoreError;
use super::read::Columns;
use super::sequence_set::SequenceSet;

/// One run of the agent of one vantage point, by number.
pub(super) type Run = (i64, BootId);

/// What has been received of each of these runs; those of which nothing has are left out.
pub(super) async fn read(
    connection: &mut AnyConnection,
    runs: BTreeSet<Run>,
) -> Result<BTreeMap<Run, SequenceSet>, StoreError> {
    let runs: Vec<Run> = runs.into_iter().collect();
    let select = Bulk {
        before: "SELECT vantage, boot, received FROM progress WHERE (vantage, boot) IN (VALUES ",
        columns: 2,
        after: ")",
    };
    let rows = select
        .fetch(connection, &runs, |(vantage, boot), row| {
            row.add(*vantage)?.add(&boot.as_bytes()[..])?;
            Ok(())
        })
        .await?;
    from_rows(&rows)
}

/// What has been received of every run of a vantage point.
pub(super) async fn read_all(
    connection: &mut AnyConnection,
    vantage: i64,
) -> Result<BTreeMap<Run, SequenceSet>, StoreError> {
    let rows = sqlx::query("SELECT vantage, boot, received FROM progress WHERE vantage = $1")
        .bind(vantage)
        .fetch_all(connection)
        .await?;
    from_rows(&rows)
}

fn from_rows(rows: &[AnyRow]) -> Result<BTreeMap<Run, SequenceSet>, StoreError> {
    let mut progress = BTreeMap::new();
    for row in rows {
        let columns = Columns { table: "progress", row };
        let run = (columns.number(0, "vantage")?, BootId::new(columns.array(1, "boot")?));
        let received = SequenceSet::decode(&columns.bytes(2, "received")?)
            .ok_or_else(|| columns.corrupt("received"))?;
        progress.insert(run, received);
    }
    Ok(progress)
}

/// Replaces what has been received of each run.
pub(super) async fn write(
    connection: &mut AnyConnection,
    progress: &BTreeMap<Run, SequenceSet>,
) -> Result<(), StoreError> {
    let rows: Vec<(Run, Vec<u8>)> =
        progress.iter().map(|(run, received)| (*run, received.encode())).collect();
    let upsert = Bulk {
        before: "INSERT INTO progress (vantage, boot, received) VALUES ",
        columns: 3,
        after: " ON CONFLICT (vantage, boot) DO UPDATE SET received = excluded.received",
    };
    upsert
        .execute(connection, &rows, |((vantage, boot), received), row| {
            row.add(*vantage)?.add(&boot.as_bytes()[..])?.add(received.as_slice())?;
            Ok(())
        })
        .await?;
    Ok(())
}

//! The finest level: windows as they were reported.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use vantage_wire::report::{ProbeKey, Tally, WindowReport, decode_windows};
use vantage_wire::{BootId, FailureCode, Phase, Sequence, UtcMicros, VantageId};

use super::error::StoreError;
use super::open::Store;
use super::read::Columns;

/// A window as it was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredWindow {
    /// In which run of the agent.
    pub boot: BootId,
    /// In which report of that run.
    pub sequence: Sequence,
    /// Which window of that report, from 0.
    pub part: u32,
    /// What it says.
    pub report: WindowReport,
}

impl StoredWindow {
    /// The canonical order, in which windows are added up: by time, then by where they came from.
    pub(super) fn sort(windows: &mut [Self]) {
        windows.sort_by_key(|each| (each.report.window, each.boot, each.sequence, each.part));
    }
}

/// What all windows of one probe say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesTotals {
    /// Attempts that were due.
    pub due: u64,
    /// Attempts that succeeded.
    pub ok: u64,
    /// Attempts made while the agent judged itself to be at fault.
    pub degraded: u64,
    /// Attempts that failed, by why.
    pub failures: BTreeMap<FailureCode, u64>,
    /// Samples, by phase.
    pub samples: BTreeMap<Phase, u64>,
}

impl SeriesTotals {
    /// Counts of a hostile agent may add up to more than fits; they then stay at the highest.
    fn add(&mut self, tally: &Tally) {
        let add = |sum: &mut u64, added: u64| *sum = sum.saturating_add(added);
        add(&mut self.due, tally.due());
        add(&mut self.ok, tally.ok);
        add(&mut self.degraded, tally.degraded);
        for ((code, _), row) in &tally.failures {
            add(self.failures.entry(*code).or_default(), row.count);
        }
        for (phase, histogram) in &tally.phases {
            add(self.samples.entry(*phase).or_default(), histogram.count());
        }
    }
}

const COLUMNS: &str = "boot, sequence, part, tallies";

fn stored(row: &AnyRow) -> Result<StoredWindow, StoreError> {
    let columns = Columns { table: "windows", row };
    let sequence = columns.number(1, "sequence")?.cast_unsigned();
    let tallies = columns.bytes(3, "tallies")?;
    let (windows, _) = decode_windows(&tallies).map_err(|_| columns.corrupt("tallies"))?;
    let [report] =
        <[WindowReport; 1]>::try_from(windows).map_err(|_| columns.corrupt("tallies"))?;
    Ok(StoredWindow {
        boot: BootId::new(columns.array(0, "boot")?),
        sequence: Sequence::new(sequence).ok_or_else(|| columns.corrupt("sequence"))?,
        part: u32::try_from(columns.number(2, "part")?).map_err(|_| columns.corrupt("part"))?,
        report,
    })
}

/// The windows of a vantage point that start in `from_s..to_s`, in canonical order.
pub(super) async fn read(
    connection: &mut AnyConnection,
    vantage: i64,
    from_s: i64,
    to_s: i64,
) -> Result<Vec<StoredWindow>, StoreError> {
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM windows WHERE vantage = $1 AND start >= $2 AND start < $3"
    )))
    .bind(vantage)
    .bind(from_s)
    .bind(to_s)
    .fetch_all(connection)
    .await?;
    let decode = move || {
        let mut windows = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
        StoredWindow::sort(&mut windows);
        Ok(windows)
    };
    // Inflating takes long enough to be in the way of other tasks.
    tokio::task::spawn_blocking(decode).await.map_err(StoreError::backend)?
}

impl Store {
    /// The windows of a vantage point that start at or after `from` and before `to`, by time, then
    /// by run, report and place in the report. None where there is no such vantage point.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn windows(
        &self,
        vantage: &VantageId,
        from: UtcMicros,
        to: UtcMicros,
    ) -> Result<Vec<StoredWindow>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        match number(&mut connection, vantage).await? {
            None => Ok(Vec::new()),
            Some(vantage) => {
                let (from_s, to_s) = (ceiling_s(from), ceiling_s(to));
                read(&mut connection, vantage, from_s, to_s).await
            }
        }
    }

    /// What all windows of a vantage point that are still kept say together, by probe.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn totals(
        &self,
        vantage: &VantageId,
    ) -> Result<BTreeMap<ProbeKey, SeriesTotals>, StoreError> {
        let mut transaction = self.snapshot().await?;
        let mut totals: BTreeMap<ProbeKey, SeriesTotals> = BTreeMap::new();
        let Some(vantage) = number(&mut transaction, vantage).await? else { return Ok(totals) };
        let mut from_s = Some(i64::MIN);
        while let Some(start) = next_start(&mut transaction, vantage, from_s).await? {
            // A day at a time, so that a long history need not fit into memory.
            let end = start.saturating_add(86_400);
            for window in read(&mut transaction, vantage, start, end).await? {
                for (key, tally) in &window.report.tallies {
                    totals.entry(key.clone()).or_default().add(tally);
                }
            }
            from_s = Some(end);
        }
        Ok(totals)
    }

    /// How many seconds of `from..to` each vantage point has windows for. Windows that overlap
    /// count once. Vantage points without any are left out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn covered_seconds(
        &self,
        from: UtcMicros,
        to: UtcMicros,
    ) -> Result<BTreeMap<VantageId, u64>, StoreError> {
        let (from_s, to_s) = (ceiling_s(from), ceiling_s(to));
        // Added up in the database: a day of a thousand agents is millions of windows. No window is
        // longer than a day. What counts of each lies after all that the ones before it reached.
        let rows = sqlx::query(
            "WITH pieces AS (SELECT v.id, w.start, w.start + w.length AS finish, \
                MAX(w.start + w.length) OVER (PARTITION BY v.number ORDER BY w.start, w.length \
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached \
                FROM vantages v JOIN windows w ON w.vantage = v.number \
                WHERE w.start > $1 AND w.start < $3), \
             parts AS (SELECT id, CASE WHEN finish > $3 THEN $3 ELSE finish END AS finish, \
                CASE WHEN reached > start AND reached > $2 THEN reached \
                    WHEN start > $2 THEN start ELSE $2 END AS start FROM pieces) \
             SELECT id, CAST(SUM(finish - start) AS BIGINT) FROM parts WHERE finish > start GROUP BY id",
        )
        .bind(from_s.saturating_sub(86_400))
        .bind(from_s)
        .bind(to_s)
        .fetch_all(&self.readers)
        .await?;
        let mut covered = BTreeMap::new();
        for row in &rows {
            let columns = Columns { table: "windows", row };
            covered.insert(columns.vantage(0, "vantage")?, columns.count(1, "length")?);
        }
        Ok(covered)
    }
}

/// The first second that is not before `time`.
pub(super) fn ceiling_s(time: UtcMicros) -> i64 {
    let floor = time.unix_seconds_floor();
    floor + i64::from(UtcMicros::from_unix_seconds(floor) != Some(time))
}

/// The number of a vantage point, or `None` where there is none.
pub(super) async fn number(
    connection: &mut AnyConnection,
    vantage: &VantageId,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query("SELECT number FROM vantages WHERE id = $1")
        .bind(vantage.as_str())
        .fetch_optional(connection)
        .await?;
    row.map(|row| Columns { table: "vantages", row: &row }.number(0, "number")).transpose()
}

/// The start of the first window at or after `from_s`.
async fn next_start(
    connection: &mut AnyConnection,
    vantage: i64,
    from_s: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query("SELECT MIN(start) FROM windows WHERE vantage = $1 AND start >= $2")
        .bind(vantage)
        .bind(from_s)
        .fetch_one(connection)
        .await?;
    Ok(row.try_get(0)?)
}

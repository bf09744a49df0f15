//! Roll-ups as rows: one of counts per probe, and one per phase.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::Phase;
use vantage_wire::report::{EncodedHistogram, Tally};

use super::bulk::Bulk;
use super::error::StoreError;
use super::level::{Level, Seconds};
use super::probes::{self, ProbeCache, Probes};
use super::read::Columns;
use super::sum::{Sum, Sums};
use super::tally_text::{
    addresses_from_bytes, addresses_to_bytes, failures_from_json, failures_to_json,
};

/// The roll-up of one hour or day of one vantage point.
pub(super) struct RollupOf<'a> {
    pub(super) vantage: i64,
    pub(super) start: i64,
    pub(super) sums: &'a Sums,
}

/// All phases that there are, for keys that have the phase before the start.
fn all_phases() -> String {
    Phase::ALL.iter().map(|phase| phase.number().to_string()).collect::<Vec<_>>().join(", ")
}

/// The roll-ups of a vantage point that start in `within`, by start.
pub(super) async fn read(
    connection: &mut AnyConnection,
    cache: &ProbeCache,
    level: Level,
    vantage: i64,
    within: Seconds,
) -> Result<BTreeMap<i64, Sums>, StoreError> {
    let rows = sqlx::query(
        "SELECT probe, start, ok, degraded, covered_s, longest_s, clock_uncertain, failures, \
         addresses FROM rollups WHERE level = $1 AND vantage = $2 AND start >= $3 AND start < $4",
    )
    .bind(level.number())
    .bind(vantage)
    .bind(within.from)
    .bind(within.to)
    .fetch_all(&mut *connection)
    .await?;
    let mut numbers = Vec::with_capacity(rows.len());
    let mut sums: BTreeMap<(i64, i64), Sum> = BTreeMap::new();
    for row in &rows {
        let columns = Columns { table: "rollups", row };
        let probe = columns.number(0, "probe")?;
        let failures = failures_from_json(&columns.text(7, "failures")?);
        let addresses = addresses_from_bytes(&columns.bytes(8, "addresses")?);
        let sum = Sum {
            tally: Tally {
                ok: columns.count(2, "ok")?,
                degraded: columns.count(3, "degraded")?,
                failures: failures.ok_or_else(|| columns.corrupt("failures"))?,
                phases: BTreeMap::new(),
                addresses: addresses.ok_or_else(|| columns.corrupt("addresses"))?,
            },
            covered_s: columns.number(4, "covered_s")?,
            longest_s: columns.number(5, "longest_s")?,
            clock_uncertain: columns.flag(6, "clock_uncertain")?,
        };
        numbers.push(probe);
        sums.insert((columns.number(1, "start")?, probe), sum);
    }
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT r.probe, r.start, p.phase, p.histogram FROM rollups r JOIN rollup_phases p \
         ON p.level = r.level AND p.vantage = r.vantage AND p.probe = r.probe \
         AND p.phase IN ({}) AND p.start = r.start \
         WHERE r.level = $1 AND r.vantage = $2 AND r.start >= $3 AND r.start < $4",
        all_phases()
    )))
    .bind(level.number())
    .bind(vantage)
    .bind(within.from)
    .bind(within.to)
    .fetch_all(&mut *connection)
    .await?;
    for row in &rows {
        let columns = Columns { table: "rollup_phases", row };
        let key = (columns.number(1, "start")?, columns.number(0, "probe")?);
        let phase = u32::try_from(columns.number(2, "phase")?).ok().and_then(Phase::from_number);
        let histogram = EncodedHistogram::new(columns.bytes(3, "histogram")?);
        // Rows of another state of the store, read between the two statements, find no partner.
        // Who uses them finds out that the span has changed.
        if let Some(sum) = sums.get_mut(&key) {
            sum.tally.phases.insert(
                phase.ok_or_else(|| columns.corrupt("phase"))?,
                histogram.map_err(|_| columns.corrupt("histogram"))?,
            );
        }
    }
    let probes = cache.with(connection, &numbers).await?;
    let mut spans: BTreeMap<i64, Sums> = BTreeMap::new();
    for ((start, probe), sum) in sums {
        let corrupt = StoreError::Corrupt { table: "rollups", column: "probe" };
        let key = probes.keys.get(&probe).ok_or(corrupt)?;
        spans.entry(start).or_default().insert(key.clone(), sum);
    }
    Ok(spans)
}

/// Deletes the roll-ups of a vantage point that start in `within`.
pub(super) async fn delete(
    connection: &mut AnyConnection,
    level: Level,
    vantage: i64,
    within: Seconds,
) -> Result<(), StoreError> {
    let phases = format!(
        "DELETE FROM rollup_phases WHERE level = $1 AND vantage = $2 AND probe IN \
         (SELECT probe FROM rollups WHERE level = $1 AND vantage = $2 AND start >= $3 \
         AND start < $4) AND phase IN ({}) AND start >= $3 AND start < $4",
        all_phases()
    );
    let counts =
        "DELETE FROM rollups WHERE level = $1 AND vantage = $2 AND start >= $3 AND start < $4";
    for statement in [phases, counts.to_owned()] {
        sqlx::query(AssertSqlSafe(statement))
            .bind(level.number())
            .bind(vantage)
            .bind(within.from)
            .bind(within.to)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Writes roll-ups where there are none.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    known: &Arc<Probes>,
    level: Level,
    rollups: &[RollupOf<'_>],
) -> Result<(), StoreError> {
    let mut keys: Vec<_> = rollups.iter().flat_map(|rollup| rollup.sums.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let probes = probes::number(connection, known, &keys).await?;
    let corrupt = || StoreError::Corrupt { table: "probes", column: "number" };

    let mut counts = Vec::new();
    let mut histograms = Vec::new();
    for rollup in rollups {
        for (key, sum) in rollup.sums {
            let probe = *probes.numbers.get(key).ok_or_else(corrupt)?;
            let failures = failures_to_json(&sum.tally.failures).map_err(StoreError::backend)?;
            let addresses = addresses_to_bytes(&sum.tally.addresses);
            counts.push((rollup.vantage, probe, rollup.start, sum, failures, addresses));
            for (phase, histogram) in &sum.tally.phases {
                histograms.push((rollup.vantage, probe, *phase, rollup.start, histogram));
            }
        }
    }
    let insert = Bulk {
        before: "INSERT INTO rollups (level, vantage, probe, start, ok, degraded, covered_s, \
                 longest_s, clock_uncertain, failures, addresses) VALUES ",
        columns: 11,
        after: "",
    };
    insert
        .execute(connection, &counts, |(vantage, probe, start, sum, failures, addresses), row| {
            row.add(level.number())?
                .add(*vantage)?
                .add(*probe)?
                .add(*start)?
                .add(sum.tally.ok.cast_signed())?
                .add(sum.tally.degraded.cast_signed())?
                .add(sum.covered_s)?
                .add(sum.longest_s)?
                .add(i64::from(sum.clock_uncertain))?
                .add(failures.as_str())?
                .add(addresses.as_slice())?;
            Ok(())
        })
        .await?;
    let insert = Bulk {
        before: "INSERT INTO rollup_phases (level, vantage, probe, phase, start, histogram) VALUES ",
        columns: 6,
        after: "",
    };
    insert
        .execute(connection, &histograms, |(vantage, probe, phase, start, histogram), row| {
            row.add(level.number())?
                .add(*vantage)?
                .add(*probe)?
                .add(i64::from(phase.number()))?
                .add(*start)?
                .add(histogram.as_bytes())?;
            Ok(())
        })
        .await?;
    Ok(())
}

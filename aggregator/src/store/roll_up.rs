//! Rolling up: windows to hours, hours to days.
//!
//! # Races
//!
//! A span is added up outside of any transaction, because that takes long, and the result is
//! written only where nobody has changed the span meanwhile:
//!
//! 1. Read the span's generation `g`.
//! 2. Read the level below and add it up. What was committed before step 1 is seen.
//! 3. In a transaction, `UPDATE spans SET rolled = g WHERE … generation = g AND rolled < g`. One row
//!    changed: replace the roll-up. None: discard the result; the span is still dirty, or somebody
//!    else has rolled it up.
//!
//! Whoever changes the level below raises the generation in the same transaction, and thereby waits
//! for, or holds up, step 3, which looks at the row as it is once it has got it. So when step 3
//! succeeds, no change of the level below has been committed since step 1, and the result is
//! complete; a change under way will mark the span again. As generations only ever rise, and spans
//! are never deleted, a late step 3 cannot mistake a new state for its own.
//!
//! A span is *sealed* when the level below has been deleted for its age. Its roll-up is then all
//! there is, so late arrivals are added to it, and deleted in the same transaction: exactly those
//! that step 2 has read, by the argument above. It would be wrong to do it twice, and step 3 lets
//! one win.
//!
//! All writers lock in the same order: vantage points (by name) and their markets, hours, days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::report::MergeError;
use vantage_wire::{HistogramMerger, UtcMicros, VantageId};

use super::bulk::Bulk;
use super::dialect::Dialect;
use super::error::StoreError;
use super::level::{Level, Seconds};
use super::open::Store;
use super::probes::Probes;
use super::read::Columns;
use super::rollup_rows::{self, RollupOf};
use super::span::{self, Span};
use super::sum::{self, Sums};
use super::transaction::Change;
use super::windows;

/// Spans that are written in one transaction.
const GROUP: usize = 16;

/// What was rolled up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolledUp {
    /// Hours brought up to date.
    pub hours: u64,
    /// Days brought up to date.
    pub days: u64,
    /// Hours and days whose parts do not add up, as those of a broken agent: they have no roll-up.
    pub faults: Vec<SpanFault>,
    /// Whether there is more to do.
    pub is_more: bool,
}

/// An hour or day that cannot be added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanFault {
    /// Of which vantage point.
    pub vantage: VantageId,
    /// An hour or a day.
    pub level: Level,
    /// When it starts.
    pub start: UtcMicros,
    /// What is wrong.
    pub problem: String,
}

/// A span, and what its parts add up to.
pub(super) struct Computed {
    pub(super) span: Span,
    pub(super) below: Seconds,
    pub(super) sums: Result<Sums, MergeError>,
}

impl Store {
    /// Brings up to `limit` hours up to date, the oldest first, then up to `limit` days. May run on
    /// several aggregators at once: they do some of the work twice then, and nothing wrong.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was rolled up before stays.
    pub async fn roll_up(&self, limit: u32) -> Result<RolledUp, StoreError> {
        let mut done = RolledUp::default();
        for level in [Level::Hour, Level::Day] {
            let mut dirty = self.dirty(level, limit).await?;
            dirty.sort_by_key(|span| (span.vantage, span.start));
            for group in dirty.chunks(GROUP) {
                let mut computed = Vec::with_capacity(group.len());
                for span in group {
                    let mut connection = self.readers.acquire().await?;
                    computed.push(self.compute(&mut connection, span.clone()).await?);
                }
                let probes = self.probes.known();
                let written =
                    self.write(&Replacement { level, computed: &computed, probes }).await?;
                let count = match level {
                    Level::Hour => &mut done.hours,
                    Level::Day => &mut done.days,
                };
                *count += written.len() as u64;
                done.faults.extend(written.into_iter().filter_map(|index| fault(&computed[index])));
            }
        }
        done.is_more = !(self.dirty(Level::Hour, 1).await?.is_empty()
            && self.dirty(Level::Day, 1).await?.is_empty());
        Ok(done)
    }

    async fn dirty(&self, level: Level, limit: u32) -> Result<Vec<Span>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {} FROM {} WHERE s.level = $1 AND s.rolled < s.generation \
             ORDER BY s.start, s.vantage LIMIT $2",
            span::COLUMNS,
            span::FROM
        )))
        .bind(level.number())
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| Span::read(level, row)).collect()
    }

    /// Adds up what belongs to a span.
    pub(super) async fn compute(
        &self,
        connection: &mut AnyConnection,
        span: Span,
    ) -> Result<Computed, StoreError> {
        let below = span.below()?;
        let before = if span.sealed {
            let within = Seconds::only(span.start);
            let mut read =
                rollup_rows::read(connection, &self.probes, span.level, span.vantage, within)
                    .await?;
            read.remove(&span.start).unwrap_or_default()
        } else {
            Sums::new()
        };
        let sums = match span.level {
            Level::Hour => {
                let windows = windows::read(connection, span.vantage, below.from, below.to).await?;
                on_another_thread(move |merger| sum::of_windows(&before, &windows, merger)).await?
            }
            Level::Day => {
                let hours =
                    rollup_rows::read(connection, &self.probes, Level::Hour, span.vantage, below)
                        .await?;
                on_another_thread(move |merger| sum::of_hours(&before, hours.values(), merger))
                    .await?
            }
        };
        Ok(Computed { span, below, sums })
    }
}

/// Adding up takes long enough to be in the way of other tasks.
async fn on_another_thread(
    add_up: impl FnOnce(&mut HistogramMerger) -> Result<Sums, MergeError> + Send + 'static,
) -> Result<Result<Sums, MergeError>, StoreError> {
    tokio::task::spawn_blocking(move || add_up(&mut HistogramMerger::new()))
        .await
        .map_err(StoreError::backend)
}

fn fault(computed: &Computed) -> Option<SpanFault> {
    let problem = computed.sums.as_ref().err()?.to_string();
    let start = UtcMicros::from_unix_seconds(computed.span.start)?;
    let Span { level, ref vantage_id, .. } = computed.span;
    Some(SpanFault { vantage: vantage_id.clone(), level, start, problem })
}

/// Replaces the roll-ups of spans of one level, as far as nobody has changed the spans meanwhile.
/// The spans are in the order of their keys.
struct Replacement<'a> {
    level: Level,
    computed: &'a [Computed],
    probes: Arc<Probes>,
}

impl Change for Replacement<'_> {
    /// Places of those that were replaced.
    type Output = Vec<usize>;

    async fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<Vec<usize>, StoreError> {
        let zones = self.lock_zones(connection, dialect).await?;
        let mut replaced = Vec::with_capacity(self.computed.len());
        let mut rollups = Vec::with_capacity(self.computed.len());
        let mut days = BTreeSet::new();
        for (index, computed) in self.computed.iter().enumerate() {
            let span = &computed.span;
            // A day cut by another clock than the market's now is no day any more.
            if zones.get(&span.vantage) != Some(&span.zone_name)
                || !self.claim(connection, computed).await?
            {
                continue;
            }
            replaced.push(index);
            if span.level == Level::Hour {
                days.insert((span.vantage, span.day()?));
            }
            match &computed.sums {
                Err(_) if span.sealed => continue,
                Err(_) => {}
                Ok(sums) => {
                    rollups.push(RollupOf { vantage: span.vantage, start: span.start, sums });
                }
            }
            let within = Seconds::only(span.start);
            rollup_rows::delete(connection, self.level, span.vantage, within).await?;
            if span.sealed {
                delete_below(connection, self.level, span.vantage, computed.below).await?;
            }
        }
        rollup_rows::insert(connection, &self.probes, self.level, &rollups).await?;
        let days: Vec<(i64, i64)> = days.into_iter().collect();
        span::mark(connection, Level::Day, &days).await?;
        Ok(replaced)
    }
}

impl Replacement<'_> {
    /// Keeps time zones from changing, and answers those of the vantage points.
    async fn lock_zones(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<BTreeMap<i64, String>, StoreError> {
        let vantages: BTreeSet<i64> = self.computed.iter().map(|each| each.span.vantage).collect();
        let vantages: Vec<i64> = vantages.into_iter().collect();
        let select = Bulk {
            before: "SELECT v.number, m.time_zone FROM vantages v JOIN markets m \
                     ON m.id = v.market WHERE v.number IN (VALUES ",
            columns: 1,
            after: match dialect.for_share() {
                "" => ")",
                _ => ") ORDER BY v.id FOR SHARE",
            },
        };
        let rows = select
            .fetch(connection, &vantages, |vantage, row| {
                row.add(*vantage)?;
                Ok(())
            })
            .await?;
        rows.iter()
            .map(|row| {
                let columns = Columns { table: "markets", row };
                Ok((columns.number(0, "number")?, columns.text(1, "time_zone")?))
            })
            .collect()
    }

    /// Declares the span up to date, unless it has changed since it was read.
    async fn claim(
        &self,
        connection: &mut AnyConnection,
        computed: &Computed,
    ) -> Result<bool, StoreError> {
        let span = &computed.span;
        let claimed = sqlx::query(
            "UPDATE spans SET rolled = $1, fault = $2 WHERE level = $3 AND vantage = $4 \
             AND start = $5 AND generation = $1 AND rolled < $1",
        )
        .bind(span.generation)
        .bind(computed.sums.as_ref().err().map(ToString::to_string))
        .bind(self.level.number())
        .bind(span.vantage)
        .bind(span.start)
        .execute(connection)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }
}

/// Deletes what a span of `level` was added up from.
pub(super) async fn delete_below(
    connection: &mut AnyConnection,
    level: Level,
    vantage: i64,
    below: Seconds,
) -> Result<u64, StoreError> {
    match level {
        Level::Day => {
            rollup_rows::delete(connection, Level::Hour, vantage, below).await?;
            Ok(0)
        }
        Level::Hour => {
            let deleted = sqlx::query(
                "DELETE FROM windows WHERE vantage = $1 AND start >= $2 AND start < $3",
            )
            .bind(vantage)
            .bind(below.from)
            .bind(below.to)
            .execute(connection)
            .await?;
            Ok(deleted.rows_affected())
        }
    }
}

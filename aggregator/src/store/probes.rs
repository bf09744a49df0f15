//! The dictionary of probes: a short number for each, which never changes.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::AnyConnection;
use vantage_wire::report::{Family, ProbeKey, ProbeKind};
use vantage_wire::{Micros, ProbeId, TargetId};

use super::bulk::Bulk;
use super::error::StoreError;
use super::read::Columns;

/// Probes by number and the other way round.
#[derive(Debug, Default)]
pub(super) struct Probes {
    pub(super) keys: BTreeMap<i64, ProbeKey>,
    pub(super) numbers: BTreeMap<ProbeKey, i64>,
}

/// The dictionary as it was last read. Entries are only ever added, so what it knows stays true;
/// it holds committed entries only.
#[derive(Clone, Debug, Default)]
pub(super) struct ProbeCache(Arc<RwLock<Arc<Probes>>>);

impl ProbeCache {
    pub(super) fn known(&self) -> Arc<Probes> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A dictionary that knows these numbers, read anew where it must be. The connection must see
    /// committed entries only.
    pub(super) async fn with(
        &self,
        connection: &mut AnyConnection,
        numbers: &[i64],
    ) -> Result<Arc<Probes>, StoreError> {
        let known = self.known();
        if numbers.iter().all(|number| known.keys.contains_key(number)) {
            return Ok(known);
        }
        self.refresh(connection).await
    }

    /// The dictionary as it is now. The connection must see committed entries only.
    pub(super) async fn refresh(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Arc<Probes>, StoreError> {
        let read = Arc::new(read(connection).await?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&read);
        Ok(read)
    }
}

async fn read(connection: &mut AnyConnection) -> Result<Probes, StoreError> {
    let rows = sqlx::query(
        "SELECT number, target, probe, kind, family, warm, interval_us, timeout_us FROM probes",
    )
    .fetch_all(connection)
    .await?;
    let mut probes = Probes::default();
    for row in &rows {
        let columns = Columns { table: "probes", row };
        let of_set = |index, column| {
            columns.number(index, column).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        let key = ProbeKey {
            target: TargetId::new(&columns.text(1, "target")?)
                .map_err(|_| columns.corrupt("target"))?,
            probe: ProbeId::new(&columns.text(2, "probe")?)
                .map_err(|_| columns.corrupt("probe"))?,
            kind: ProbeKind::from_number(of_set(3, "kind")?)
                .ok_or_else(|| columns.corrupt("kind"))?,
            family: Family::from_number(of_set(4, "family")?)
                .ok_or_else(|| columns.corrupt("family"))?,
            warm: columns.flag(5, "warm")?,
            interval: Micros::new(columns.count(6, "interval_us")?),
            timeout: Micros::new(columns.count(7, "timeout_us")?),
        };
        let number = columns.number(0, "number")?;
        probes.numbers.insert(key.clone(), number);
        probes.keys.insert(number, key);
    }
    Ok(probes)
}

/// Numbers for all of `keys`, which must be ascending; those without one get one. To be called in
/// the transaction that uses them.
pub(super) async fn number(
    connection: &mut AnyConnection,
    known: &Arc<Probes>,
    keys: &[&ProbeKey],
) -> Result<Arc<Probes>, StoreError> {
    let missing: Vec<&&ProbeKey> =
        keys.iter().filter(|key| !known.numbers.contains_key(**key)).collect();
    if missing.is_empty() {
        return Ok(Arc::clone(known));
    }
    let insert = Bulk {
        before: "INSERT INTO probes (target, probe, kind, family, warm, interval_us, timeout_us) \
                 VALUES ",
        columns: 7,
        // Another aggregator may be adding it, too: this waits until it has, or has not.
        after: " ON CONFLICT DO NOTHING",
    };
    insert
        .execute(connection, &missing, |key, row| {
            // Intervals and timeouts are a day at most.
            row.add(key.target.as_str())?
                .add(key.probe.as_str())?
                .add(i64::from(key.kind.number()))?
                .add(i64::from(key.family.number()))?
                .add(i64::from(key.warm))?
                .add(key.interval.get().cast_signed())?
                .add(key.timeout.get().cast_signed())?;
            Ok(())
        })
        .await?;
    Ok(Arc::new(read(connection).await?))
}

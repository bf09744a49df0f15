//! Who may report, and what was last heard.

use sqlx::AnyConnection;
use sqlx::any::AnyRow;
use vantage_wire::report::{ClockOffset, Health, Software};
use vantage_wire::{MarketId, Micros, UtcMicros, VantageId};

use super::dialect::Dialect;
use super::error::StoreError;
use super::health_json;
use super::open::Store;
use super::read::Columns;
use super::transaction::Change;

/// An Ed25519 public key (RFC 8032).
pub type PublicKey = [u8; 32];

/// A vantage point that has been enrolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Its name.
    pub vantage: VantageId,
    /// The market it measures from.
    pub market: MarketId,
    /// The key that signs its reports.
    pub public_key: PublicKey,
    /// When that key was registered.
    pub enrolled: UtcMicros,
    /// Since when its reports are to be refused, or `None` where they are not.
    pub revoked: Option<UtcMicros>,
}

/// A vantage point, and what its agent last said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentStatus {
    /// Who it is.
    pub registration: Registration,
    /// When its newest report was received, or `None` where there has been none.
    pub last_seen: Option<UtcMicros>,
    /// The end of the newest window that was received.
    pub newest_window_end: Option<UtcMicros>,
    /// Name and version of the agent.
    pub software: Software,
    /// The agent's state, or `None` where it has not reported yet.
    pub health: Option<Health>,
    /// The correction of the agent's clock, or `None` where it could not estimate one.
    pub clock: Option<ClockOffset>,
}

const REGISTRATION: &str = "id, market, public_key, enrolled_us, revoked_us";

pub(super) fn registration(row: &AnyRow) -> Result<Registration, StoreError> {
    let columns = Columns { table: "vantages", row };
    Ok(Registration {
        vantage: columns.vantage(0, "id")?,
        market: columns.market(1, "market")?,
        public_key: columns.array(2, "public_key")?,
        enrolled: columns.time(3, "enrolled_us")?,
        revoked: columns.optional_time(4, "revoked_us")?,
    })
}

fn status(row: &AnyRow) -> Result<AgentStatus, StoreError> {
    let columns = Columns { table: "vantages", row };
    let newest_window_end = columns
        .optional_number(6, "newest_window_end_s")?
        .map(|seconds| {
            UtcMicros::from_unix_seconds(seconds)
                .ok_or_else(|| columns.corrupt("newest_window_end_s"))
        })
        .transpose()?;
    let health = columns
        .optional_text(8, "health")?
        .map(|text| health_json::from_json(&text).map_err(|_| columns.corrupt("health")))
        .transpose()?;
    let offset = columns.optional_number(9, "clock_offset_us")?;
    let bound = columns.optional_number(10, "clock_bound_us")?;
    let clock = offset.zip(bound).map(|(offset_us, bound)| ClockOffset {
        offset_us,
        bound: Micros::new(bound.unsigned_abs()),
    });
    Ok(AgentStatus {
        registration: registration(row)?,
        last_seen: columns.optional_time(5, "last_seen_us")?,
        newest_window_end,
        software: Software::new(&columns.text(7, "software")?),
        health,
        clock,
    })
}

impl Store {
    /// The registration of a vantage point, also of a revoked one; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn vantage(&self, vantage: &VantageId) -> Result<Option<Registration>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {REGISTRATION} FROM vantages WHERE id = $1"
        )))
        .bind(vantage.as_str())
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(registration).transpose()
    }

    /// Every vantage point that was ever enrolled, ordered by name.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be read.
    pub async fn vantages(&self) -> Result<Vec<AgentStatus>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {REGISTRATION}, last_seen_us, newest_window_end_s, software, health, \
             clock_offset_us, clock_bound_us FROM vantages"
        )))
        .fetch_all(&self.readers)
        .await?;
        let mut all = rows.iter().map(status).collect::<Result<Vec<_>, _>>()?;
        // Databases sort text by the rules of some language; names are ordered by their bytes.
        all.sort_by(|a, b| a.registration.vantage.cmp(&b.registration.vantage));
        Ok(all)
    }

    /// Revokes a vantage point: from now on its reports are to be refused, and so are enrolment
    /// tokens made for it before. Answers whether there is such a vantage point; of one that is
    /// revoked already the time stays.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn revoke(&self, vantage: &VantageId, now: UtcMicros) -> Result<bool, StoreError> {
        self.write(&Revocation { vantage, now }).await
    }
}

struct Revocation<'a> {
    vantage: &'a VantageId,
    now: UtcMicros,
}

impl Change for Revocation<'_> {
    type Output = bool;

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<bool, StoreError> {
        let changed =
            sqlx::query("UPDATE vantages SET revoked_us = COALESCE(revoked_us, $1) WHERE id = $2")
                .bind(self.now.get())
                .bind(self.vantage.as_str())
                .execute(connection)
                .await?;
        Ok(changed.rows_affected() > 0)
    }
}

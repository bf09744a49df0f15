//! How a vantage point becomes known: a one-time token is traded for the registration of a key.

use sqlx::{AnyConnection, AssertSqlSafe};
use vantage_wire::report::Software;
use vantage_wire::{MarketId, UtcMicros, VantageId};

use super::dialect::Dialect;
use super::error::{StoreError, is_unique_violation};
use super::open::Store;
use super::read::Columns;
use super::time_zones::mark_days_of;
use super::transaction::Change;
use super::vantages::{PublicKey, Registration, registration};

/// SHA-256 of a token. The store never sees the token itself.
pub type TokenHash = [u8; 32];

/// A one-time token as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    /// Its hash.
    pub hash: TokenHash,
    /// The vantage point that it enrols. One that is known already gets a new key.
    pub vantage: VantageId,
    /// The market of that vantage point.
    pub market: MarketId,
    /// When it was made.
    pub created: UtcMicros,
    /// From when on it is refused.
    pub expires: UtcMicros,
}

/// Leaves out the hash: it is no secret, but belongs in no log either.
impl std::fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EnrolmentToken")
            .field("vantage", &self.vantage)
            .field("market", &self.market)
            .field("created", &self.created)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// What became of an attempt to enrol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolled {
    /// The vantage point is registered; also where the same key had used the same token before,
    /// as the answer may have been lost.
    Done(Registration),
    /// There is no such token.
    UnknownToken,
    /// The token came too late.
    Expired,
    /// The token has been used for another key.
    Used,
    /// The vantage point was revoked after the token was made. A token made since then enrols it
    /// again.
    Revoked,
    /// The key is registered for another vantage point.
    KeyTaken,
}

struct Token {
    vantage: String,
    market: String,
    created: UtcMicros,
    expires: UtcMicros,
    used_by: Option<PublicKey>,
}

impl Store {
    /// Keeps a token.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written, or has a token with this hash.
    pub async fn create_token(&self, token: &EnrolmentToken) -> Result<(), StoreError> {
        self.write(token).await
    }

    /// Uses the token with this hash to register `public_key`. A vantage point that is known
    /// already, such as a machine that was built anew, has its key replaced.
    ///
    /// The caller has verified that the agent holds the private key.
    ///
    /// # Errors
    ///
    /// [`StoreError`] where the store cannot be written.
    pub async fn enrol(
        &self,
        hash: &TokenHash,
        public_key: &PublicKey,
        software: &Software,
        now: UtcMicros,
    ) -> Result<Enrolled, StoreError> {
        let request = Request { hash, public_key, software, now };
        self.write(&request).await
    }
}

struct Request<'a> {
    hash: &'a TokenHash,
    public_key: &'a PublicKey,
    software: &'a Software,
    now: UtcMicros,
}

impl Change for EnrolmentToken {
    type Output = ();

    async fn make(&self, connection: &mut AnyConnection, _: Dialect) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO enrolment_tokens (hash, vantage, market, created_us, expires_us) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&self.hash[..])
        .bind(self.vantage.as_str())
        .bind(self.market.as_str())
        .bind(self.created.get())
        .bind(self.expires.get())
        .execute(connection)
        .await?;
        Ok(())
    }
}

impl Change for Request<'_> {
    type Output = Enrolled;

    async fn make(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<Enrolled, StoreError> {
        let Some(token) = self.token(connection, dialect).await? else {
            return Ok(Enrolled::UnknownToken);
        };
        let held = vantage(connection, dialect, &token.vantage).await?;
        let moves = held.as_ref().is_some_and(|held| held.market.as_str() != token.market);
        let revoked = held.as_ref().and_then(|held| held.revoked);
        let is_void = revoked.is_some_and(|revoked| token.created <= revoked);
        match (token.used_by, held) {
            (Some(_), Some(held)) if held.public_key == *self.public_key => {
                return Ok(if is_void { Enrolled::Revoked } else { Enrolled::Done(held) });
            }
            (Some(_), _) => return Ok(Enrolled::Used),
            (None, _) if self.now >= token.expires => return Ok(Enrolled::Expired),
            (None, _) if is_void => return Ok(Enrolled::Revoked),
            (None, _) => {}
        }
        // Asked beforehand: on PostgreSQL a violated key would undo the whole transaction.
        if self.key_is_taken(connection, &token.vantage).await? {
            return Ok(Enrolled::KeyTaken);
        }
        match self.register(connection, &token).await {
            Err(error) if is_unique_violation(&error) => Ok(Enrolled::KeyTaken),
            Err(error) => Err(error.into()),
            Ok(()) => {
                if moves {
                    mark_days_of(connection, &token.vantage).await?;
                }
                let held = vantage(connection, dialect, &token.vantage).await?;
                let corrupt = StoreError::Corrupt { table: "vantages", column: "id" };
                held.map(Enrolled::Done).ok_or(corrupt)
            }
        }
    }
}

impl Request<'_> {
    async fn token(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<Option<Token>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT vantage, market, created_us, expires_us, used_by FROM enrolment_tokens \
             WHERE hash = $1{}",
            dialect.for_update()
        )))
        .bind(&self.hash[..])
        .fetch_optional(connection)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let columns = Columns { table: "enrolment_tokens", row: &row };
        Ok(Some(Token {
            vantage: columns.text(0, "vantage")?,
            market: columns.text(1, "market")?,
            created: columns.time(2, "created_us")?,
            expires: columns.time(3, "expires_us")?,
            used_by: columns.optional_array(4, "used_by")?,
        }))
    }

    async fn key_is_taken(
        &self,
        connection: &mut AnyConnection,
        vantage: &str,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM vantages WHERE public_key = $1 AND id <> $2")
            .bind(&self.public_key[..])
            .bind(vantage)
            .fetch_optional(connection)
            .await?;
        Ok(row.is_some())
    }

    async fn register(
        &self,
        connection: &mut AnyConnection,
        token: &Token,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO markets (id, time_zone) VALUES ($1, 'UTC') ON CONFLICT (id) DO NOTHING",
        )
        .bind(&token.market)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "INSERT INTO vantages (id, market, public_key, enrolled_us, software) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET \
             market = excluded.market, public_key = excluded.public_key, \
             enrolled_us = excluded.enrolled_us, software = excluded.software, revoked_us = NULL",
        )
        .bind(&token.vantage)
        .bind(&token.market)
        .bind(&self.public_key[..])
        .bind(self.now.get())
        .bind(self.software.as_str())
        .execute(&mut *connection)
        .await?;
        sqlx::query("UPDATE enrolment_tokens SET used_us = $1, used_by = $2 WHERE hash = $3")
            .bind(self.now.get())
            .bind(&self.public_key[..])
            .bind(&self.hash[..])
            .execute(connection)
            .await?;
        Ok(())
    }
}

async fn vantage(
    connection: &mut AnyConnection,
    dialect: Dialect,
    id: &str,
) -> Result<Option<Registration>, StoreError> {
    let row = sqlx::query(AssertSqlSafe(format!(
        "SELECT id, market, public_key, enrolled_us, revoked_us FROM vantages WHERE id = $1{}",
        dialect.for_update()
    )))
    .bind(id)
    .fetch_optional(connection)
    .await?;
    row.as_ref().map(registration).transpose()
}

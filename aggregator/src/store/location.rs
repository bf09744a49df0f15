//! Where a store is.

use std::fmt;
use std::path::PathBuf;

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In the file `vantage.db` of this folder. Both are made where they are missing.
    Embedded(PathBuf),
    /// In this database of a PostgreSQL server, version 15 or newer.
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database, such as `postgres://vantage:secret@db.example/vantage`.
///
/// Neither `Debug` nor `Display` prints it: it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What is no address of a PostgreSQL database. It is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a store is written as postgres://user:password@host/name")]
pub struct NoPostgresUrl;

impl PostgresUrl {
    /// Takes `url` as an address, where it begins like one.
    ///
    /// # Errors
    ///
    /// [`NoPostgresUrl`] where it is none of PostgreSQL.
    pub fn parse(url: &str) -> Result<Self, NoPostgresUrl> {
        let schemes = ["postgres://", "postgresql://"];
        let is_known = schemes.iter().any(|scheme| url.starts_with(scheme));
        if is_known { Ok(Self::new(url)) } else { Err(NoPostgresUrl) }
    }

    /// Takes `url` as an address; it is read when the store is opened.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Location {
    /// Whether there is a store to be opened. Of a database only opening it tells.
    pub fn exists(&self) -> bool {
        match self {
            Self::Embedded(folder) => folder.join("vantage.db").exists(),
            Self::Postgres(_) => true,
        }
    }
}

/// Prints the folder, or just `PostgreSQL`.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded(folder) => write!(f, "{}", folder.display()),
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_printed() {
        let url = PostgresUrl::new("postgres://vantage:secret@db.example/vantage");
        assert!(!format!("{:?}", Location::Postgres(url)).contains("secret"));
    }
}

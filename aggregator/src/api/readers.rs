//! Who may read: people and programs with a read token, and whoever sits at the machine itself.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::extract::ConnectInfo;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::{ApiError, App, Problem};
use crate::identity::{SecretHash, hash_secret};

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 20;
/// Headers by which a proxy tells that a request came through it.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/// A file of read tokens that cannot be used. Never quotes a token.
#[derive(Debug, thiserror::Error)]
pub enum ReadTokenError {
    /// It cannot be read.
    #[error("failed to read the tokens in {}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A token could be guessed.
    #[error(
        "{}:{line}: a read token needs at least {SHORTEST_TOKEN} characters; \
         `openssl rand -hex 32` makes one",
        .file.display()
    )]
    TooShort {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// Nobody could read.
    #[error("{} has no token in it", .file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
}

/// The tokens of readers, as hashes.
#[derive(Clone, Debug, Default)]
pub struct ReadAccess {
    tokens: Vec<SecretHash>,
}

impl ReadAccess {
    /// Reads tokens from a file, one on a line; empty lines and lines with `#` in front do not count.
    ///
    /// # Errors
    ///
    /// [`ReadTokenError`].
    pub fn from_file(path: &Path) -> Result<Self, ReadTokenError> {
        let file = || path.to_owned();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ReadTokenError::Unreadable { file: file(), source })?;
        let mut tokens = Vec::new();
        for (line, token) in (1..).zip(text.lines().map(str::trim)) {
            if token.is_empty() || token.starts_with('#') {
                continue;
            }
            if token.len() < SHORTEST_TOKEN {
                return Err(ReadTokenError::TooShort { file: file(), line });
            }
            tokens.push(hash_secret(token));
        }
        if tokens.is_empty() {
            return Err(ReadTokenError::Empty { file: file() });
        }
        Ok(Self { tokens })
    }

    /// Whether a request may read: with a token, or directly from this machine. A request that a
    /// proxy on this machine passed on is from elsewhere.
    fn permits(&self, parts: &Parts) -> bool {
        let token = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) {
            return self.tokens.contains(&hash_secret(token));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
        local && !FORWARDED.iter().any(|header| parts.headers.contains_key(*header))
    }
}

/// Proof that a request may read; an argument of every page that people read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader;

impl axum::extract::FromRequestParts<App> for Reader {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if app.readers.permits(parts) {
            return Ok(Self);
        }
        Err(Problem::ReaderUnauthorized
            .because("send `Authorization: Bearer TOKEN` with a token of --read-token-file"))
    }
}

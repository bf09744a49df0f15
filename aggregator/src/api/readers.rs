//! Who may read: people and programs with a read token, and whoever sits at the machine itself.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;
use axum::extract::ConnectInfo;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::{ApiError, App, Problem};
use crate::identity::{SecretHash, hash_secret};

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 20;
/// Headers by which a proxy tells that a request came through it.
const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

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
    /// Where the file cannot be read or a token is too short.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("failed to read the tokens in {}", path.display()))?;
        let mut tokens = Vec::new();
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            anyhow::ensure!(
                line.len() >= SHORTEST_TOKEN,
                "{}:{number}: a read token needs at least {SHORTEST_TOKEN} characters; \
                 `openssl rand -hex 32` makes one",
                path.display()
            );
            tokens.push(hash_secret(line));
        }
        anyhow::ensure!(!tokens.is_empty(), "{} has no token in it", path.display());
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

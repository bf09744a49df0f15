//! The exchange with the aggregator.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use vantage_wire::exchange::clock::Exchange;
use vantage_wire::exchange::{
    ANSWERED_HEADER, ASSIGNMENT, Acknowledgement, Assignment, ENROLMENTS, Enrolment,
    RECEIVED_HEADER, REPORT_MEDIA_TYPE, REPORTS,
};
use vantage_wire::{Micros, UtcMicros, VantageId};

use super::answer::judge;
use super::{Answer, ExchangeError, Transport};
use crate::clock::{Estimate, WallClock};
use crate::identity::{Key, Token};

/// Most time for a request and its answer.
const TIMEOUT: Duration = Duration::from_mins(1);
/// The same, where the aggregator may wait for news before it answers.
const LONG_TIMEOUT: Duration = Duration::from_mins(5);

/// The aggregator, as one agent sees it. Clones share.
#[derive(Debug)]
pub struct Aggregator<T, C> {
    transport: T,
    key: Arc<Key>,
    clock: C,
    estimate: Arc<Mutex<Estimate>>,
}

impl<T: Transport, C: WallClock> Aggregator<T, C> {
    /// The aggregator at the other end of a transport. What its answers tell about the clock goes
    /// into the estimate.
    pub fn new(transport: T, key: Arc<Key>, clock: C, estimate: Arc<Mutex<Estimate>>) -> Self {
        Self { transport, key, clock, estimate }
    }

    /// Trades a token for a registration. To be repeated until there is an answer: that has the
    /// same result.
    ///
    /// # Errors
    /// [`ExchangeError`]; it is the token that is unknown or refused.
    pub async fn enrol(&self, token: &Token) -> Result<Enrolment, ExchangeError> {
        // A string, two base64 texts and a version cannot fail to be written.
        let body = serde_json::to_vec(&self.key.enrolment(token)).unwrap_or_default();
        let request = request(Method::POST, ENROLMENTS, "application/json", None, body)?;
        decode(&self.exchange(request, TIMEOUT).await?)
    }

    /// Delivers a sealed report. Once this returns `Ok` it is stored for good.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn deliver(&self, envelope: Vec<u8>) -> Result<Acknowledgement, ExchangeError> {
        let request = request(Method::POST, REPORTS, REPORT_MEDIA_TYPE, None, envelope)?;
        decode(&self.exchange(request, TIMEOUT).await?)
    }

    /// Asks what to probe. `None`: there is nothing newer than `version`.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn assignment(
        &self,
        vantage: &VantageId,
        version: Option<&str>,
    ) -> Result<Option<Assignment>, ExchangeError> {
        let path = match version {
            None => ASSIGNMENT.to_owned(),
            Some(version) => format!("{ASSIGNMENT}?version={}", escaped(version)),
        };
        let signed_at = {
            let now = self.clock.read();
            self.estimate().place(now.monotonic, now)
        };
        let authorization = self.key.authorize("GET", &path, vantage, signed_at).to_string();
        let request = request(Method::GET, &path, "", Some(&authorization), Vec::new())?;
        let answer = self.exchange(request, LONG_TIMEOUT).await?;
        if answer.status == StatusCode::NO_CONTENT.as_u16() {
            return Ok(None);
        }
        decode(&answer).map(Some)
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        limit: Duration,
    ) -> Result<Answer, ExchangeError> {
        let sent = self.clock.read();
        let answer = timeout(limit, self.transport.send(request))
            .await
            .map_err(|_| ExchangeError::Unreached(format!("nothing within {limit:?}")))?
            .map_err(|error| ExchangeError::Unreached(error.to_string()))?;
        let times =
            (time(&answer.headers, RECEIVED_HEADER), time(&answer.headers, ANSWERED_HEADER));
        if let (Some(received), Some(answered)) = times {
            let took = answer.arrived.saturating_duration_since(sent.monotonic);
            let round_trip = Micros::from_duration_saturating(took);
            let times = Exchange { sent: sent.utc, received, answered, round_trip };
            self.estimate().learn(sent, &times, self.clock.read());
        }
        Ok(answer)
    }

    fn estimate(&self) -> std::sync::MutexGuard<'_, Estimate> {
        // An estimate has no state that a panic could have left half done.
        self.estimate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(
    method: Method,
    path: &str,
    media_type: &str,
    authorization: Option<&str>,
    body: Vec<u8>,
) -> Result<Request<Bytes>, ExchangeError> {
    let mut request = Request::builder().method(method).uri(path);
    if !media_type.is_empty() {
        request = request.header(http::header::CONTENT_TYPE, media_type);
    }
    if let Some(authorization) = authorization {
        request = request.header(http::header::AUTHORIZATION, authorization);
    }
    request.body(body.into()).map_err(|error| ExchangeError::Unreached(error.to_string()))
}

/// The document in an answer that has one. A page that says 200 is not taken for an answer.
fn decode<D: DeserializeOwned>(answer: &Answer) -> Result<D, ExchangeError> {
    if !matches!(answer.status, 200..=202) {
        return Err(judge(answer));
    }
    serde_json::from_slice(&answer.body).map_err(|error| {
        ExchangeError::Unreached(format!(
            "status {} with an answer unlike its: {error}",
            answer.status
        ))
    })
}

fn time(headers: &HeaderMap, name: &'static str) -> Option<UtcMicros> {
    let value = headers.get(HeaderName::from_static(name))?;
    value.to_str().ok()?.parse().ok().map(UtcMicros::new)
}

/// Escapes what has a meaning in a query (RFC 3986 §2).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value)]);
            escaped.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    escaped
}

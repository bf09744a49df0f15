//! One request and its response on a connection, timed.

use http::response::Parts;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode, Phase};

use super::super::Stopwatch;
use super::connection::Connection;
use super::failure::{Broken, broken};
use super::request::{RequestBody, Unsent};
use super::retry_after::retry_after;

/// How much of a body is read, and whether it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Most bytes to read.
    pub limit_bytes: u64,
    /// Whether the expectations need the bytes.
    pub keep: bool,
}

/// What came of an exchange.
#[derive(Debug)]
pub struct Exchanged {
    /// The response's head, where it came.
    pub head: Option<Parts>,
    /// The response's body, or what went wrong with head or body.
    pub outcome: Result<Content, Failure>,
    /// Whether any byte of a response came.
    pub began: bool,
    /// When the last bytes came.
    pub last_read: Option<Instant>,
}

/// A response's body.
#[derive(Debug, Default)]
pub struct Content {
    /// What was kept of it.
    pub bytes: Vec<u8>,
    /// Whether there was more than the limit lets be read.
    pub cut: bool,
}

/// Sends a request and reads its response, in phases `request` and `transfer`. The first ends and
/// the second begins with the response's first byte, be the rest of its head late or not.
pub async fn exchange(
    connection: &mut Connection,
    request: Request<RequestBody>,
    reading: Reading,
    watch: &mut Stopwatch,
) -> Exchanged {
    let unsent = request.body().unsent();
    let mut head = None;
    let mut read_bytes = 0;
    let mut answer = connection.send(request);
    let first = watch
        .limit(Phase::Request, async { Ok(connection.drive_to_first_byte(&mut answer).await) })
        .await;
    let outcome = match first {
        Err(timeout) => Err(unsent_or(timeout, &unsent, connection)),
        Ok(early) => {
            let rest = async {
                let response = match early {
                    Some(response) => response,
                    None => connection.drive(&mut answer).await,
                };
                let response = response.map_err(|error| connection.broken(&error, None))?;
                let (parts, body) = response.into_parts();
                let parts = head.insert(parts);
                read_body(connection, parts, body, reading, &mut read_bytes).await
            };
            watch.limit(Phase::Transfer, rest).await
        }
    };
    let (began, last_read) = note(connection, head.as_ref(), read_bytes, &outcome, watch);
    Exchanged { head, outcome, began, last_read }
}

/// What a request that went unanswered waited for: to be sent, where something of it was still
/// held back; its response's rest, where that had begun in the same moment.
fn unsent_or(timeout: Failure, unsent: &Unsent, connection: &Connection) -> Failure {
    let taken = connection.stamps.taken();
    let detail = timeout.detail.as_str();
    if taken.began.is_some() {
        Failure::new(FailureCode::HttpBodyTimeout, detail)
    } else if taken.blocked || unsent.bytes() > 0 {
        Failure::new(FailureCode::HttpSendTimeout, detail)
    } else {
        timeout
    }
}

async fn read_body(
    connection: &mut Connection,
    head: &Parts,
    mut body: Incoming,
    reading: Reading,
    read_bytes: &mut u64,
) -> Result<Content, Failure> {
    let mut content = Content::default();
    let announced = head.headers.get(http::header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    while *read_bytes < reading.limit_bytes {
        let Some(frame) = connection.drive(body.frame()).await else { return Ok(content) };
        let missing = announced.is_some_and(|announced| *read_bytes < announced);
        let frame = frame.map_err(|error| connection.broken(&error, Some(missing)))?;
        let Some(data) = frame.data_ref() else { continue };
        let room = usize::try_from(reading.limit_bytes - *read_bytes).unwrap_or(usize::MAX);
        let within = &data[..data.len().min(room)];
        content.cut |= within.len() < data.len();
        *read_bytes += within.len() as u64;
        if reading.keep {
            content.bytes.extend_from_slice(within);
        }
    }
    content.cut |= !body.is_end_stream();
    Ok(content)
}

/// Enters the times and what the response said.
fn note(
    connection: &Connection,
    head: Option<&Parts>,
    read_bytes: u64,
    outcome: &Result<Content, Failure>,
    watch: &mut Stopwatch,
) -> (bool, Option<Instant>) {
    let taken = connection.stamps.taken();
    let attempt = &mut watch.attempt;
    // Bytes that make no head are no response.
    let is_response = head.is_some()
        || outcome.as_ref().is_err_and(|failure| failure.code != FailureCode::HttpProtocol);
    if let (Some(written), Some(began), true) = (taken.written, taken.began, is_response) {
        attempt.phases.set(Phase::Request, began.saturating_duration_since(written));
        if let (Ok(_), Some(last)) = (outcome, taken.last_read) {
            attempt.phases.set(Phase::Transfer, last.saturating_duration_since(began));
        }
    }
    if let Some(head) = head {
        let facts = attempt.facts.http.get_or_insert_default();
        facts.status = Some(head.status.as_u16());
        facts.version = Some(spell(head.version));
        facts.body_bytes = read_bytes;
        facts.body_cut = outcome.as_ref().is_ok_and(|content| content.cut);
        facts.retry_after = retry_after(&head.headers);
    }
    (taken.began.is_some(), taken.last_read)
}

fn spell(version: Version) -> String {
    format!("{version:?}")
}

impl Connection {
    fn broken(&self, error: &hyper::Error, body_missing: Option<bool>) -> Failure {
        let stage = match body_missing {
            None => Broken::Head,
            Some(missing) => Broken::Body { missing },
        };
        let errors = [Some(error), self.error.as_ref()];
        broken(&self.stamps, self.identity.witness.as_ref(), errors, stage)
    }
}

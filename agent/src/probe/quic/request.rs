//! One HTTP/3 exchange on a connection.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use bytes::{Buf, Bytes};
use h3::client::{Connection as Control, RequestStream, SendRequest};
use h3::error::{Code, StreamError};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode, Phase};

use super::super::{Stopwatch, response};
use super::failure;
use super::handshake::Session;
use crate::spec::HttpSpec;

/// Most bytes of headers that a response may have.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

type Stream = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;
type Sender = SendRequest<h3_quinn::OpenStreams, Bytes>;

/// Asks and reads the answer: phases `request`, from its first datagram being handed to the kernel
/// to the one with the headers of the response being taken from it, and `transfer`, to the last
/// datagram of the response.
pub async fn run(spec: &HttpSpec, session: &Session, watch: &mut Stopwatch) -> Result<(), Failure> {
    let request = response::request(spec)?;
    let begun = Instant::now();
    session.socket.mark();
    let sent = AtomicBool::new(false);
    let asking = unless_lost(session, Phase::Request, ask(request, session, &sent));
    let asked = watch.limit(Phase::Request, asking).await;
    let mut asked = asked.map_err(|late| {
        let code = if sent.load(Ordering::Relaxed) {
            FailureCode::HttpFirstByteTimeout
        } else {
            FailureCode::HttpSendTimeout
        };
        failure::timed_out(late, FailureCode::HttpFirstByteTimeout, code)
    })?;
    let left = session.socket.first_left().unwrap_or(begun);
    let answered = session.arrived_since(left);
    watch.attempt.phases.set(Phase::Request, answered - left);
    watch.attempt.facts.http = Some(response::facts(&asked.response));
    response::judge_head(spec, &asked.response)?;

    let mut body = Body::of(spec, &asked.response);
    let reading = unless_lost(session, Phase::Transfer, asked.read(&mut body, session));
    let outcome = watch.limit(Phase::Transfer, reading).await;
    if let Some(facts) = &mut watch.attempt.facts.http {
        facts.body_bytes = body.read_bytes;
    }
    outcome?;
    watch.attempt.phases.set(Phase::Transfer, session.arrived_since(answered) - answered);
    response::judge_body(spec, &body.kept)
}

/// An answer that has begun, and the streams it needs.
struct Asked {
    response: Response<()>,
    stream: Stream,
    beside: Beside,
    // Its end would close the connection.
    _sender: Sender,
}

/// Sends the request and waits for the response's headers.
async fn ask(request: Request<()>, session: &Session, sent: &AtomicBool) -> Result<Asked, Failure> {
    let quic = h3_quinn::Connection::new(session.connection.clone());
    let mut builder = h3::client::builder();
    builder.max_field_section_size(MAX_HEADER_BYTES).send_grease(false);
    let opened = builder.build::<_, _, Bytes>(quic).await;
    let (control, mut sender) = opened.map_err(|error| {
        let seen = Failure::new(FailureCode::HttpProtocol, &error.to_string());
        failure::exchange(seen, session.connection.close_reason().as_ref())
    })?;
    let mut beside = Beside { control, ended: false };
    let exchange = async {
        let mut stream = sender.send_request(request).await?;
        stream.finish().await?;
        sent.store(true, Ordering::Relaxed);
        let response = stream.recv_response().await?;
        Ok((response, stream))
    };
    match beside.work(exchange).await {
        Ok((response, stream)) => Ok(Asked { response, stream, beside, _sender: sender }),
        // Our own headers, larger than the target takes.
        Err(StreamError::HeaderTooBig { max_size, .. }) if !sent.load(Ordering::Relaxed) => {
            let detail = format!("the target takes {max_size} bytes of headers");
            Err(Failure::new(FailureCode::ConfigInvalid, &detail))
        }
        Err(error) => Err(ended(&error, session, Phase::Request)),
    }
}

impl Asked {
    /// Reads the body to its end or to its limit.
    async fn read(&mut self, body: &mut Body, session: &Session) -> Result<(), Failure> {
        let Self { stream, beside, .. } = self;
        let reading = async {
            while body.wants_more() {
                let Some(chunk) = stream.recv_data().await? else { return Ok(true) };
                body.take(chunk);
            }
            stream.stop_sending(Code::H3_REQUEST_CANCELLED);
            Ok(false)
        };
        match beside.work(reading).await {
            Ok(true) => body.check_length(),
            Ok(false) => Ok(()),
            Err(error) => Err(ended(&error, session, Phase::Transfer)),
        }
    }
}

/// Carries `work` out unless the target's machine says that nobody listens any more. What routers
/// say is left to time: they may be wrong for a moment, and QUIC sends again.
async fn unless_lost<T>(
    session: &Session,
    phase: Phase,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let refused = |error: &io::Error| error.raw_os_error() == Some(libc::ECONNREFUSED);
    tokio::select! {
        biased;
        outcome = work => outcome,
        error = session.socket.error(refused) => {
            Err(Failure::in_phase(FailureCode::QuicReset, phase, &error.to_string()))
        }
    }
}

fn ended(error: &StreamError, session: &Session, phase: Phase) -> Failure {
    failure::exchange(failure::stream(error, phase), session.connection.close_reason().as_ref())
}

/// What is read of a body.
struct Body {
    limit_bytes: u64,
    announced_bytes: Option<u64>,
    read_bytes: u64,
    keep: bool,
    kept: Vec<u8>,
}

impl Body {
    fn of(spec: &HttpSpec, response: &Response<()>) -> Self {
        // Such an answer has a length, but no body (RFC 9110 §8.6).
        let bodiless = spec.method == Method::HEAD || response.status() == StatusCode::NOT_MODIFIED;
        let announced = response.headers().get(CONTENT_LENGTH);
        let announced = announced.and_then(|length| length.to_str().ok()?.parse().ok());
        Self {
            limit_bytes: spec.body_limit_bytes,
            announced_bytes: announced.filter(|_| !bodiless),
            read_bytes: 0,
            keep: spec.expect.body_contains.is_some(),
            kept: Vec::new(),
        }
    }

    fn wants_more(&self) -> bool {
        // At the limit, too: a body of exactly that length has an end to be seen.
        self.read_bytes <= self.limit_bytes
    }

    fn take(&mut self, mut chunk: impl Buf) {
        while chunk.has_remaining() {
            let bytes = chunk.chunk();
            let length = bytes.len();
            let room = self.limit_bytes.saturating_sub(self.read_bytes);
            if self.keep {
                let room = usize::try_from(room).unwrap_or(usize::MAX).min(length);
                self.kept.extend_from_slice(&bytes[..room]);
            }
            self.read_bytes += length as u64;
            chunk.advance(length);
        }
    }

    /// h3 does not compare a body with its announced length (RFC 9114 §4.1.2).
    fn check_length(&self) -> Result<(), Failure> {
        let Some(announced) = self.announced_bytes else { return Ok(()) };
        let code = match self.read_bytes {
            read if read == announced => return Ok(()),
            read if read < announced => FailureCode::HttpTruncated,
            _ => FailureCode::HttpProtocol,
        };
        let detail = format!("{} bytes of {announced}", self.read_bytes);
        Err(Failure::in_phase(code, Phase::Transfer, &detail))
    }
}

/// The connection's own streams (settings, GOAWAY), which somebody has to read meanwhile.
struct Beside {
    control: Control<h3_quinn::Connection, Bytes>,
    ended: bool,
}

impl Beside {
    /// Carries `work` out. An error of the control streams closes the connection, and the work
    /// learns of it from there.
    async fn work<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
                return Poll::Ready(outcome);
            }
            self.ended = self.ended || self.control.poll_close(cx).is_ready();
            Poll::Pending
        })
        .await
    }
}

//! One HTTP/3 exchange on a connection.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use bytes::Bytes;
use h3::client::{Connection as Control, RequestStream, SendRequest};
use h3::error::StreamError;
use http::header::CONTENT_LENGTH;
use http::{Request, Response};
use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode, Phase};

use super::super::Stopwatch;
use super::super::http::retry_after;
use super::body::ReadBody;
use super::handshake::Session;
use super::{Asking, failure};
use crate::attempt::HttpFacts;
use crate::spec::HttpSpec;

/// Most bytes of headers that a response may have.
const MAX_HEADER_BYTES: u64 = 64 * 1024;

type Stream = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;
type Sender = SendRequest<h3_quinn::OpenStreams, Bytes>;

/// Asks, reads the answer and judges it, in phases `request` and `transfer`. Returns when the last
/// of the answer came.
pub async fn exchange(
    asking: &Asking,
    spec: &HttpSpec,
    session: &Session,
    watch: &mut Stopwatch,
) -> Result<Instant, Failure> {
    let (request, body) = request(asking, spec)?;
    let begun = Instant::now();
    session.socket.mark();
    let sent = AtomicBool::new(false);
    let work = Box::pin(ask(request, body, session, &sent));
    let work = unless_lost(session, Phase::Request, work);
    let asked = watch.limit(Phase::Request, work).await;
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

    let mut body = ReadBody::of(spec, asking.judge.wants_body(), &asked.response);
    let reading = unless_lost(session, Phase::Transfer, asked.read(&mut body, session));
    let outcome = watch.limit(Phase::Transfer, reading).await;
    let end = session.arrived_since(answered);
    if outcome.is_ok() {
        watch.attempt.phases.set(Phase::Transfer, end - answered);
    }
    watch.attempt.facts.http = Some(HttpFacts {
        status: Some(asked.response.status().as_u16()),
        version: Some(format!("{:?}", asked.response.version())),
        body_bytes: body.read_bytes,
        body_cut: body.cut,
        redirects: 0,
        retry_after: retry_after(asked.response.headers()),
    });
    // A status that is a failure comes before whatever became of its body.
    asking.judge.status(asked.response.status())?;
    outcome?;
    asking.judge.body(&body.bytes)?;
    Ok(end)
}

/// The request and its body.
fn request(asking: &Asking, spec: &HttpSpec) -> Result<(Request<()>, Bytes), Failure> {
    let invalid = |problem: String| Failure::new(FailureCode::ConfigInvalid, &problem);
    // HTTP/3 names the host as HTTP/2 does.
    let request = asking.template.request(&spec.url, true).map_err(invalid)?;
    let (mut head, _) = request.into_parts();
    let body = asking.template.body.clone();
    if !body.is_empty() {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
    }
    Ok((Request::from_parts(head, ()), body))
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
async fn ask(
    request: Request<()>,
    body: Bytes,
    session: &Session,
    sent: &AtomicBool,
) -> Result<Asked, Failure> {
    let quic = h3_quinn::Connection::new(session.connection.clone());
    let mut builder = h3::client::builder();
    builder.max_field_section_size(MAX_HEADER_BYTES).send_grease(false);
    let opened = builder.build::<_, _, Bytes>(quic).await;
    let (control, mut sender) = opened.map_err(|error| {
        let seen = Failure::new(FailureCode::HttpProtocol, &error.to_string());
        failure::exchange(seen, session.connection.close_reason().as_ref(), &session.witness)
    })?;
    let mut beside = Beside { control, ended: false };
    let exchange = async {
        let mut stream = sender.send_request(request).await?;
        match send_body(&mut stream, body).await {
            // A target may answer without having read all (RFC 9114 §4.1).
            Ok(()) | Err(StreamError::RemoteTerminate { .. }) => {}
            Err(error) => return Err(error),
        }
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

async fn send_body(stream: &mut Stream, body: Bytes) -> Result<(), StreamError> {
    if !body.is_empty() {
        stream.send_data(body).await?;
    }
    stream.finish().await
}

impl Asked {
    /// Reads the body to its end or beyond its limit.
    async fn read(&mut self, body: &mut ReadBody, session: &Session) -> Result<(), Failure> {
        let Self { stream, beside, .. } = self;
        let reading = async {
            while body.wants_more() {
                let Some(chunk) = stream.recv_data().await? else { return Ok(true) };
                body.take(chunk);
            }
            // What is left is called off by the end of the connection, which follows. To stop the
            // stream alone is not safe here: h3-quinn 0.0.10 panics where a read is under way.
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
    failure::exchange(
        failure::stream(error, phase),
        session.connection.close_reason().as_ref(),
        &session.witness,
    )
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

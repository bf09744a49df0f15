//! A query as the body of an HTTP request (RFC 8484).

use std::error::Error;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode, Phase};

use super::{Exchange, Query, broken, read_answer};
use crate::net::error::Origin;

/// A DNS message is never longer.
const MAX_BODY_BYTES: usize = 65_535;
const MAX_HEAD_BYTES: u32 = 64 * 1024;
const MEDIA_TYPE: &str = "application/dns-message";

/// Whom to ask on a connection, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Scheme, host and path.
    pub uri: Uri,
    /// Whether HTTP/2 was negotiated; otherwise HTTP/1.1 is spoken.
    pub http2: bool,
}

/// Asks on an open connection, of which nothing is left afterwards.
///
/// # Errors
/// A failure of phase `dns`: `dns_unreachable` where the connection ends before an answer,
/// `http_429` where the server asks for fewer queries, `dns_servfail` where it answers something
/// else than a DNS message; that is counted in `strays` where its body belongs to another query.
pub async fn exchange_https(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    endpoint: &Endpoint,
    query: &Query,
    strays: &mut u32,
) -> Result<Exchange, Failure> {
    let io = TokioIo::new(stream);
    if endpoint.http2 {
        let tasks = Tasks::default();
        let _end = AbortOnDrop(tasks.clone());
        let (mut sender, connection) = http2::Builder::new(tasks)
            .max_header_list_size(MAX_HEAD_BYTES)
            .handshake(io)
            .await
            .map_err(http_failure)?;
        let exchange = exchange(endpoint, query, strays, |request| sender.send_request(request));
        while_driving(connection, exchange).await
    } else {
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD_BYTES as usize)
            .handshake(io)
            .await
            .map_err(http_failure)?;
        let exchange = exchange(endpoint, query, strays, |request| sender.send_request(request));
        while_driving(connection, exchange).await
    }
}

async fn exchange<F: Future<Output = hyper::Result<Response<Incoming>>>>(
    endpoint: &Endpoint,
    query: &Query,
    strays: &mut u32,
    send: impl FnOnce(Request<Full<Bytes>>) -> F,
) -> Result<Exchange, Failure> {
    let request = request(endpoint, query)
        .map_err(|error| Failure::new(FailureCode::ConfigInvalid, &error.to_string()))?;
    let start = Instant::now();
    let response = send(request).await.map_err(http_failure)?;
    check_head(&response)?;
    let body = Limited::new(response.into_body(), MAX_BODY_BYTES).collect().await;
    let took = start.elapsed();
    let body = body.map_err(|error| match error.downcast::<hyper::Error>() {
        Ok(error) => http_failure(*error),
        Err(too_long) => no_message(&too_long.to_string()),
    })?;
    if let Some(answer) = read_answer(&body.to_bytes(), query) {
        return Ok(Exchange { answer, took });
    }
    *strays = strays.saturating_add(1);
    Err(no_message("the body answers no such query"))
}

fn request(endpoint: &Endpoint, query: &Query) -> Result<Request<Full<Bytes>>, http::Error> {
    let body = Full::new(Bytes::copy_from_slice(query.bytes()));
    let request = Request::builder()
        .method(Method::POST)
        .header(header::CONTENT_TYPE, MEDIA_TYPE)
        .header(header::ACCEPT, MEDIA_TYPE);
    if endpoint.http2 {
        return request.uri(endpoint.uri.clone()).body(body);
    }
    // HTTP/1.1 names the host in a header and the rest in the request line (RFC 9112 §3.2.1).
    let host = endpoint.uri.authority().map_or("", |authority| authority.as_str());
    let path = endpoint.uri.path_and_query().map_or("/", |path| path.as_str());
    request.uri(path).header(header::HOST, host).body(body)
}

fn check_head(response: &Response<Incoming>) -> Result<(), Failure> {
    let status = response.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::in_phase(FailureCode::Http429, Phase::Dns, "status 429"));
    }
    if !status.is_success() {
        return Err(no_message(&format!("status {}", status.as_u16())));
    }
    let kind = response.headers().get(header::CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    if kind != Some(MEDIA_TYPE.as_bytes()) {
        return Err(no_message(&format!("the response is not {MEDIA_TYPE}")));
    }
    Ok(())
}

fn no_message(detail: &str) -> Failure {
    Failure::new(FailureCode::DnsServfail, detail)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
fn http_failure(error: hyper::Error) -> Failure {
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return broken(error, Origin::Remote);
        }
        cause = error.source();
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return Failure::new(FailureCode::DnsUnreachable, "closed before an answer");
    }
    no_message(&format!("no HTTP: {error}"))
}

/// Carries out an exchange on the connection that it needs to be driven. A connection may end
/// before the exchange has taken all that came.
async fn while_driving<T>(
    connection: impl Future<Output = hyper::Result<()>>,
    exchange: impl Future<Output = T>,
) -> T {
    let mut exchange = pin!(exchange);
    tokio::select! {
        outcome = &mut exchange => outcome,
        _ = connection => exchange.await,
    }
}

/// The tasks that HTTP/2 needs beside the connection.
#[derive(Debug, Clone, Default)]
struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, work: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).spawn(work);
    }
}

/// Tasks hold the set they are in, so that it would never be dropped by itself.
struct AbortOnDrop(Tasks);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

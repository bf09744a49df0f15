//! HTTP/1.1 and HTTP/2 over a stream: a plain TCP connection here, TLS in [`super::https`].

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::admission::{Admission, meet};
use super::answer::{Reply, answer};
use super::behaviour::Behaviour;
use super::body::PayloadBody;
use super::tasks::Tasks;
use super::wire::{Line, OverTcp, Wire, end_stream};

/// A request body longer than this is not read to its end.
pub const MAX_REQUEST_BODY_BYTES: usize = 1024 * 1024;

/// What the connections of one HTTP service share.
pub struct HttpSite {
    /// The site-wide behaviour, as it is now.
    pub behaviour: watch::Receiver<Behaviour>,
    /// Where connections run.
    pub tasks: Arc<Tasks>,
}

impl HttpSite {
    /// What a request meets: the site-wide behaviour, as soon as it is not to hold requests back.
    pub async fn behaviour(&self) -> Behaviour {
        let mut live = self.behaviour.clone();
        let settled = live.wait_for(|behaviour| *behaviour != Behaviour::Hold).await;
        // The switch is gone when the service is: then nothing is answered any more.
        settled.map_or(Behaviour::Stall, |behaviour| behaviour.clone())
    }
}

/// How the version of HTTP is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersion {
    /// By what the client sends first: the HTTP/2 preface or something else.
    Sniffed,
    /// HTTP/1.1 was negotiated.
    Http1,
    /// HTTP/2 was negotiated.
    Http2,
}

/// Serves one plain TCP connection.
pub async fn serve(stream: TcpStream, admission: Admission, site: Arc<HttpSite>) {
    if let Some(stream) = meet(stream, admission).await {
        converse(stream, HttpVersion::Sniffed, site).await;
    }
}

/// Answers requests on `stream` until one side ends it.
pub async fn converse<S: OverTcp + Send + 'static>(
    stream: S,
    version: HttpVersion,
    site: Arc<HttpSite>,
) {
    let wire = Wire::new();
    let line = Line::new(stream, &wire);
    let connection_token = CancellationToken::new();
    let _streams_end_with_connection = connection_token.clone().drop_guard();
    let builder = auto::Builder::new(Tracked {
        tasks: Arc::clone(&site.tasks),
        connection: connection_token,
    });
    let builder = match version {
        HttpVersion::Sniffed => builder,
        HttpVersion::Http1 => builder.http1_only(),
        HttpVersion::Http2 => builder.http2_only(),
    };
    let end = {
        let service = service_fn(|request| respond(request, Arc::clone(&site), wire.clone()));
        let connection = pin!(builder.serve_connection(TokioIo::new(line.share()), service));
        tokio::select! {
            end = wire.ended() => end,
            // Also after an error: hyper has answered it as far as it can be answered.
            _ = connection => super::answer::End::Close,
        }
    };
    if let Some(stream) = line.take() {
        end_stream(stream, end).await;
    }
}

async fn respond(
    request: Request<Incoming>,
    site: Arc<HttpSite>,
    wire: Wire,
) -> Result<Response<PayloadBody>, Infallible> {
    site.tasks.count_request();
    let (head, body) = request.into_parts();
    skip(body).await;
    let reply = answer(&head, &site.behaviour().await);
    match reply {
        Reply::Answer(answer) => {
            if !answer.after.is_zero() {
                tokio::time::sleep(answer.after).await;
            }
            let http2 = head.version == Version::HTTP_2;
            let mut response = Response::new(PayloadBody::new(answer.payload, wire, http2));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        }
        Reply::Silence => std::future::pending().await,
        Reply::End(end) => {
            wire.end(end);
            std::future::pending().await
        }
    }
}

/// Reads a request body to its end, or so far as is reasonable.
async fn skip(mut body: Incoming) {
    let mut read_bytes = 0;
    while !body.is_end_stream() && read_bytes < MAX_REQUEST_BODY_BYTES {
        match body.frame().await {
            Some(Ok(frame)) => read_bytes += frame.data_ref().map_or(0, bytes::Bytes::len),
            Some(Err(_)) | None => return,
        }
    }
}

/// Runs HTTP/2 streams as tasks of the service that end with their connection.
#[derive(Clone)]
struct Tracked {
    tasks: Arc<Tasks>,
    connection: CancellationToken,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tracked {
    fn execute(&self, stream: F) {
        let connection = self.connection.clone();
        self.tasks.spawn(async move {
            connection.run_until_cancelled(stream).await;
        });
    }
}

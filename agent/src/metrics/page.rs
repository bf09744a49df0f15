//! `GET /metrics` on a listener of the agent's own.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use vantage_service::metrics::{Exposition, Format};

/// Most scrapers at once; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8;
/// Most time for the headers of a request, also of the next one on the same connection.
const HEADER_TIMEOUT: Duration = Duration::from_mins(2);
/// A new attempt to accept after the system had no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers scrapers until stopped.
pub async fn serve(
    listener: TcpListener,
    exposition: Arc<dyn Fn() -> Exposition + Send + Sync>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let room = connections.len() < MOST_CONNECTIONS;
        tokio::select! {
            () = stop.cancelled() => return,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if room => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&exposition)));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a scraper");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

async fn converse(stream: TcpStream, exposition: Arc<dyn Fn() -> Exposition + Send + Sync>) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, &*exposition);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%error, "a scraper's connection ended");
    }
}

fn answer<B>(request: &Request<B>, exposition: &dyn Fn() -> Exposition) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return refusal(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let accept = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::negotiate(accept);
    let Ok(written) = format.write(exposition()) else {
        tracing::error!("metrics cannot be written");
        return refusal(StatusCode::INTERNAL_SERVER_ERROR, "the log has the reason\n");
    };
    let mut response = Response::new(Full::from(written));
    let content_type = HeaderValue::from_static(format.content_type());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn refusal(status: StatusCode, words: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(words));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: Method, path: &str) -> Response<Full<Bytes>> {
        let request = Request::builder().method(method).uri(path).body(()).unwrap();
        answer(&request, &Exposition::new)
    }

    #[test]
    fn there_is_one_page_and_it_is_read_only() {
        assert_eq!(asked(Method::GET, "/metrics").status(), StatusCode::OK);
        assert_eq!(asked(Method::GET, "/metrics?x=1").status(), StatusCode::OK);
        assert_eq!(asked(Method::GET, "/").status(), StatusCode::NOT_FOUND);
        let refused = asked(Method::POST, "/metrics");
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
    }
}

//! HTTP/2: negotiated by ALPN, and by prior knowledge over plain TCP.

use std::error::Error;

use http::Version;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::client::{QUIET, Served, get, http2, http2_connection, read_body, serve};

const HTTPS: &str = "kind = 'https'\nport = 0\nnames = ['shop.test']";

async fn ask(served: &Served, path: &str) -> hyper::Result<http::Response<hyper::body::Incoming>> {
    http2(served.tls(&["h2"]).await.unwrap(), path).await
}

fn reason(error: &hyper::Error) -> Option<String> {
    // hyper hides h2's error type; its text names the reason.
    error.source().map(ToString::to_string)
}

#[tokio::test]
async fn alpn_leads_to_http2() {
    let served = serve(HTTPS).await;
    let response = ask(&served, "/status/503").await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.status(), 503);
    let (length, end) = read_body(ask(&served, "/bytes/300000").await.unwrap().into_body()).await;
    assert_eq!(length, 300_000);
    end.unwrap();
}

#[tokio::test]
async fn prior_knowledge_leads_to_http2() {
    let served = serve("kind = 'http'\nport = 0").await;
    let response = http2(served.tcp().await, "/").await.unwrap();
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_truncated_body_is_a_reset_stream() {
    let served = serve(HTTPS).await;
    let response = ask(&served, "/truncate").await.unwrap();
    assert_eq!(response.headers()["content-length"], "2048");
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    let reason = reason(&end.unwrap_err()).unwrap();
    assert!(reason.contains("stream error received"), "{reason}");
    assert!(reason.contains("internal error"), "{reason}");
}

#[tokio::test]
async fn a_truncated_body_leaves_other_streams_alone() {
    let served = serve(HTTPS).await;
    let mut requests = http2_connection(served.tls(&["h2"]).await.unwrap()).await.unwrap();
    let stalled = requests.send_request(get("/stall-body")).await.unwrap();
    let truncated = requests.send_request(get("/truncate")).await.unwrap();
    read_body(truncated.into_body()).await.1.unwrap_err();
    let sound = requests.send_request(get("/ok")).await.unwrap();
    read_body(sound.into_body()).await.1.unwrap();
    assert_eq!(served.handle.connections(), 1);

    let mut body = stalled.into_body();
    let mut length = 0;
    while let Ok(frame) = timeout(QUIET, body.frame()).await {
        length += frame.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(length, 1024);
}

#[tokio::test]
async fn a_stall_keeps_the_stream_open() {
    let served = serve(HTTPS).await;
    assert!(timeout(QUIET, ask(&served, "/stall")).await.is_err());
}

#[tokio::test]
async fn resets_are_those_of_tcp() {
    let served = serve(HTTPS).await;
    let response = ask(&served, "/reset").await.unwrap();
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    assert_eq!(reason(&end.unwrap_err()).unwrap(), "connection reset");
    let error = ask(&served, "/reset-early").await.unwrap_err();
    assert_eq!(reason(&error).unwrap(), "connection reset");
}

#[tokio::test]
async fn a_close_has_neither_answer_nor_goaway() {
    let served = serve(HTTPS).await;
    let error = ask(&served, "/close").await.unwrap_err();
    let reason = reason(&error).unwrap();
    assert!(!reason.contains("go away") && !reason.contains("reset"), "{reason}");
}

#[tokio::test]
async fn garbage_is_a_protocol_error() {
    let served = serve(HTTPS).await;
    let error = ask(&served, "/garbage").await.unwrap_err();
    let reason = reason(&error).unwrap();
    assert!(reason.contains("frame with invalid size"), "{reason}");
}

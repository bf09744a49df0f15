//! HTTP/3.

use std::time::Duration;

use bytes::Buf;
use quinn::ConnectionError;
use tokio::time::{Instant, timeout};

use crate::client::{QUIET, http3, serve};

const H3: &str = "kind = 'h3'\nport = 0\nnames = ['shop.test']";

fn close_code(error: &ConnectionError) -> Option<u64> {
    match error {
        ConnectionError::ApplicationClosed(close) => Some(close.error_code.into_inner()),
        _ => None,
    }
}

#[tokio::test]
async fn plain_paths_answer() {
    let served = serve(H3).await;
    let mut client = http3(&served).await;
    for (path, status, length) in [
        ("/", 200, 3),
        ("/status/503", 503, 24),
        ("/bytes/200000", 200, 200_000),
        ("/status/999", 400, 34),
    ] {
        let (response, body) = client.get(path).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(body.len(), length, "{path}");
        assert_eq!(response.headers()["content-length"], length.to_string().as_str(), "{path}");
    }
    let (response, _) = client.get("/retry-after/9").await.unwrap();
    assert_eq!(response.headers()["retry-after"], "9");
    let (response, _) = client.get("/redirect/2").await.unwrap();
    assert_eq!(response.headers()["location"], "/redirect/1");
    let (_, body) = client.get("/echo-headers").await.unwrap();
    assert!(body.starts_with(b"GET https://shop.test/echo-headers HTTP/3.0\n"));
    assert_eq!(served.handle.requests(), 7);
    assert_eq!(served.handle.connections(), 1);
}

#[tokio::test]
async fn a_wait_and_a_drip_take_their_time() {
    let served = serve(H3).await;
    let mut client = http3(&served).await;
    let begin = Instant::now();
    client.get("/wait/80").await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(80));
    let begin = Instant::now();
    let (_, body) = client.get("/drip/3/30").await.unwrap();
    assert_eq!(body.len(), 3);
    assert!(begin.elapsed() >= Duration::from_millis(89));
}

#[tokio::test]
async fn stalls_hold_one_stream_only() {
    let served = serve(H3).await;
    let mut client = http3(&served).await;
    let mut stalled = client.ask("/stall").await;
    assert!(timeout(QUIET, stalled.recv_response()).await.is_err());

    let mut half = client.ask("/stall-body").await;
    half.recv_response().await.unwrap();
    let mut length = 0;
    while let Ok(bytes) = timeout(QUIET, half.recv_data()).await {
        length += bytes.unwrap().unwrap().remaining();
    }
    assert_eq!(length, 1024);
    client.get("/ok").await.unwrap();
}

#[tokio::test]
async fn a_truncated_body_ends_half_way() {
    let served = serve(H3).await;
    let mut client = http3(&served).await;
    let (response, body) = client.get("/truncate").await.unwrap();
    assert_eq!(response.headers()["content-length"], "2048");
    assert_eq!(body.len(), 1024);
}

#[tokio::test]
async fn resets_and_closes_end_the_connection() {
    let served = serve(H3).await;
    for (path, code) in [("/reset", 0x102), ("/reset-early", 0x102), ("/close", 0x100)] {
        let mut client = http3(&served).await;
        client.get(path).await.unwrap_err();
        let error = client.connection.closed().await;
        assert_eq!(close_code(&error), Some(code), "{path}: {error:?}");
    }
}

#[tokio::test]
async fn garbage_is_an_unexpected_frame() {
    let served = serve(H3).await;
    let mut client = http3(&served).await;
    let error = client.get("/garbage").await.unwrap_err();
    assert!(format!("{error:?}").contains("H3_FRAME_UNEXPECTED"), "{error:?}");
}

//! HTTP/1.1, over plain TCP and over TLS.

use std::io::ErrorKind;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use vantage_world::services::Behaviour;

use crate::client::{QUIET, get, http1, io_kind, read_body, serve};

const HTTP: &str = "kind = 'http'\nport = 0";

#[tokio::test]
async fn plain_paths_answer() {
    let served = serve(HTTP).await;
    let cases = [
        ("/", 200, "ok\n"),
        ("/ok", 200, "ok\n"),
        ("/any/other", 200, "ok\n"),
        ("/status/503", 503, "503 Service Unavailable\n"),
        ("/status/404", 404, "404 Not Found\n"),
        ("/status/204", 204, ""),
        ("/status/299", 299, "299 <unknown status code>\n"),
        ("/bytes/5", 200, "\0\0\0\0\0"),
        ("/redirect/0", 200, "ok\n"),
        ("/wait/0", 200, "ok\n"),
        ("/status/999", 400, "status is 999, must be 200 to 599\n"),
    ];
    for (path, status, body) in cases {
        let response = http1(served.tcp().await, path).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path}");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, body.as_bytes(), "{path}");
    }
    assert_eq!(served.handle.requests(), cases.len() as u64);
    assert_eq!(served.handle.connections(), cases.len() as u64);
}

#[tokio::test]
async fn a_large_body_is_whole() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/bytes/3000000").await.unwrap();
    assert_eq!(response.headers()["content-length"], "3000000");
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 3_000_000);
    end.unwrap();
}

#[tokio::test]
async fn redirects_lead_on() {
    let served = serve(HTTP).await;
    let location = async |path: &str| {
        let response = http1(served.tcp().await, path).await.unwrap();
        assert_eq!(response.status(), 302);
        response.headers()["location"].to_str().unwrap().to_owned()
    };
    assert_eq!(location("/redirect/2").await, "/redirect/1");
    assert_eq!(location("/redirect/1").await, "/redirect/0");
    assert_eq!(location("/redirect-loop").await, "/redirect-loop");
}

#[tokio::test]
async fn too_many_requests_say_when_to_come_again() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/retry-after/7").await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test]
async fn headers_are_echoed() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/echo-headers").await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "GET http://shop.test/echo-headers HTTP/1.1\nhost: shop.test\n");
}

#[tokio::test]
async fn a_wait_precedes_the_first_byte() {
    let served = serve(HTTP).await;
    let begin = Instant::now();
    let response = http1(served.tcp().await, "/wait/120").await.unwrap();
    assert!(begin.elapsed() >= Duration::from_millis(120));
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_drip_is_paced_byte_by_byte() {
    let served = serve(HTTP).await;
    let begin = Instant::now();
    let response = http1(served.tcp().await, "/drip/5/30").await.unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    let mut body = response.into_body();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        // A late reader finds several bytes at once, but none before its time. The timer may round by a millisecond.
        length += frame.unwrap().into_data().unwrap().len();
        assert!(begin.elapsed() >= Duration::from_millis(length as u64 * 30 - 1), "byte {length}");
    }
    assert_eq!(length, 5);
}

#[tokio::test]
async fn a_stall_sends_nothing_and_keeps_the_connection() {
    let served = serve(HTTP).await;
    let mut stream = served.tcp().await;
    stream.write_all(b"GET /stall HTTP/1.1\r\nhost: shop.test\r\n\r\n").await.unwrap();
    let mut byte = [0];
    assert!(timeout(QUIET, stream.read(&mut byte)).await.is_err());
}

#[tokio::test]
async fn a_stalled_body_stops_half_way() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/stall-body").await.unwrap();
    assert_eq!(response.headers()["content-length"], "2048");
    let mut body = response.into_body();
    let mut length = 0;
    while let Ok(frame) = timeout(QUIET, body.frame()).await {
        length += frame.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(length, 1024);
}

#[tokio::test]
async fn a_truncated_body_ends_half_way() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/truncate").await.unwrap();
    assert_eq!(response.headers()["content-length"], "2048");
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    let error = end.unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::UnexpectedEof), "{error:?}");
}

#[tokio::test]
async fn a_reset_comes_after_half_the_body() {
    let served = serve(HTTP).await;
    let response = http1(served.tcp().await, "/reset").await.unwrap();
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    assert_eq!(io_kind(&end.unwrap_err()), Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn an_early_reset_comes_instead_of_an_answer() {
    let served = serve(HTTP).await;
    let error = http1(served.tcp().await, "/reset-early").await.unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_close_is_an_end_without_an_answer() {
    let served = serve(HTTP).await;
    let error = http1(served.tcp().await, "/close").await.unwrap_err();
    assert!(error.is_incomplete_message(), "{error:?}");
}

#[tokio::test]
async fn garbage_does_not_parse() {
    let served = serve(HTTP).await;
    let error = http1(served.tcp().await, "/garbage").await.unwrap_err();
    assert!(error.is_parse(), "{error:?}");
}

#[tokio::test]
async fn the_same_breaks_show_through_tls() {
    let served = serve("kind = 'https'\nport = 0\nnames = ['shop.test']").await;
    let stream = async || served.tls(&["http/1.1"]).await.unwrap();

    let response = http1(stream().await, "/truncate").await.unwrap();
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    assert_eq!(io_kind(&end.unwrap_err()), Some(ErrorKind::UnexpectedEof));

    let response = http1(stream().await, "/reset").await.unwrap();
    let (length, end) = read_body(response.into_body()).await;
    assert_eq!(length, 1024);
    assert_eq!(io_kind(&end.unwrap_err()), Some(ErrorKind::ConnectionReset));

    let error = http1(stream().await, "/reset-early").await.unwrap_err();
    assert_eq!(io_kind(&error), Some(ErrorKind::ConnectionReset));
    assert!(http1(stream().await, "/close").await.unwrap_err().is_incomplete_message());
    assert!(http1(stream().await, "/garbage").await.unwrap_err().is_parse());
}

#[tokio::test]
async fn a_connection_serves_many_requests() {
    let served = serve(HTTP).await;
    let stream = hyper_util::rt::TokioIo::new(served.tcp().await);
    let (mut requests, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    for path in ["/", "/status/500", "/bytes/9"] {
        requests.ready().await.unwrap();
        let response = requests.send_request(get(path)).await.unwrap();
        read_body(response.into_body()).await.1.unwrap();
    }
    assert_eq!(served.handle.connections(), 1);
    assert_eq!(served.handle.requests(), 3);
}

#[tokio::test]
async fn the_site_wide_behaviour_meets_every_unnamed_path() {
    let served = serve("kind = 'http'\nport = 0\nbehaviour = { status = 503 }").await;
    let status =
        async |path: &str| http1(served.tcp().await, path).await.unwrap().status().as_u16();
    assert_eq!(status("/").await, 503);
    assert_eq!(status("/health").await, 503);
    assert_eq!(status("/ok").await, 200);
    served.handle.set_behaviour(Behaviour::RetryAfterS(3)).unwrap();
    assert_eq!(status("/").await, 429);
    served.handle.set_behaviour(Behaviour::Close).unwrap();
    assert!(http1(served.tcp().await, "/").await.unwrap_err().is_incomplete_message());
    served.handle.set_behaviour(Behaviour::Status(99)).unwrap_err();
}

#[tokio::test]
async fn a_site_that_holds_answers_when_it_goes_on() {
    let served = serve("kind = 'http'\nport = 0\nbehaviour = 'hold'").await;
    let mut waiting = std::pin::pin!(async { http1(served.tcp().await, "/").await });
    let silence = timeout(Duration::from_millis(100), &mut waiting).await;
    assert!(silence.is_err(), "nothing is answered meanwhile");
    served.handle.set_behaviour(Behaviour::Status(503)).unwrap();
    assert_eq!(waiting.await.unwrap().status().as_u16(), 503);
}

#[tokio::test]
async fn head_requests_get_no_body() {
    let served = serve(HTTP).await;
    let mut stream = served.tcp().await;
    let request = b"HEAD /bytes/9 HTTP/1.1\r\nhost: shop.test\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    assert!(text.contains("content-length: 9\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\n"), "{text}");
}

//! What connections meet before any request.

use std::io::ErrorKind;

use quinn::{ConnectionError, TransportErrorCode};
use rustls::{AlertDescription, InvalidMessage};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use vantage_world::services::Admission;

use crate::client::{QUIET, Served, http1, io_kind, quic, serve, tls_error};

async fn https(admission: &str) -> Served {
    serve(&format!("kind = 'https'\nport = 0\nnames = ['shop.test']\nadmission = '{admission}'"))
        .await
}

async fn h3(admission: &str) -> Served {
    serve(&format!("kind = 'h3'\nport = 0\nnames = ['shop.test']\nadmission = '{admission}'")).await
}

#[tokio::test]
async fn refuse_is_the_kernels_refusal() {
    for kind in ["http", "https"] {
        let served = serve(&format!("kind = '{kind}'\nport = 0\nadmission = 'refuse'")).await;
        let error = TcpStream::connect(served.address()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn silence_leaves_the_client_hello_unanswered() {
    let served = https("silence").await;
    assert!(timeout(QUIET, served.tls(&[])).await.is_err());
    assert_eq!(served.handle.connections(), 1);
}

#[tokio::test]
async fn reset_is_a_reset() {
    let served = https("reset").await;
    // The reset may overtake the end of `connect`.
    let outcome = match TcpStream::connect(served.address()).await {
        Ok(mut stream) => stream.read(&mut [0]).await,
        Err(error) => Err(error),
    };
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn close_is_an_end_of_stream() {
    let error = https("close").await.tls(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error:?}");
}

#[tokio::test]
async fn garbage_is_no_tls() {
    let error = https("garbage").await.tls(&[]).await.unwrap_err();
    let expected = rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType);
    assert_eq!(*tls_error(&error), expected);
}

#[tokio::test]
async fn garbage_is_no_http_either() {
    let served = serve("kind = 'http'\nport = 0\nadmission = 'garbage'").await;
    let error = http1(served.tcp().await, "/").await.unwrap_err();
    assert!(error.is_parse(), "{error:?}");
}

#[tokio::test]
async fn close_after_client_hello_waits_for_it() {
    let served = https("close-after-client-hello").await;
    let mut mute = served.tcp().await;
    assert!(timeout(QUIET, mute.read(&mut [0])).await.is_err());
    let error = served.tls(&[]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error:?}");
}

#[tokio::test]
async fn handshake_failure_is_the_alert_of_that_name() {
    let served = https("handshake-failure").await;
    let error = served.tls(&[]).await.unwrap_err();
    let expected = rustls::Error::AlertReceived(AlertDescription::HandshakeFailure);
    assert_eq!(*tls_error(&error), expected);
}

#[tokio::test]
async fn admission_changes_while_running() {
    let served = https("serve").await;
    served.tls(&[]).await.unwrap();
    for _ in 0..3 {
        served.handle.set_admission(Admission::Refuse).unwrap();
        served.handle.settled().await.unwrap();
        let error = TcpStream::connect(served.address()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        served.handle.set_admission(Admission::Serve).unwrap();
        served.handle.settled().await.unwrap();
        served.tls(&[]).await.unwrap();
    }
    served.handle.set_admission(Admission::HandshakeFailure).unwrap();
    served.tls(&[]).await.unwrap_err();
    served.handle.set_admission(Admission::VersionNegotiation).unwrap_err();
}

#[tokio::test]
async fn a_refusing_site_keeps_the_connections_it_has() {
    let served = serve("kind = 'http'\nport = 0").await;
    let (mut requests, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(served.tcp().await))
            .await
            .unwrap();
    tokio::spawn(connection);
    requests.send_request(crate::client::get("/")).await.unwrap();
    served.handle.set_admission(Admission::Refuse).unwrap();
    served.handle.settled().await.unwrap();
    requests.ready().await.unwrap();
    requests.send_request(crate::client::get("/")).await.unwrap();
}

#[tokio::test]
async fn a_refusing_quic_port_is_unreachable() {
    let served = h3("refuse").await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(served.address()).await.unwrap();
    socket.send(b"hello").await.unwrap();
    let error = socket.recv(&mut [0; 100]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_silent_quic_port_times_out() {
    let served = h3("silence").await;
    let error = quic(&served).await.unwrap_err();
    assert_eq!(error, ConnectionError::TimedOut);
    assert_eq!(served.handle.connections(), 0);
}

#[tokio::test]
async fn quic_connections_can_be_refused_with_a_word() {
    let error = quic(&h3("reset").await).await.unwrap_err();
    let ConnectionError::ConnectionClosed(close) = &error else { panic!("{error:?}") };
    assert_eq!(close.error_code, TransportErrorCode::CONNECTION_REFUSED);
}

#[tokio::test]
async fn quic_carries_the_handshake_failure() {
    let error = quic(&h3("handshake-failure").await).await.unwrap_err();
    let ConnectionError::ConnectionClosed(close) = &error else { panic!("{error:?}") };
    assert_eq!(close.error_code, TransportErrorCode::crypto(40));
}

#[tokio::test]
async fn version_negotiation_leaves_nothing_in_common() {
    let error = quic(&h3("version-negotiation").await).await.unwrap_err();
    assert_eq!(error, ConnectionError::VersionMismatch);
}

#[tokio::test]
async fn quic_admission_changes_while_running() {
    let served = h3("serve").await;
    let (_endpoint, kept) = quic(&served).await.unwrap();
    served.handle.set_admission(Admission::Reset).unwrap();
    served.handle.settled().await.unwrap();
    quic(&served).await.unwrap_err();
    assert!(kept.close_reason().is_none(), "a change per connection leaves others alone");
    served.handle.set_admission(Admission::VersionNegotiation).unwrap();
    served.handle.settled().await.unwrap();
    assert_eq!(quic(&served).await.unwrap_err(), ConnectionError::VersionMismatch);
    assert!(matches!(kept.closed().await, ConnectionError::ApplicationClosed(_)));
    served.handle.set_admission(Admission::Serve).unwrap();
    served.handle.settled().await.unwrap();
    quic(&served).await.unwrap();
    assert_eq!(served.handle.failure(), None);
}

#[tokio::test]
async fn plain_http_resets_too() {
    let served = serve("kind = 'http'\nport = 0\nadmission = 'close'").await;
    let error = http1(served.tcp().await, "/").await.unwrap_err();
    assert!(error.is_incomplete_message() || io_kind(&error).is_some(), "{error:?}");
}

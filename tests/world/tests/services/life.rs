//! Beginning, sharing and end of services.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use vantage_world::services::{Behaviour, ServiceError, ServiceHandle, ServiceSpec, start};

use crate::client::{authority, http1, http2_connection, http3, serve};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_stop_ends_every_connection_and_task() {
    let served = serve("kind = 'https'\nport = 0\nnames = ['shop.test']").await;
    let mut requests = http2_connection(served.tls(&["h2"]).await.unwrap()).await.unwrap();
    let stalled = tokio::spawn(requests.send_request(crate::client::get("/stall")));
    let mut waiting = served.tcp().await;
    requests.send_request(crate::client::get("/ok")).await.unwrap();
    served.stop.cancel();
    served.handle.ended().await;
    stalled.await.unwrap().unwrap_err();
    assert_eq!(waiting.read(&mut [0]).await.unwrap_or(0), 0);
    let error = TcpStream::connect(served.address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_stop_ends_quic_connections_with_a_word() {
    let served = serve("kind = 'h3'\nport = 0\nnames = ['shop.test']").await;
    let mut client = http3(&served).await;
    let _stalled = client.ask("/stall").await;
    client.get("/ok").await.unwrap();
    served.stop.cancel();
    served.handle.ended().await;
    let error = client.connection.closed().await;
    assert!(matches!(error, quinn::ConnectionError::ApplicationClosed(_)), "{error:?}");
    let port_is_free = std::net::UdpSocket::bind(served.address());
    port_is_free.unwrap();
}

#[tokio::test]
async fn a_dropped_handle_changes_nothing() {
    for toml in ["kind = 'http'\nport = 0", "kind = 'dns'\nport = 0", "kind = 'tcp'\nport = 0"] {
        let served = serve(toml).await;
        let (address, stop) = (served.address(), served.stop.clone());
        drop(served);
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"x").await.unwrap();
        tokio::task::yield_now().await;
        TcpStream::connect(address).await.unwrap();
        stop.cancel();
    }
}

#[tokio::test]
async fn two_services_cannot_have_one_port() {
    for kind in ["http", "h3", "dns"] {
        let first = serve(&format!("kind = '{kind}'\nport = 0")).await;
        let toml = format!("kind = '{kind}'\nport = {}", first.address().port());
        let spec: ServiceSpec = toml::from_str(&toml).unwrap();
        let second = start(&spec, &[LOOPBACK], &authority(), CancellationToken::new()).await;
        let Err(ServiceError::Bind { address, source }) = second else { panic!("{kind}") };
        assert_eq!(address, first.address());
        assert_eq!(source.kind(), ErrorKind::AddrInUse, "{kind}");
    }
}

#[tokio::test]
async fn what_cannot_be_served_is_refused() {
    let spec: ServiceSpec = toml::from_str("kind = 'http'\nport = 0").unwrap();
    let none = start(&spec, &[], &authority(), CancellationToken::new()).await;
    assert!(matches!(none, Err(ServiceError::NoAddress)));
    let spec: ServiceSpec = toml::from_str("kind = 'https'\nport = 0\ntls = []").unwrap();
    let unsound = start(&spec, &[LOOPBACK], &authority(), CancellationToken::new()).await;
    assert!(matches!(unsound, Err(ServiceError::Problems(_))));
}

#[tokio::test]
async fn a_service_is_switched_from_another_thread() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    let served = serve("kind = 'http'\nport = 0").await;
    shared::<ServiceHandle>(&served.handle);
    std::thread::scope(|scope| {
        scope.spawn(|| served.handle.set_behaviour(Behaviour::Status(500)).unwrap());
    });
    assert_eq!(http1(served.tcp().await, "/").await.unwrap().status(), 500);
}

#[tokio::test]
async fn many_connections_are_served_at_once() {
    let served = serve("kind = 'http'\nport = 0").await;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let stream = served.tcp().await;
        clients.spawn(async move { http1(stream, "/wait/50").await.unwrap().status().as_u16() });
    }
    assert!(clients.join_all().await.into_iter().all(|status| status == 200));
    assert_eq!(served.handle.requests(), 200);
}

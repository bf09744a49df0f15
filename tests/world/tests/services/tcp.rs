//! Plain TCP ports.

use std::io::ErrorKind;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vantage_world::services::TcpBehaviour;

use crate::client::{QUIET, Served, serve};

async fn port(behaviour: &str) -> Served {
    serve(&format!("kind = 'tcp'\nport = 0\nbehaviour = '{behaviour}'")).await
}

#[tokio::test]
async fn accept_holds_open_until_the_peer_closes() {
    let mut stream = port("accept").await.tcp().await;
    stream.write_all(b"anything").await.unwrap();
    assert!(timeout(QUIET, stream.read(&mut [0])).await.is_err());
    stream.shutdown().await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn echo_sends_back() {
    let mut stream = port("echo").await.tcp().await;
    stream.write_all(b"hello").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"hello");
}

#[tokio::test]
async fn close_is_an_end_of_stream() {
    let mut stream = port("close").await.tcp().await;
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn silence_does_not_even_answer_a_close() {
    let mut stream = port("silence").await.tcp().await;
    stream.write_all(b"anything").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(timeout(QUIET, stream.read(&mut [0])).await.is_err());
}

#[tokio::test]
async fn behaviour_changes_while_running() {
    let served = port("refuse").await;
    let error = TcpStream::connect(served.address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    served.handle.set_tcp_behaviour(TcpBehaviour::Reset).unwrap();
    served.handle.settled().await.unwrap();
    // The reset may overtake the end of `connect`.
    let outcome = match TcpStream::connect(served.address()).await {
        Ok(mut stream) => stream.read(&mut [0]).await,
        Err(error) => Err(error),
    };
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ConnectionReset);
    served.handle.set_tcp_behaviour(TcpBehaviour::Close).unwrap();
    assert_eq!(served.tcp().await.read(&mut [0]).await.unwrap(), 0);
    served.handle.set_tcp_behaviour(TcpBehaviour::Refuse).unwrap();
    served.handle.settled().await.unwrap();
    let error = TcpStream::connect(served.address()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    served.handle.set_behaviour(vantage_world::services::Behaviour::Ok).unwrap_err();
}

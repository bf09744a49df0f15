//! What several fuzz targets need: a peer that sends the input and takes whatever it is sent.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use vantage_agent::net::{Connected, Handshake, Network, Resolver};
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode};

/// A run-time on one thread.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a run-time")
}

/// Sends the input and closes.
#[derive(Debug)]
pub struct Peer {
    bytes: Vec<u8>,
    at: usize,
}

impl Peer {
    /// A peer that sends these bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }
}

impl AsyncRead for Peer {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = buffer.remaining().min(self.bytes.len() - self.at);
        buffer.put_slice(&self.bytes[self.at..self.at + length]);
        self.at += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Peer {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A network in which every connection leads to such a peer.
#[derive(Debug)]
pub struct Answering {
    bytes: Vec<u8>,
    resolver: Resolver,
}

impl Answering {
    /// A network whose peers send these bytes.
    pub fn new(bytes: &[u8], resolver: Resolver) -> Self {
        Self { bytes: bytes.to_vec(), resolver }
    }
}

impl Network for Answering {
    type Stream = Peer;

    async fn connect(&self, _: SocketAddr) -> Result<Connected<Peer>, Failure> {
        let user_space = Duration::from_micros(1);
        let handshake = Handshake { kernel: None, user_space, syn_retransmits: 0 };
        Ok(Connected { stream: Peer::new(&self.bytes), handshake, local_port: None })
    }

    async fn resolve(&self, _: &str, _: Family, _: Instant) -> Result<Vec<IpAddr>, Failure> {
        Err(Failure::new(FailureCode::DnsNxdomain, "no names here"))
    }

    fn resolver(&self) -> &Resolver {
        &self.resolver
    }
}

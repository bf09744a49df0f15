//! The stream under an HTTP connection, which its owner can take back from hyper to end it as no HTTP library would.
//!
//! hyper takes a stream for good. Here it takes a share: [`Wire`] is the connection's control, held by request handlers
//! and bodies; [`Line`] is the stream's share that hyper reads and writes. When a handler calls [`Wire::end`], the
//! connection's task drops hyper, takes the stream out of the last share and resets, spoils or closes it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use super::answer::End;

/// How long an orderly close waits for the peer's own close. Closing a socket at once would turn whatever the peer is
/// still sending into a RST.
const LINGER: Duration = Duration::from_secs(5);
const GARBAGE: &[u8] = b"\x00\xffthese bytes belong to no protocol that was asked for\r\n\r\n";

/// A stream whose TCP socket can be reached.
pub trait OverTcp: AsyncRead + AsyncWrite + Unpin {
    /// The TCP socket at the bottom.
    fn tcp(&self) -> &TcpStream;
}

impl OverTcp for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl OverTcp for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Ends `stream` in the given way; returns when that is done or cannot be done any more.
pub async fn end_stream<S: OverTcp>(mut stream: S, end: End) {
    if end == End::Reset {
        // A socket that is gone already cannot be reset, and needs not be.
        let _ = stream.tcp().set_zero_linger();
        return;
    }
    if end == End::Garbage && stream.write_all(GARBAGE).await.is_err() {
        return;
    }
    close_in_order(&mut stream).await;
}

/// Sends everything, then the end, and waits for the peer's end.
pub async fn close_in_order<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let mut rest = [0; 1024];
    let until_end =
        async { while matches!(stream.read(&mut rest).await, Ok(length) if length > 0) {} };
    let _ = tokio::time::timeout(LINGER, until_end).await;
}

/// Control of one connection.
#[derive(Clone)]
pub struct Wire(Arc<Signals>);

struct Signals {
    end: watch::Sender<Option<End>>,
    flushes: watch::Sender<u64>,
}

impl Wire {
    /// Control of a new connection.
    pub fn new() -> Self {
        Self(Arc::new(Signals { end: watch::Sender::new(None), flushes: watch::Sender::new(0) }))
    }

    /// Asks for the connection's end. The first call decides how.
    pub fn end(&self, end: End) {
        self.0.end.send_if_modified(|asked| {
            let first = asked.is_none();
            if first {
                *asked = Some(end);
            }
            first
        });
    }

    /// Waits until somebody asks for the connection's end.
    pub async fn ended(&self) -> End {
        let mut end = self.0.end.subscribe();
        loop {
            if let Some(end) = *end.borrow_and_update() {
                return end;
            }
            if end.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits until everything that hyper holds at the first poll has been given to the kernel.
    pub fn flushed(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut flushes = self.0.flushes.subscribe();
        async move {
            // The sender lives as long as the connection; without it nobody waits for the flush any more.
            let _ = flushes.changed().await;
        }
    }
}

/// hyper's share of a stream.
pub struct Line<S> {
    stream: Arc<Mutex<S>>,
    wire: Wire,
}

impl<S: OverTcp> Line<S> {
    /// Puts `stream` under the control of `wire`.
    pub fn new(stream: S, wire: &Wire) -> Self {
        Self { stream: Arc::new(Mutex::new(stream)), wire: wire.clone() }
    }

    /// Another share of the same stream.
    pub fn share(&self) -> Self {
        Self { stream: Arc::clone(&self.stream), wire: self.wire.clone() }
    }

    /// The stream itself, if this is its last share.
    pub fn take(self) -> Option<S> {
        let stream = Arc::into_inner(self.stream)?;
        Some(stream.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn stream(&self) -> MutexGuard<'_, S> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: OverTcp> AsyncRead for Line<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_read(context, buffer)
    }
}

impl<S: OverTcp> AsyncWrite for Line<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.stream()).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut *self.stream()).poll_flush(context))?;
        self.wire.0.flushes.send_modify(|count| *count = count.wrapping_add(1));
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.stream()).poll_shutdown(context)
    }
}

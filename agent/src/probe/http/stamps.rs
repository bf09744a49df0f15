//! When the bytes of a request and its response passed, seen between HTTP and what carries it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::frames::FrameWatch;

/// What HTTP/2 connections begin with (RFC 9113 §3.4), written by itself before the request is made.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The stamps of one exchange. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Stamps {
    taken: Arc<Mutex<Taken>>,
}

/// What was stamped.
#[derive(Debug, Default)]
pub struct Taken {
    /// When the request's first byte was about to be written, after the preface of HTTP/2.
    pub written: Option<Instant>,
    /// When the response's first byte had been read.
    pub began: Option<Instant>,
    /// When anything was read last.
    pub last_read: Option<Instant>,
    /// Whether the last attempt to write found no room.
    pub blocked: bool,
    /// How reading or writing ended, if it did.
    pub ended: Option<Ended>,
    frames: Option<FrameWatch>,
}

/// How a connection ended.
#[derive(Debug)]
pub enum Ended {
    /// The peer closed it; over TLS with or without saying so.
    Eof,
    /// Reading or writing failed.
    Error(io::Error),
}

impl Stamps {
    /// Stamps for HTTP/1.1, where whatever is read belongs to the response.
    pub fn http1() -> Self {
        Self::default()
    }

    /// Stamps for HTTP/2, where the response begins with a frame of headers.
    pub fn http2() -> Self {
        let stamps = Self::default();
        stamps.taken().frames = Some(FrameWatch::default());
        stamps
    }

    /// Forgets the last exchange on the connection.
    pub fn renew(&self) {
        let mut taken = self.taken();
        let frames = taken.frames.take();
        *taken = Taken { frames, ..Taken::default() };
    }

    /// What has been stamped.
    pub fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// The error with which the peer took its leave by a `GOAWAY` of HTTP/2, if it did.
    pub fn leave_error(&self) -> Option<u32> {
        self.frames.as_ref().and_then(FrameWatch::leave_error)
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        self.last_read = Some(now);
        let begins = match &mut self.frames {
            None => true,
            Some(frames) => frames.sees_headers(bytes),
        };
        if begins && self.began.is_none() {
            self.began = Some(now);
        }
    }

    fn note_error(&mut self, error: &io::Error) {
        if self.ended.is_some() {
            return;
        }
        self.ended = Some(match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::UnexpectedEof, _) => Ended::Eof,
            (_, Some(number)) => Ended::Error(io::Error::from_raw_os_error(number)),
            (kind, None) => Ended::Error(match rustls_error(error) {
                Some(inner) => io::Error::new(kind, inner.clone()),
                None => io::Error::new(kind, error.to_string()),
            }),
        });
    }
}

/// The error of TLS within an error of the stream.
pub fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// A stream whose bytes are stamped.
#[derive(Debug)]
pub struct Stamped<S> {
    stream: S,
    stamps: Stamps,
}

impl<S> Stamped<S> {
    /// Stamps what passes this stream.
    pub fn new(stream: S, stamps: Stamps) -> Self {
        Self { stream, stamps }
    }

    fn writing(&self, bytes: &[u8]) {
        let mut taken = self.stamps.taken();
        if taken.written.is_none() && !bytes.starts_with(PREFACE) {
            taken.written = Some(Instant::now());
        }
    }

    /// Notes what came of writing. Where the peer has gone, the writer is told that all went well,
    /// so that it goes on to read: what the peer said before it went may still be there to be read,
    /// and the end of it comes after that.
    fn wrote<T>(&self, outcome: Poll<io::Result<T>>, all: T) -> Poll<io::Result<T>> {
        let mut taken = self.stamps.taken();
        taken.blocked = outcome.is_pending();
        if let Poll::Ready(Err(error)) = &outcome {
            taken.note_error(error);
            let gone = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
            if gone.contains(&error.kind()) {
                return Poll::Ready(Ok(all));
            }
        }
        outcome
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stamped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &outcome {
            Poll::Pending => {}
            Poll::Ready(Err(error)) => self.stamps.taken().note_error(error),
            Poll::Ready(Ok(())) => match &buffer.filled()[before..] {
                [] if buffer.remaining() > 0 => {
                    self.stamps.taken().ended.get_or_insert(Ended::Eof);
                }
                [] => {}
                bytes => self.stamps.taken().note_read(bytes),
            },
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stamped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing(bytes);
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(outcome, bytes.len())
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writing(slices.first().map_or(&[], |slice| slice));
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(outcome, slices.iter().map(|slice| slice.len()).sum())
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.wrote(outcome, ())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

//! A [`Payload`] as a hyper body, for HTTP/1.1 and HTTP/2.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Interval, interval_at};

use super::answer::{End, Ending, Payload};
use super::wire::Wire;

/// A body that paces, breaks off or falls silent as its payload says.
pub struct PayloadBody {
    payload: Payload,
    pace: Option<Interval>,
    wire: Wire,
    http2: bool,
    last_bytes_sent: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Makes hyper's HTTP/2 side reset the stream; it has no other way to break a body off.
#[derive(Debug)]
pub struct BrokenOff;

impl fmt::Display for BrokenOff {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("body broken off as configured")
    }
}

impl std::error::Error for BrokenOff {}

impl From<Infallible> for BrokenOff {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl PayloadBody {
    /// The body of an answer on the connection of `wire`.
    pub fn new(payload: Payload, wire: Wire, http2: bool) -> Self {
        let pace = payload.every.map(|every| interval_at(Instant::now() + every, every));
        Self { payload, pace, wire, http2, last_bytes_sent: None }
    }

    fn poll_ending(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.payload.ending == Ending::Whole {
            return Poll::Ready(None);
        }
        if self.payload.ending == Ending::Silence {
            return Poll::Pending;
        }
        // What was sent so far is still in hyper's buffers, and would be lost if the end came now.
        let wire = &self.wire;
        let sent = self.last_bytes_sent.get_or_insert_with(|| Box::pin(wire.flushed()));
        ready!(sent.as_mut().poll(context));
        if self.payload.ending == Ending::Truncated && self.http2 {
            self.payload.ending = Ending::Whole;
            return Poll::Ready(Some(Err(BrokenOff)));
        }
        let reset = self.payload.ending == Ending::Reset;
        self.wire.end(if reset { End::Reset } else { End::Close });
        self.payload.ending = Ending::Silence;
        Poll::Pending
    }
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.payload.left() > 0
            && let Some(pace) = &mut self.pace
        {
            ready!(pace.poll_tick(context));
        }
        match self.payload.next_chunk() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => self.poll_ending(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.payload.left() == 0 && self.payload.ending == Ending::Whole
    }

    fn size_hint(&self) -> SizeHint {
        // hyper compares an exact size with `content-length`, which a broken body does not keep.
        match self.payload.ending {
            Ending::Whole => SizeHint::with_exact(self.payload.left()),
            _ => SizeHint::default(),
        }
    }
}

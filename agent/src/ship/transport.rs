//! The way to the aggregator and back, as the exchange sees it.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, Request};
use tokio::time::Instant;

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// When the headers had arrived.
    pub arrived: Instant,
}

/// There was no answer: whether the request arrived is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TransportError(pub String);

/// Carries requests to the aggregator.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request, whose URI is a path with a query, and waits for the answer. Ends by itself
    /// when the connection dies; how long it may take otherwise is the caller's matter.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Answer, TransportError>> + Send;
}

//! A look at what agents report, on its way to the aggregator.

use std::convert::Infallible;

use bytes::Bytes;
use http::Request;
use tokio::sync::mpsc;
use vantage_agent::ship::{Answer, HttpTransport, Transport, TransportError};
use vantage_wire::VantageId;
use vantage_wire::exchange::REPORTS;
use vantage_wire::report::{Envelope, WindowReport};

/// Windows that the aggregator has taken from an agent.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whose.
    pub vantage: VantageId,
    /// What it measured.
    pub windows: Vec<WindowReport>,
}

/// The real way to the aggregator; what was stored is shown to an onlooker.
#[derive(Debug)]
pub(super) struct Watched {
    pub way: HttpTransport,
    pub onlooker: mpsc::Sender<Seen>,
}

impl Transport for Watched {
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, TransportError> {
        let report = (request.uri().path() == REPORTS).then(|| request.body().clone());
        let answer = self.way.send(request).await?;
        if answer.status == 200
            && let Some(seen) = report.and_then(|bytes| open(&bytes))
        {
            // Bounded, and the report is stored already: who looks on too slowly misses it.
            let _ = self.onlooker.try_send(seen);
        }
        Ok(answer)
    }
}

/// The agent has just signed it, so nothing has to be verified.
fn open(bytes: &[u8]) -> Option<Seen> {
    let envelope = Envelope::decode(bytes).ok()?;
    let verified = envelope.verify(|_, _| Ok::<_, Infallible>(())).ok()?;
    let report = verified.open().ok()?.report;
    Some(Seen { vantage: report.vantage, windows: report.windows })
}

//! A DNS client of our own: one query to one server, over UDP, TCP, TLS or HTTPS.
//!
//! Not a resolver: it retries nothing, caches nothing and follows no referral. Messages are read
//! and written by `hickory-proto`; the sockets are ours and connected, so that the moment a query
//! leaves and an answer arrives is known, a closed port is noticed at once, and whatever is no
//! answer to the query is counted rather than taken for one.

mod https;
mod message;
mod stream;
mod udp;

use std::io;
use std::time::Duration;

use vantage_wire::{Attribution, Failure, FailureCode, Phase};

use super::error::{Origin, classify_io};
use super::tls::{Witness, classify_tls};

pub use https::{Endpoint, exchange_https};
pub use message::{Answer, InvalidName, Query, RecordType, read_answer};
pub use stream::exchange_stream;
pub use udp::exchange_udp;

/// An answer and how long it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// The answer.
    pub answer: Answer,
    /// From the query leaving to the answer having arrived, as user space sees it.
    pub took: Duration,
}

/// The failure of an exchange whose socket reports an error. Whatever the network answers instead
/// of an answer means that the server cannot be reached. A TLS server's late verdict on the
/// handshake, such as that it wants a certificate of ours, is a failure of phase `tls`.
fn broken(error: &io::Error, origin: Origin) -> Failure {
    if let Some(alert) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return classify_tls(alert, &Witness::default());
    }
    unreachable(&classify_io(error, Phase::Dns, origin))
}

/// A failure on the way to the server, as one of phase `dns`: the agent's own trouble keeps its
/// code.
fn unreachable(failure: &Failure) -> Failure {
    let code = match failure.code {
        FailureCode::DnsTimeout | FailureCode::TcpTimeout => FailureCode::DnsTimeout,
        code if code.attribution() == Attribution::Agent => code,
        _ => FailureCode::DnsUnreachable,
    };
    Failure::in_phase(code, Phase::Dns, failure.detail.as_str())
}

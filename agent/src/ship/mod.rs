//! What the agent and the aggregator say to each other, from the agent's side.
//!
//! [`Aggregator`] speaks the exchange over any [`Transport`]; [`HttpTransport`] is the real one.
//! [`Shipper`] takes sealed reports out of the spool and sends them, one at a time and each until
//! it has an answer that settles it.

mod aggregator;
mod answer;
mod http;
mod shared_spool;
mod shipper;
mod transport;

use std::time::Duration;

pub use aggregator::Aggregator;
pub use answer::ExchangeError;
pub use http::{HttpTransport, TransportProblem};
pub use shared_spool::SharedSpool;
pub use shipper::{Sealer, Shipper};
pub use transport::{Answer, Transport, TransportError};

/// The longest wait between two tries that the aggregator did not ask for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(5);

//! A TCP handshake.

use vantage_wire::Failure;
use vantage_wire::report::Family;

use super::{Stopwatch, Surroundings};
use crate::net::Network;
use crate::spec::TcpSpec;

/// Connects and closes in order.
pub async fn run<N: Network>(
    spec: &TcpSpec,
    surroundings: &Surroundings<N>,
    family: Family,
    watch: &mut Stopwatch,
) -> Result<(), Failure> {
    surroundings.connect(&spec.host, spec.port, family, watch).await?;
    Ok(())
}

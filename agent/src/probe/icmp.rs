//! An ICMP echo.

use vantage_wire::report::Family;
use vantage_wire::{Failure, Micros, Phase};

use super::{Stopwatch, Surroundings};
use crate::attempt::IcmpFacts;
use crate::net::Network;
use crate::net::icmp::{Request, echo};
use crate::spec::{IcmpSpec, SpecError};

/// With its headers it fits into the 1500 bytes of an Ethernet frame.
const MOST_PAYLOAD_BYTES: u16 = 1400;

/// Checks the parameters.
pub fn check(spec: &IcmpSpec) -> Result<(), SpecError> {
    if spec.payload_bytes > MOST_PAYLOAD_BYTES {
        let payload_bytes = spec.payload_bytes;
        return Err(SpecError::Parameter(format!(
            "{payload_bytes} bytes of payload; {MOST_PAYLOAD_BYTES} are the most"
        )));
    }
    if spec.ttl == 0 {
        return Err(SpecError::Parameter("a TTL of 0 goes nowhere; 1 is the least".into()));
    }
    Ok(())
}

/// Sends one echo request and waits for its reply.
pub async fn run<N: Network>(
    spec: &IcmpSpec,
    surroundings: &Surroundings<N>,
    family: Family,
    watch: &mut Stopwatch,
) -> Result<(), Failure> {
    let address = surroundings.find(&spec.host, family, watch).await?;
    let request = Request { payload_bytes: spec.payload_bytes, ttl: spec.ttl };
    let reply = watch.limit(Phase::Rtt, echo(address.to_canonical(), request)).await?;
    watch.attempt.phases.set(Phase::Rtt, reply.took);
    watch.attempt.facts.ttl = reply.ttl;
    watch.attempt.facts.icmp = Some(IcmpFacts {
        rtt_user_space: Micros::from_duration_saturating(reply.user_space),
        stamped: reply.stamped,
        socket: reply.socket,
        identifier: reply.identifier,
        sequence: reply.sequence,
    });
    Ok(())
}

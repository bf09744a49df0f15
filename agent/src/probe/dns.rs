//! A DNS query: the server is what is measured, not the way to some site.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::RData;
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use super::{ProbeError, Stopwatch, Surroundings};
use crate::attempt::DnsFacts;
use crate::net::dns::{Answer, Exchange, Query, exchange_stream, exchange_udp};
use crate::net::{Network, Resolver};
use crate::spec::{DnsSpec, DnsTransport, Host};

/// Records of an answer that are kept as text. An answer over TCP may hold thousands.
const MAX_ANSWERS_KEPT: usize = 32;

/// Finds out what cannot work whatever the network does.
pub fn check(spec: &DnsSpec) -> Result<(), ProbeError> {
    Query::new(0, &spec.name, spec.record_type)
        .map_err(|error| ProbeError::Parameter(error.to_string()))?;
    if spec.server.is_some_and(|server| server.port() == 0) {
        return Err(ProbeError::Parameter("the DNS server's port is 0, must be 1 to 65535".into()));
    }
    Ok(())
}

/// Asks the server, in phase `dns` on a connection that is open; the answer must have records of
/// the type asked for, and no unexpected address among them.
pub async fn run<N: Network>(
    spec: &DnsSpec,
    surroundings: &Surroundings<N>,
    family: Family,
    watch: &mut Stopwatch,
) -> Result<(), Failure> {
    let resolver = surroundings.network.resolver();
    let server = server(spec, resolver, family)?;
    let host = Host::Address(server.ip());
    let query = resolver.query(&spec.name, spec.record_type)?;
    let mut strays = 0;
    let exchange = match &spec.transport {
        DnsTransport::Udp => {
            surroundings.find(&host, family, watch).await?;
            watch.limit(Phase::Dns, exchange_udp(server, &query, &mut strays)).await
        }
        DnsTransport::Tcp => {
            let mut stream = surroundings.connect(&host, server.port(), family, watch).await?;
            watch.limit(Phase::Dns, exchange_stream(&mut stream, &query, &mut strays)).await
        }
        _ => todo!(),
    };
    let facts = watch.attempt.facts.dns.insert(DnsFacts { strays, ..DnsFacts::default() });
    let Exchange { answer, took } = exchange?;
    facts.rcode = Some(answer.rcode());
    facts.answers =
        answer.records().iter().take(MAX_ANSWERS_KEPT).map(ToString::to_string).collect();
    judge(&answer, &query, &spec.expected_addresses)?;
    watch.attempt.phases.set(Phase::Dns, took);
    Ok(())
}

/// The server given, or the system's first of the family asked for, at the transport's port.
fn server(spec: &DnsSpec, resolver: &Resolver, family: Family) -> Result<SocketAddr, Failure> {
    if let Some(server) = spec.server {
        return Ok(server);
    }
    let fits = |server: &&SocketAddr| match family {
        Family::V4 => server.is_ipv4(),
        Family::V6 => server.is_ipv6(),
        Family::Any => true,
    };
    let mut server = *resolver.servers().iter().find(fits).ok_or_else(|| {
        let detail = "the system has no DNS server of this address family; name one";
        Failure::new(FailureCode::ConfigInvalid, detail)
    })?;
    match spec.transport {
        DnsTransport::Udp | DnsTransport::Tcp => {}
        DnsTransport::Tls(_) => server.set_port(853),
        DnsTransport::Https(..) => server.set_port(443),
    }
    Ok(server)
}

fn judge(answer: &Answer, query: &Query, expected: &[IpAddr]) -> Result<(), Failure> {
    let data = answer.data(query)?;
    let addresses = data.into_iter().filter_map(|data| match data {
        RData::A(address) => Some(IpAddr::V4(address.0)),
        RData::AAAA(address) => Some(IpAddr::V6(address.0)),
        _ => None,
    });
    let forged = |address: &IpAddr| !expected.is_empty() && !expected.contains(address);
    match addresses.into_iter().find(forged) {
        None => Ok(()),
        Some(address) => {
            let detail = format!("{address} is none of the addresses expected");
            Err(Failure::new(FailureCode::DnsBogus, &detail))
        }
    }
}

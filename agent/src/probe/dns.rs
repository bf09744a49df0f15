//! A DNS query: the server is what is measured, not the way to some site.

use std::net::{IpAddr, SocketAddr};

use hickory_proto::rr::RData;
use http::Uri;
use rustls::pki_types::ServerName;
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use super::tls::shake_hands;
use super::{Stopwatch, Surroundings};
use crate::attempt::DnsFacts;
use crate::net::dns::{
    Answer, Endpoint, Exchange, InvalidName, Query, exchange_https, exchange_stream, exchange_udp,
};
use crate::net::tls::{TlsClient, server_name};
use crate::net::{Network, Resolver};
use crate::spec::{DnsSpec, DnsTransport, Host, SpecError};

/// DNS over TLS (RFC 7858).
const TLS_PORT: u16 = 853;
const HTTPS_PORT: u16 = 443;
/// Records of an answer that are kept as text. An answer over TCP may hold thousands.
const MAX_ANSWERS_KEPT: usize = 32;

/// What a DNS probe needs beside its parameters.
#[derive(Debug)]
pub struct DnsProbe {
    server: SocketAddr,
    over: Over,
}

#[derive(Debug)]
enum Over {
    Udp,
    Tcp,
    Tls(TlsSide),
    Https(TlsSide, Uri),
}

#[derive(Debug)]
struct TlsSide {
    client: TlsClient,
    name: ServerName<'static>,
}

impl DnsProbe {
    /// Prepares a probe. Without a server it asks the system's first of the family asked for.
    ///
    /// # Errors
    /// When the name, the server, the path or the TLS parameters make no sense.
    pub fn new<N: Network>(
        spec: &DnsSpec,
        family: Family,
        surroundings: &Surroundings<N>,
    ) -> Result<Self, SpecError> {
        Query::new(0, &spec.name, spec.record_type)
            .map_err(|error| SpecError::Parameter(error.to_string()))?;
        let server = server(spec, surroundings.network.resolver(), family)?;
        let host = Host::Address(server.ip());
        let tls = |parameters, alpn: &[&str]| {
            let client = surroundings.tls.client(parameters, alpn)?;
            Ok::<_, SpecError>(TlsSide { client, name: server_name(&host, parameters)? })
        };
        let over = match &spec.transport {
            DnsTransport::Udp => Over::Udp,
            DnsTransport::Tcp => Over::Tcp,
            DnsTransport::Tls(parameters) => Over::Tls(tls(parameters, &[])?),
            DnsTransport::Https(parameters, path) => {
                let side = tls(parameters, &["h2", "http/1.1"])?;
                let uri = uri(&side.name, server, path)?;
                Over::Https(side, uri)
            }
        };
        Ok(Self { server, over })
    }

    /// Asks the server, in phase `dns` on a connection that is open; the answer must have records
    /// of the type asked for, and no unexpected address among them.
    pub async fn run<N: Network>(
        &self,
        spec: &DnsSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        let (host, port) = (Host::Address(self.server.ip()), self.server.port());
        let query = self.query(spec, surroundings.network.resolver())?;
        let mut strays = 0;
        let exchange = match &self.over {
            Over::Udp => {
                surroundings.find(&host, family, watch).await?;
                let exchange = exchange_udp(self.server, &query, &mut strays);
                watch.limit(Phase::Dns, exchange).await
            }
            Over::Tcp => {
                let mut stream = surroundings.connect(&host, port, family, watch).await?;
                let exchange = exchange_stream(&mut stream, &query, &mut strays);
                watch.limit(Phase::Dns, exchange).await
            }
            Over::Tls(tls) => {
                let stream = surroundings.connect(&host, port, family, watch).await?;
                let (mut stream, _) =
                    shake_hands(&tls.client, tls.name.clone(), stream, watch).await?;
                let exchange = exchange_stream(&mut stream, &query, &mut strays);
                watch.limit(Phase::Dns, exchange).await
            }
            Over::Https(tls, uri) => {
                let stream = surroundings.connect(&host, port, family, watch).await?;
                let (stream, _) = shake_hands(&tls.client, tls.name.clone(), stream, watch).await?;
                let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let endpoint = Endpoint { uri: uri.clone(), http2 };
                let exchange = exchange_https(stream, &endpoint, &query, &mut strays);
                watch.limit(Phase::Dns, exchange).await
            }
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

    fn query(&self, spec: &DnsSpec, resolver: &Resolver) -> Result<Query, InvalidName> {
        match self.over {
            // The connection tells whose answer it is, and caches want equal queries (RFC 8484
            // §4.1).
            Over::Https(..) => Query::new(0, &spec.name, spec.record_type),
            _ => resolver.query(&spec.name, spec.record_type),
        }
    }
}

/// The address of the DNS server's HTTP side, by the name that its certificate is for.
fn uri(name: &ServerName<'_>, server: SocketAddr, path: &str) -> Result<Uri, SpecError> {
    let host = match name {
        ServerName::IpAddress(address) if server.is_ipv6() => {
            format!("[{}]", IpAddr::from(*address))
        }
        name => name.to_str().into_owned(),
    };
    let authority = match server.port() {
        HTTPS_PORT => host,
        port => format!("{host}:{port}"),
    };
    let built = Uri::builder().scheme("https").authority(authority).path_and_query(path).build();
    built.map_err(|error| SpecError::Parameter(format!("DNS over HTTPS, path {path:?}: {error}")))
}

/// The server given, or the system's first of the family asked for, at the transport's port.
fn server(spec: &DnsSpec, resolver: &Resolver, family: Family) -> Result<SocketAddr, SpecError> {
    if let Some(server) = spec.server {
        return match server.port() {
            0 => Err(SpecError::Parameter(
                "the DNS server's port is 0, must be 1 to 65535".to_owned(),
            )),
            _ => Ok(server),
        };
    }
    let fits = |server: &&SocketAddr| match family {
        Family::V4 => server.is_ipv4(),
        Family::V6 => server.is_ipv6(),
        Family::Any => true,
    };
    let mut server = *resolver.servers().iter().find(fits).ok_or_else(|| {
        let problem = "the system has no DNS server of this address family; name one";
        SpecError::Parameter(problem.to_owned())
    })?;
    match spec.transport {
        DnsTransport::Udp | DnsTransport::Tcp => {}
        DnsTransport::Tls(_) => server.set_port(TLS_PORT),
        DnsTransport::Https(..) => server.set_port(HTTPS_PORT),
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

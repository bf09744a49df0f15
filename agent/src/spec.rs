//! What a probe is to do: its parameters, checked before the first attempt.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use vantage_wire::report::{Family, ProbeKind};

/// A probe and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeSpec {
    /// What is done.
    pub action: Action,
    /// Which addresses of a name are used. `Any`: the first that the resolver names.
    pub family: Family,
    /// Most time for the whole attempt. (1 ms to 60 s)
    pub timeout: Duration,
    /// Most time for single phases, within the whole.
    pub phase_timeouts: PhaseTimeouts,
}

/// A probe that cannot be carried out as specified.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// A parameter makes no sense.
    #[error("{0}")]
    Parameter(String),
}

/// Most time for single phases; a phase without one may use all that is left of the whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseTimeouts {
    /// Name resolution.
    pub dns: Option<Duration>,
    /// TCP or QUIC handshake.
    pub connect: Option<Duration>,
    /// TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the first byte of the response.
    pub request: Option<Duration>,
    /// From the first to the last byte of the response.
    pub transfer: Option<Duration>,
}

/// What a probe does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// An ICMP echo.
    Icmp(IcmpSpec),
    /// A TCP handshake.
    Tcp(TcpSpec),
    /// A TCP and a TLS handshake.
    Tls(TlsSpec),
    /// An HTTP request over TCP, with TLS for `https`.
    Http(HttpSpec),
    /// A DNS query.
    Dns(DnsSpec),
    /// A QUIC handshake, and an HTTP/3 request where one is given.
    Quic(QuicSpec),
}

impl Action {
    /// The kind of probe.
    pub const fn kind(&self) -> ProbeKind {
        match self {
            Self::Icmp(_) => ProbeKind::Icmp,
            Self::Tcp(_) => ProbeKind::Tcp,
            Self::Tls(_) => ProbeKind::Tls,
            Self::Http(_) => ProbeKind::Http,
            Self::Dns(_) => ProbeKind::Dns,
            Self::Quic(_) => ProbeKind::Quic,
        }
    }

    /// The host that is probed: of a DNS query its server, `None` where that is the system's.
    pub fn host(&self) -> Option<Host> {
        match self {
            Self::Icmp(spec) => Some(spec.host.clone()),
            Self::Tcp(spec) => Some(spec.host.clone()),
            Self::Tls(spec) => Some(spec.host.clone()),
            Self::Quic(spec) => Some(spec.host.clone()),
            Self::Http(spec) => spec.url.host().and_then(|host| host.parse().ok()),
            Self::Dns(spec) => spec.server.map(|server| Host::Address(server.ip())),
        }
    }
}

/// A host as a person or a catalogue names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Host {
    /// A DNS name.
    Name(String),
    /// An address, which needs no resolution.
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        Ok(bare.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Address))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.pad(name),
            Self::Address(address) => f.pad(&address.to_string()),
        }
    }
}

/// An ICMP echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcmpSpec {
    /// The host.
    pub host: Host,
    /// Bytes of payload. (0 to 1400; default 16)
    pub payload_bytes: u16,
    /// TTL or hop limit of the request. (1 to 255; default 64)
    pub ttl: u8,
}

/// A TCP handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSpec {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// A TCP and a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSpec {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
    /// How TLS is spoken.
    pub tls: TlsParameters,
}

/// How TLS is spoken, over TCP or QUIC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsParameters {
    /// Name to ask for and to expect in the certificate; default: the host.
    pub server_name: Option<String>,
    /// Protocols to offer by ALPN, the preferred one first; default: those the probe can use.
    pub alpn: Vec<String>,
    /// Certificate authorities to trust instead of the system's: PEM.
    pub ca_pem: Option<String>,
    /// Oldest and newest version to offer; default: 1.2 and 1.3.
    pub versions: Option<TlsVersions>,
}

/// Versions of TLS to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersions {
    /// 1.2 only.
    Only12,
    /// 1.3 only.
    Only13,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSpec {
    /// Where to: `http` or `https`.
    pub url: http::Uri,
    /// Method. (default `GET`)
    pub method: http::Method,
    /// Headers beside the probe's own.
    pub headers: Vec<(String, String)>,
    /// Body. (default: none)
    pub body: bytes::Bytes,
    /// How TLS is spoken.
    pub tls: TlsParameters,
    /// Versions of HTTP to use.
    pub version: HttpVersion,
    /// What the response must be like.
    pub expect: Expectations,
    /// Redirects to follow. (0 to 20; default 0: a redirect is an answer like any other)
    pub follow_redirects: u32,
    /// Most bytes of body to read; what comes after is left. (default 1 MiB)
    pub body_limit_bytes: u64,
    /// Whether to measure on a connection that is kept open, as a series of its own.
    pub reuse: bool,
}

impl HttpSpec {
    /// A GET of this URL with all else as it is by default.
    pub fn get(url: http::Uri) -> Self {
        Self {
            url,
            method: http::Method::GET,
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            tls: TlsParameters::default(),
            version: HttpVersion::default(),
            expect: Expectations::default(),
            follow_redirects: 0,
            body_limit_bytes: 1024 * 1024,
            reuse: false,
        }
    }
}

/// Which version of HTTP is spoken over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/2 where ALPN finds it, HTTP/1.1 elsewhere.
    #[default]
    Best,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2, over plain TCP by prior knowledge.
    Http2,
}

/// What a response must be like to count as a success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    /// Statuses that are a success; empty: 200 to 399.
    pub statuses: Vec<u16>,
    /// Text that the body must hold.
    pub body_contains: Option<String>,
    /// Pattern that the body must match somewhere, in the syntax of the crate `regex-lite`.
    pub body_matches: Option<String>,
}

/// A DNS query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsSpec {
    /// The name asked for.
    pub name: String,
    /// The type of record, such as `A`, `AAAA`, `MX`, `TXT`.
    pub record_type: hickory_proto::rr::RecordType,
    /// The server asked; `None`: the system's first resolver.
    pub server: Option<SocketAddr>,
    /// How it is asked.
    pub transport: DnsTransport,
    /// Addresses that a true answer lies among; any other is forged (`dns_bogus`). Empty: not
    /// checked.
    pub expected_addresses: Vec<IpAddr>,
}

/// How a DNS server is asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DnsTransport {
    /// UDP, and TCP where the answer was cut short.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls(TlsParameters),
    /// DNS over HTTPS (RFC 8484), at this path of the server.
    Https(TlsParameters, String),
}

/// A QUIC handshake and, with a URL, an HTTP/3 request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuicSpec {
    /// The host.
    pub host: Host,
    /// The UDP port.
    pub port: u16,
    /// How TLS is spoken.
    pub tls: TlsParameters,
    /// The request to make once connected.
    pub request: Option<Box<HttpSpec>>,
}

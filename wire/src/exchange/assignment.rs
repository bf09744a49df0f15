//! What an agent is to probe.
//!
//! The aggregator makes it from its catalogue; the agent keeps the last one on disk and goes on
//! with it when the aggregator is gone.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::id::{MarketId, ProbeId, TargetId, VantageId};
use crate::phase::Phase;
use crate::report::Family;

/// Most bytes of a pattern once it is compiled. Matching takes about twice as much again. The
/// aggregator refuses a larger one, so that no catalogue takes the memory of those who carry it out.
pub const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// Everything that one vantage point is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Which assignment this is: differs whenever any other field does, and is the same on every
    /// aggregator that serves the same catalogue.
    pub version: String,
    /// For whom.
    pub vantage: VantageId,
    /// The market it measures from.
    pub market: MarketId,
    /// The kill switch: `true` makes the agent end all probes at once and wait for the next
    /// assignment.
    pub paused: bool,
    /// Length of windows in seconds; divides a day.
    pub window_s: u32,
    /// Whom the owner of a target can write to; sent in `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Hosts and ports that tell whether the agent has a network at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<SocketAddr>,
    /// What to probe.
    pub targets: Vec<AssignedTarget>,
}

/// A target and its probes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedTarget {
    /// Its name.
    pub id: TargetId,
    /// Whether private, loopback and link-local addresses may be probed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_private: bool,
    /// The probes.
    pub probes: Vec<AssignedProbe>,
}

/// A probe: how often, how long, and what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedProbe {
    /// Its name within the target.
    pub id: ProbeId,
    /// Time between the starts of attempts, in ms. (100 to 86 400 000)
    pub interval_ms: u64,
    /// Most time for an attempt, in ms. (1 to 60 000)
    pub timeout_ms: u64,
    /// Most time for single phases, in ms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub phase_timeouts_ms: BTreeMap<Phase, u64>,
    /// Which version of IP is used.
    pub family: Family,
    /// What is done.
    pub action: Action,
}

/// What a probe does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An ICMP echo.
    Icmp {
        /// Name or address.
        host: String,
        /// Bytes of payload. (0 to 1400)
        payload_bytes: u16,
    },
    /// A TCP handshake.
    Tcp {
        /// Name or address.
        host: String,
        /// Port, from 1.
        port: u16,
    },
    /// A TCP and a TLS handshake.
    Tls {
        /// Name or address.
        host: String,
        /// Port, from 1.
        port: u16,
        /// How TLS is spoken.
        tls: Tls,
    },
    /// An HTTP request over TCP.
    Http(Box<Http>),
    /// A DNS query.
    Dns(Dns),
    /// A QUIC handshake and, with a request, HTTP/3.
    Quic {
        /// Name or address.
        host: String,
        /// UDP port, from 1.
        port: u16,
        /// How TLS is spoken.
        tls: Tls,
        /// The request to make.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Box<Http>>,
    },
}

/// How TLS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The name to ask for and to expect in the certificate; absent: the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Protocols to offer by ALPN.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<String>,
    /// The one version to offer, `1.2` or `1.3`; absent: both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Certificate authorities to trust instead of the usual ones, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
}

/// An HTTP request and what its response must be like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Http {
    /// Where to, `http://…` or `https://…`.
    pub url: String,
    /// The method.
    pub method: String,
    /// Headers beside the probe's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The body to send.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// How TLS is spoken.
    #[serde(default)]
    pub tls: Tls,
    /// The version of HTTP over TCP, `1.1` or `2`; absent: what ALPN finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Statuses that are a success; empty: 200 to 399.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect_statuses: Vec<u16>,
    /// Text that the body must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_body: Option<String>,
    /// Pattern that the body must match; at most [`MAX_PATTERN_BYTES`] when compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_regex: Option<String>,
    /// Redirects to follow. (0 to 20)
    #[serde(default)]
    pub follow_redirects: u32,
    /// Most bytes of body to read.
    pub body_limit_bytes: u64,
    /// Whether to measure on a connection that is kept open.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reuse: bool,
}

/// A DNS query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// The name to ask for.
    pub name: String,
    /// The type of record, such as `A`.
    pub record_type: String,
    /// The server to ask; absent: the system's first resolver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<SocketAddr>,
    /// How it is asked: `udp`, `tcp`, `tls` or `https`.
    pub transport: String,
    /// Path of the server, for `https`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How TLS is spoken, for `tls` and `https`.
    #[serde(default)]
    pub tls: Tls,
    /// Addresses that a true answer lies among; empty: not checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_addresses: Vec<IpAddr>,
}

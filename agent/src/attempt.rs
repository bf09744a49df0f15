//! What came of one execution of a probe.

use std::net::IpAddr;
use std::time::Duration;

use vantage_wire::{Failure, Micros, Phase};

use crate::net::icmp::SocketKind;

/// One execution of a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Why it failed; `None` when it succeeded.
    pub failure: Option<Failure>,
    /// The phases that were completed, also those before a failure. The outcome phase (`rtt` for
    /// ICMP, `total` for the others) is there only when the attempt succeeded.
    pub phases: PhaseTimes,
    /// The address probed; `None` when it did not come so far.
    pub address: Option<IpAddr>,
    /// What else was learned on the way.
    pub facts: Facts,
}

impl Attempt {
    /// An attempt that has not begun.
    pub fn new() -> Self {
        Self {
            failure: None,
            phases: PhaseTimes::default(),
            address: None,
            facts: Facts::default(),
        }
    }

    /// The attempt with its failure.
    #[must_use]
    pub fn failed(mut self, failure: Failure) -> Self {
        self.failure = Some(failure);
        self
    }

    /// Whether it succeeded.
    pub fn is_ok(&self) -> bool {
        self.failure.is_none()
    }
}

impl Default for Attempt {
    fn default() -> Self {
        Self::new()
    }
}

/// How long the phases of an attempt took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhaseTimes {
    // By position in `Phase::ALL`.
    times: [Option<Micros>; Phase::ALL.len()],
}

impl PhaseTimes {
    /// Sets a phase.
    pub fn set(&mut self, phase: Phase, took: Duration) {
        if let Some(at) = Phase::ALL.iter().position(|known| *known == phase) {
            self.times[at] = Some(Micros::from_duration_saturating(took));
        }
    }

    /// How long a phase took; `None` when it was not completed or does not belong to the probe.
    pub fn get(&self, phase: Phase) -> Option<Micros> {
        let at = Phase::ALL.iter().position(|known| *known == phase)?;
        self.times[at]
    }

    /// The completed phases in the order of [`Phase::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Phase, Micros)> + '_ {
        Phase::ALL.iter().zip(self.times).filter_map(|(phase, took)| Some((*phase, took?)))
    }
}

/// What is learned in passing. Nothing here enters a histogram.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The TCP handshake as user space saw it, beside the kernel's own figure.
    pub connect_user_space: Option<Micros>,
    /// How often the SYN was sent again.
    pub syn_retransmits: Option<u32>,
    /// TTL or hop limit of the answer.
    pub ttl: Option<u8>,
    /// How an ICMP echo was carried out.
    pub icmp: Option<IcmpFacts>,
    /// What was negotiated by TLS, also over QUIC.
    pub tls: Option<TlsFacts>,
    /// What the HTTP response said.
    pub http: Option<HttpFacts>,
    /// What the DNS answer said.
    pub dns: Option<DnsFacts>,
}

/// How an ICMP echo was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IcmpFacts {
    /// The round trip as user space saw it, beside the kernel's own figure.
    pub rtt_user_space: Micros,
    /// Whether the round trip lies between two stamps of the kernel; else user space timed one end
    /// or both.
    pub stamped: bool,
    /// The kind of socket used.
    pub socket: SocketKind,
    /// Identifier of the echo.
    pub identifier: u16,
    /// Sequence number of the echo.
    pub sequence: u16,
}

/// What was negotiated by TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// Version, such as `TLSv1.3`.
    pub version: Option<String>,
    /// Cipher suite, such as `TLS13_AES_128_GCM_SHA256`.
    pub cipher: Option<String>,
    /// Protocol chosen by ALPN.
    pub alpn: Option<String>,
    /// When the leaf certificate expires, in seconds since the Unix epoch.
    pub expires_unix_s: Option<i64>,
}

/// What the HTTP response said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpFacts {
    /// Status of the last response.
    pub status: Option<u16>,
    /// Version of the protocol, such as `HTTP/2.0`.
    pub version: Option<String>,
    /// Bytes of body that were read.
    pub body_bytes: u64,
    /// Redirects followed.
    pub redirects: u32,
    /// For how long the target asked to be left alone (`Retry-After`).
    pub retry_after: Option<Duration>,
}

/// What the DNS answer said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DnsFacts {
    /// Response code, such as `NOERROR`.
    pub rcode: Option<String>,
    /// The answer's records as text, in its order.
    pub answers: Vec<String>,
    /// Messages that were received but were no answer to the query.
    pub strays: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_come_back_in_order() {
        let mut times = PhaseTimes::default();
        times.set(Phase::Total, Duration::from_millis(9));
        times.set(Phase::Connect, Duration::from_micros(1_500));
        assert_eq!(times.get(Phase::Tls), None);
        let all: Vec<_> = times.iter().map(|(phase, took)| (phase, took.get())).collect();
        assert_eq!(all, [(Phase::Connect, 1_500), (Phase::Total, 9_000)]);
    }
}

//! Which probe a series belongs to.

use super::error::{Invalid, Locate as _, Problem};
use crate::closed_set::closed_set;
use crate::histogram;
use crate::id::{ProbeId, TargetId};
use crate::phase::Phase;
use crate::units::Micros;

closed_set! {
    /// What a probe does.
    pub enum ProbeKind, "probe kind" {
        1 Icmp "icmp" "Sends an ICMP echo request.";
        2 Tcp "tcp" "Opens a TCP connection.";
        3 Tls "tls" "Opens a TCP connection and completes a TLS handshake.";
        4 Http "http" "Makes an HTTP/1.1 or HTTP/2 request, with or without TLS.";
        5 Dns "dns" "Looks a name up.";
        6 Quic "quic" "Completes a QUIC handshake, and makes an HTTP/3 request where asked to.";
    }
}

impl ProbeKind {
    /// The phase that every successful attempt completes, and only a successful one: its histogram
    /// holds one sample per success. The kernel's round-trip time for `icmp`, `total` for others.
    pub const fn outcome_phase(self) -> Phase {
        match self {
            Self::Icmp => Phase::Rtt,
            Self::Tcp | Self::Tls | Self::Http | Self::Dns | Self::Quic => Phase::Total,
        }
    }
}

closed_set! {
    /// Which version of IP a probe was made to use.
    pub enum Family, "address family" {
        0 Any "any" "Whichever connects first.";
        4 V4 "v4" "IPv4 only.";
        6 V6 "v6" "IPv6 only.";
    }
}

/// A probe of a target, with the parameters that tell its series apart or that are needed to read
/// them later, when the catalogue may have changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeKey {
    /// What is probed.
    pub target: TargetId,
    /// The probe's name within its target.
    pub probe: ProbeId,
    /// What the probe does.
    pub kind: ProbeKind,
    /// Which version of IP it was made to use.
    pub family: Family,
    /// Whether attempts used a connection that was already open. A series of its own.
    pub warm: bool,
    /// Time between the starts of attempts, 1 ms to 1 day.
    pub interval: Micros,
    /// How long an attempt may take, 1 ms to 60 s: what a failed attempt counts as in the score.
    pub timeout: Micros,
}

const SHORTEST: Micros = Micros::from_millis(1);
const LONGEST_INTERVAL: Micros = Micros::from_secs(86_400);

impl ProbeKey {
    pub(super) fn check(&self) -> Result<(), Invalid> {
        within(self.interval, LONGEST_INTERVAL).field("interval_us")?;
        within(self.timeout, histogram::HIGHEST).field("timeout_us")
    }
}

fn within(span: Micros, longest: Micros) -> Result<(), Problem> {
    if (SHORTEST..=longest).contains(&span) {
        return Ok(());
    }
    let (lowest, highest) = (SHORTEST.get(), longest.get());
    Err(Problem::Range { found: span.get(), lowest, highest })
}

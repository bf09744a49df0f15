//! Addresses that tell whether the agent has a network, and how they are asked.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use vantage_wire::report::Family;
use vantage_wire::{Attribution, FailureCode};

use crate::attempt::Attempt;
use crate::spec::{Action, Host, IcmpSpec, PhaseTimeouts, ProbeSpec, TcpSpec};

/// How often each anchor is asked: two packets in two seconds burden nobody, and an outage of the
/// agent's network is known two seconds and a timeout after it began.
pub const ANCHOR_INTERVAL: Duration = Duration::from_secs(2);
/// How long an anchor's answer is waited for; any place on earth answers sooner.
pub const ANCHOR_TIMEOUT: Duration = Duration::from_secs(1);

/// An address that is expected to answer whenever the agent has a network. Two of different
/// operators are wanted, so that the trouble of one of them is not taken for the agent's own.
///
/// As text: `192.0.2.1` or `2001:db8::1` for an ICMP echo, `192.0.2.1:443` or
/// `[2001:db8::1]:443` for a TCP handshake. Names would need a resolver that answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Anchor {
    /// Asked by an ICMP echo.
    Icmp(IpAddr),
    /// Asked by a TCP handshake, which a refusal answers as well.
    Tcp(SocketAddr),
}

/// A text that names no anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "anchor {0:?} must be an address, such as 192.0.2.1, or an address and a port other than 0, such as 192.0.2.1:443"
)]
pub struct AnchorError(String);

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(text: &str) -> Result<Self, AnchorError> {
        let wrong = || AnchorError(text.to_owned());
        match (text.parse(), text.parse::<SocketAddr>()) {
            (Ok(address), _) => Ok(Self::Icmp(address)),
            (_, Ok(address)) if address.port() != 0 => Ok(Self::Tcp(address)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Icmp(address) => f.pad(&address.to_string()),
            Self::Tcp(address) => f.pad(&address.to_string()),
        }
    }
}

impl Anchor {
    /// The probe that asks it: the smallest there is.
    pub fn spec(self) -> ProbeSpec {
        let action = match self {
            Self::Icmp(address) => {
                let host = Host::Address(address);
                Action::Icmp(IcmpSpec { host, payload_bytes: 0, ttl: 64 })
            }
            Self::Tcp(address) => {
                Action::Tcp(TcpSpec { host: Host::Address(address.ip()), port: address.port() })
            }
        };
        ProbeSpec {
            action,
            family: Family::Any,
            timeout: ANCHOR_TIMEOUT,
            phase_timeouts: PhaseTimeouts::default(),
        }
    }

    /// Whether an anchor answered, by what came of asking it; `None` where it was not asked: the
    /// agent was late, say, or had no descriptor left.
    pub fn answered(attempt: &Attempt) -> Option<bool> {
        let Some(failure) = &attempt.failure else { return Some(true) };
        match failure.attribution() {
            Attribution::Target => Some(true),
            Attribution::Path => Some(false),
            Attribution::Agent => (failure.code == FailureCode::AgentOffline).then_some(false),
            Attribution::Resolver | Attribution::Config | Attribution::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use vantage_wire::Failure;

    use super::*;

    #[test]
    fn anchors_are_addresses() {
        for text in ["192.0.2.1", "2001:db8::1", "192.0.2.1:443", "[2001:db8::1]:443"] {
            assert_eq!(text.parse::<Anchor>().unwrap().to_string(), text);
        }
        for text in ["", "anchor.test", "192.0.2.1:0", "2001:db8::1]:443", "192.0.2.1:"] {
            assert!(text.parse::<Anchor>().unwrap_err().to_string().contains(text), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_an_answer_and_the_agents_troubles_are_none() {
        use FailureCode as Code;
        assert_eq!(Anchor::answered(&Attempt::new()), Some(true));
        for (code, expected) in [
            (Code::TcpRefused, Some(true)),
            (Code::TcpTimeout, Some(false)),
            (Code::IcmpUnreachable, Some(false)),
            (Code::AgentOffline, Some(false)),
            (Code::AgentMissedSlot, None),
            (Code::AgentResource, None),
            (Code::AgentPermission, None),
            (Code::TargetDenied, None),
        ] {
            let attempt = Attempt::new().failed(Failure::new(code, "as told"));
            assert_eq!(Anchor::answered(&attempt), expected, "{code}");
        }
    }
}

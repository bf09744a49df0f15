//! What stands on a path and interferes with the traffic.

use std::net::IpAddr;

use serde::Deserialize;

/// One rule of a path's interference. A packet meets the first rule it matches.
///
/// A rule with `names` matches a TCP connection by the server name in its TLS ClientHello (also
/// when that is spread over several segments) and a DNS query over UDP by the name asked for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InterferenceRule {
    /// Packets of which protocol. Default: any.
    #[serde(default)]
    pub protocol: Protocol,
    /// Destination ports; empty: all.
    #[serde(default)]
    pub ports: Vec<u16>,
    /// Server names or DNS names; `*.example.test` is every name below `example.test`; empty: all.
    #[serde(default)]
    pub names: Vec<String>,
    /// What happens to a packet that matches.
    pub action: InterferenceAction,
    /// `forge-dns`: the addresses to answer with. Those of the family asked for are used.
    #[serde(default)]
    pub answers: Vec<IpAddr>,
    /// `throttle`: the speed left to all matching packets together, in kbit/s.
    pub rate_kbps: Option<u64>,
    /// `kill`: how long after its first packet a connection is cut, in ms.
    pub after_ms: Option<u64>,
    /// `reject`: what the sender is told.
    pub code: Option<RejectCode>,
    /// `reset`, `kill`: the share of the connections that it hits, drawn for each. (0…1) Default 1.
    #[serde(default = "InterferenceRule::default_share")]
    pub share: f64,
    /// Where on the path it stands: 0 at the sender, 1 at the receiver. Default 0.5.
    #[serde(default = "InterferenceRule::default_at")]
    pub at: f64,
}

/// Which packets a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Every packet.
    #[default]
    Any,
    /// ICMP and ICMPv6.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// What interference does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterferenceAction {
    /// The packet vanishes; with `names`, so does the rest of its connection.
    Drop,
    /// TCP: both ends receive a reset, and the connection's packets no longer pass.
    Reset,
    /// DNS over UDP: a forged answer is sent back; the query goes on, its true answer comes later.
    ForgeDns,
    /// The matching packets share a slow link with a queue of 64 KiB.
    Throttle,
    /// TCP: the connection is reset at both ends some time after its first packet.
    Kill,
    /// The packet is refused with an ICMP message.
    Reject,
}

/// The ICMP message of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RejectCode {
    /// Network (IPv6: no route) unreachable.
    Net,
    /// Host (IPv6: address) unreachable.
    Host,
    /// Port unreachable.
    Port,
    /// Administratively prohibited.
    Prohibited,
    /// TTL (IPv6: hop limit) exceeded in transit, as in a routing loop.
    TtlExceeded,
}

impl InterferenceRule {
    const fn default_at() -> f64 {
        0.5
    }

    const fn default_share() -> f64 {
        1.0
    }

    /// Everything that is wrong with the rule.
    pub fn problems(&self) -> Vec<String> {
        use InterferenceAction as Action;
        let mut problems = Vec::new();
        if !(0.0..=1.0).contains(&self.at) {
            problems.push(format!("at is {}; it is a place on the path, 0…1", self.at));
        }
        if !(0.0..=1.0).contains(&self.share) {
            problems.push(format!("share is {}; it is a share of connections, 0…1", self.share));
        } else if self.share < 1.0 && !matches!(self.action, Action::Reset | Action::Kill) {
            problems.push("share belongs to actions \"reset\" and \"kill\" only".into());
        }
        let mut belongs = |key: &str, given: bool, to: Action, name: &str| {
            if given && self.action != to {
                problems.push(format!("{key} belongs to action = {name:?} only"));
            } else if !given && self.action == to {
                problems.push(format!("action = {name:?} needs {key}"));
            }
        };
        belongs("answers", !self.answers.is_empty(), Action::ForgeDns, "forge-dns");
        belongs("rate-kbps", self.rate_kbps.is_some(), Action::Throttle, "throttle");
        belongs("after-ms", self.after_ms.is_some(), Action::Kill, "kill");
        belongs("code", self.code.is_some(), Action::Reject, "reject");
        if self.rate_kbps == Some(0) {
            problems.push("rate-kbps is above 0; use action = \"drop\" to let nothing pass".into());
        }
        let needs = match self.action {
            Action::Reset | Action::Kill => Some(Protocol::Tcp),
            Action::ForgeDns => Some(Protocol::Udp),
            Action::Drop | Action::Throttle | Action::Reject => None,
        };
        if let Some(protocol) = needs
            && self.protocol != protocol
        {
            problems.push(
                format!("action = {:?} needs protocol = {protocol:?}", self.action).to_lowercase(),
            );
        }
        if !self.names.is_empty() && !matches!(self.protocol, Protocol::Tcp | Protocol::Udp) {
            problems.push("names need protocol = \"tcp\" (TLS) or \"udp\" (DNS)".into());
        }
        if !self.names.is_empty() && matches!(self.action, Action::Throttle | Action::Reject) {
            problems.push("throttle and reject go by protocol and port, not by names".into());
        }
        if !self.ports.is_empty() && !matches!(self.protocol, Protocol::Tcp | Protocol::Udp) {
            problems.push("ports need protocol = \"tcp\" or \"udp\"".into());
        }
        problems
    }

    /// Whether `name` (any case, with or without a final dot) is one of the rule's names.
    pub fn names_match(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.names.iter().any(|pattern| match pattern.strip_prefix("*.") {
            Some(parent) => {
                name.len() > parent.len() + 1
                    && name.is_char_boundary(name.len() - parent.len())
                    && name[name.len() - parent.len()..].eq_ignore_ascii_case(parent)
                    && name.as_bytes()[name.len() - parent.len() - 1] == b'.'
            }
            None => name.eq_ignore_ascii_case(pattern),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> InterferenceRule {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn names_match_whole_labels_in_any_case() {
        let rule = rule("protocol = 'tcp'\naction = 'drop'\nnames = ['a.test', '*.b.test']");
        for name in ["a.test", "A.Test.", "x.b.test", "y.x.B.test"] {
            assert!(rule.names_match(name), "{name}");
        }
        for name in ["b.test", "xb.test", "xa.test", "", ".b.test", "é.c.test"] {
            assert!(!rule.names_match(name), "{name}");
        }
    }

    #[test]
    fn keys_belong_to_their_actions() {
        assert!(rule("action = 'drop'").problems().is_empty());
        let problems = rule("action = 'throttle'\nafter-ms = 5").problems().join("; ");
        assert!(problems.contains("after-ms belongs") && problems.contains("needs rate-kbps"));
        let problems = rule("action = 'drop'\nshare = 0.5").problems().join("; ");
        assert!(problems.contains("share belongs"), "{problems}");
        let problems = rule("action = 'reset'").problems().join("; ");
        assert!(problems.contains("tcp"), "{problems}");
    }
}

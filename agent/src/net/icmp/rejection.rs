//! What ICMP errors about an echo mean.

use std::net::IpAddr;

use vantage_wire::{Failure, FailureCode, Phase};

/// An ICMP or ICMPv6 error about an echo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection {
    /// Whether it is ICMPv6.
    pub ipv6: bool,
    /// Its type.
    pub kind: u8,
    /// Its code.
    pub code: u8,
    /// Of "packet too big": the bytes that would fit.
    pub info: u32,
    /// Who sent it.
    pub from: Option<IpAddr>,
}

impl Rejection {
    /// The failure it means for an echo sent from `own`; `None` where it is only advice (a
    /// redirect, a source quench) and the echo may still be answered.
    pub fn failure(self, own: Option<IpAddr>) -> Option<Failure> {
        let (code, meaning) = self.meaning()?;
        // The machine itself found nobody on its link to hand the packet to.
        let code =
            if self.from.is_some() && self.from == own && code == FailureCode::IcmpUnreachable {
                FailureCode::AgentOffline
            } else {
                code
            };
        let Self { kind, code: number, .. } = self;
        let mut detail = format!("{meaning} (type {kind} code {number})");
        if let Some(from) = self.from {
            detail = format!("{detail} from {from}");
        }
        Some(Failure::in_phase(code, Phase::Rtt, &detail))
    }

    fn meaning(self) -> Option<(FailureCode, String)> {
        if self.ipv6 { self.meaning_v6() } else { self.meaning_v4() }
    }

    /// RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1.
    fn meaning_v4(self) -> Option<(FailureCode, String)> {
        use FailureCode::{IcmpProhibited, IcmpTtlExceeded, IcmpUnreachable};
        let (code, meaning) = match (self.kind, self.code) {
            (3, 0 | 6 | 8 | 11) => (IcmpUnreachable, "network unreachable"),
            (3, 1 | 7 | 12) => (IcmpUnreachable, "host unreachable"),
            (3, 2) => (IcmpUnreachable, "protocol unreachable"),
            (3, 3) => (IcmpUnreachable, "port unreachable"),
            (3, 4) => return Some((IcmpUnreachable, self.too_big())),
            (3, 9) => (IcmpProhibited, "network prohibited"),
            (3, 10) => (IcmpProhibited, "host prohibited"),
            (3, 13) => (IcmpProhibited, "communication prohibited"),
            (3, _) => (IcmpUnreachable, "unreachable"),
            (11, 1) => (IcmpUnreachable, "fragments lost"),
            (11, _) => (IcmpTtlExceeded, "TTL exceeded"),
            (12, _) => (IcmpUnreachable, "parameter problem"),
            _ => return None,
        };
        Some((code, meaning.to_owned()))
    }

    /// RFC 4443 §3; of "unreachable", the codes 5 and 6 are "more informative subsets of code 1".
    fn meaning_v6(self) -> Option<(FailureCode, String)> {
        use FailureCode::{IcmpProhibited, IcmpTtlExceeded, IcmpUnreachable};
        let (code, meaning) = match (self.kind, self.code) {
            (1, 0) => (IcmpUnreachable, "no route"),
            (1, 1) => (IcmpProhibited, "communication prohibited"),
            (1, 2) => (IcmpUnreachable, "beyond scope of source address"),
            (1, 3) => (IcmpUnreachable, "address unreachable"),
            (1, 4) => (IcmpUnreachable, "port unreachable"),
            (1, 5) => (IcmpProhibited, "source address prohibited"),
            (1, 6) => (IcmpProhibited, "route rejected"),
            (1, _) => (IcmpUnreachable, "unreachable"),
            (2, _) => return Some((IcmpUnreachable, self.too_big())),
            (3, 1) => (IcmpUnreachable, "fragments lost"),
            (3, _) => (IcmpTtlExceeded, "hop limit exceeded"),
            (4, _) => (IcmpUnreachable, "parameter problem"),
            _ => return None,
        };
        Some((code, meaning.to_owned()))
    }

    fn too_big(self) -> String {
        format!("packet too big, {} bytes would fit", self.info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(ipv6: bool, kind: u8, code: u8) -> Option<FailureCode> {
        let rejection = Rejection { ipv6, kind, code, info: 0, from: None };
        rejection.failure(None).map(|failure| failure.code)
    }

    #[test]
    fn every_error_has_its_failure_and_advice_has_none() {
        use FailureCode::{IcmpProhibited, IcmpTtlExceeded, IcmpUnreachable};
        for number in 0..=u8::MAX {
            let prohibited = |codes: &[u8]| {
                Some(if codes.contains(&number) { IcmpProhibited } else { IcmpUnreachable })
            };
            assert_eq!(code(false, 3, number), prohibited(&[9, 10, 13]), "v4 code {number}");
            assert_eq!(code(true, 1, number), prohibited(&[1, 5, 6]), "v6 code {number}");
        }
        assert_eq!(code(false, 11, 0), Some(IcmpTtlExceeded));
        assert_eq!(code(true, 3, 0), Some(IcmpTtlExceeded));
        assert_eq!(code(false, 11, 1), Some(IcmpUnreachable));
        assert_eq!(code(true, 2, 0), Some(IcmpUnreachable));
        for (ipv6, kind) in [(false, 4), (false, 5), (true, 137)] {
            assert_eq!(code(ipv6, kind, 0), None);
        }
    }

    #[test]
    fn what_the_machine_itself_reports_is_its_own_trouble() {
        let own: IpAddr = "192.0.2.1".parse().unwrap();
        let rejection = Rejection { ipv6: false, kind: 3, code: 1, info: 0, from: Some(own) };
        assert_eq!(rejection.failure(Some(own)).unwrap().code, FailureCode::AgentOffline);
        let failure = rejection.failure(Some("192.0.2.9".parse().unwrap())).unwrap();
        assert_eq!(failure.code, FailureCode::IcmpUnreachable);
        assert_eq!(failure.detail.as_str(), "host unreachable (type 3 code 1) from 192.0.2.1");
    }
}

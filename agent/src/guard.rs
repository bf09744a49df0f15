//! Addresses that agents refuse to probe.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use vantage_wire::{Failure, FailureCode};

/// Decides about every address after its resolution, at every attempt: a name that begins to
/// resolve to a private address (DNS rebinding) is refused from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    allow_private: bool,
}

impl Guard {
    /// Public addresses only.
    pub const PUBLIC_ONLY: Self = Self { allow_private: false };
    /// Any address but multicast and unspecified ones: for a person at a terminal, or where the
    /// catalogue says `allow_private = true`.
    pub const ALLOW_PRIVATE: Self = Self { allow_private: true };

    /// Lets an address pass.
    ///
    /// # Errors
    /// `target_denied`, with the address and the reason.
    pub fn check(self, address: IpAddr) -> Result<(), Failure> {
        let address = address.to_canonical();
        let reason = never(address).or_else(|| not_public(address).filter(|_| !self.allow_private));
        match reason {
            None => Ok(()),
            Some(reason) => {
                Err(Failure::new(FailureCode::TargetDenied, &format!("{address} is {reason}")))
            }
        }
    }
}

/// Addresses that no single host answers.
fn never(address: IpAddr) -> Option<&'static str> {
    if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_unspecified() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("no host's address")
    } else {
        None
    }
}

/// Addresses that lie within the agent's own network, or its machine. Cloud metadata services
/// (169.254.169.254, `fd00:ec2::254`, …) are among the link-local and unique-local ones; Alibaba's
/// (100.100.100.200) is in the shared range.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, ..] = address.octets();
    if address.is_loopback() {
        Some("a loopback address")
    } else if address.is_private() {
        Some("a private address")
    } else if address.is_link_local() {
        Some("a link-local address")
    } else if first == 100 && second & 0xc0 == 64 {
        Some("a shared address (RFC 6598)")
    } else if first == 0 || first >= 240 {
        Some("a reserved address")
    } else {
        None
    }
}

fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    if address.is_loopback() {
        Some("a loopback address")
    } else if address.is_unique_local() {
        Some("a private address")
    } else if address.is_unicast_link_local() {
        Some("a link-local address")
    } else if segments[0] & 0xffc0 == 0xfec0 {
        Some("a site-local address")
    } else if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        // NAT64 (RFC 6052) leads to the IPv4 address in its last 32 bits.
        let [.., a, b, c, d] = address.octets();
        not_public_v4(Ipv4Addr::new(a, b, c, d))
    } else if segments[0] == 0x2002 {
        // 6to4 (RFC 3056) leads to the IPv4 address behind its prefix.
        let [_, _, a, b, c, d, ..] = address.octets();
        not_public_v4(Ipv4Addr::new(a, b, c, d))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ones_own_network_are_refused_unless_allowed() {
        for address in [
            "127.0.0.1",
            "127.8.9.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.1.2.3",
            "250.0.0.1",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "fec0::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
        ] {
            let address: IpAddr = address.parse().unwrap();
            let failure = Guard::PUBLIC_ONLY.check(address).unwrap_err();
            assert_eq!(failure.code, FailureCode::TargetDenied, "{address}");
            assert!(Guard::ALLOW_PRIVATE.check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn nobodys_addresses_are_always_refused() {
        for address in ["224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1"] {
            assert!(Guard::ALLOW_PRIVATE.check(address.parse().unwrap()).is_err(), "{address}");
        }
    }

    #[test]
    fn public_addresses_pass() {
        for address in
            ["192.0.2.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2001:db8::1", "64:ff9b::808:808"]
        {
            assert!(Guard::PUBLIC_ONLY.check(address.parse().unwrap()).is_ok(), "{address}");
        }
    }
}

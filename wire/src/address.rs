//! Which addresses are somebody's own network rather than a target.
//!
//! Agents decide by it about every address they are about to probe, after its resolution; the
//! aggregator refuses by it what every agent would refuse.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address may not be probed; `None` where it may.
///
/// Multicast, broadcast and unspecified addresses, which no single host answers, never may. With
/// `allow_private` all others may; without it only public ones, so none that lies within the
/// agent's own network or its machine. Cloud metadata services (169.254.169.254, `fd00:ec2::254`,
/// …) are among the link-local and unique-local ones; Alibaba's (100.100.100.200) is in the shared
/// range. Addresses that stand for an IPv4 address are judged by that.
pub fn refused(address: IpAddr, allow_private: bool) -> Option<&'static str> {
    let address = address.to_canonical();
    if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_unspecified() || address == IpAddr::V4(Ipv4Addr::BROADCAST) {
        Some("no host's address")
    } else if allow_private {
        None
    } else {
        match address {
            IpAddr::V4(address) => not_public_v4(address),
            IpAddr::V6(address) => not_public_v6(address),
        }
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

//! Hosts that may be probed.
//!
//! Agents decide about addresses at every attempt, after the name was resolved. What every agent
//! would refuse is refused here first, where the operator still sees it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Whether a text can be a DNS name: letters, digits, hyphens and underscores.
pub fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    // A name such as `1.2.3` or `256.1.1.1` is a mistyped address.
    let all_digits = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(label)
        && !name.rsplit('.').next().is_some_and(all_digits)
}

/// An address, in brackets or not.
pub fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.unwrap_or(host).parse().ok()
}

/// An address with a port from 1, or with the one implied.
pub fn socket_address(text: &str, implied: Option<u16>) -> Option<SocketAddr> {
    match (address(text), implied) {
        (Some(address), Some(port)) => Some(SocketAddr::new(address, port)),
        _ => text.parse().ok().filter(|address: &SocketAddr| address.port() != 0),
    }
}

/// Why an address may not be probed; `None` where it may.
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

/// Whether a name always leads to the agent's own machine (RFC 6761 §6.3).
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
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
    fn addresses_of_the_agents_own_network_need_leave() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "0.1.2.3",
            "250.0.0.1",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "fec0::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::1",
        ] {
            let address = address(text).unwrap();
            assert!(refused(address, false).is_some(), "{text}");
            assert_eq!(refused(address, true), None, "{text}");
        }
        for text in ["224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "ff02::1"] {
            assert!(refused(address(text).unwrap(), true).is_some(), "{text}");
        }
        for text in ["192.0.2.1", "8.8.8.8", "100.128.0.1", "[2001:db8::1]", "64:ff9b::808:808"] {
            assert_eq!(refused(address(text).unwrap(), false), None, "{text}");
        }
    }

    #[test]
    fn mistyped_addresses_are_no_names() {
        for text in ["256.1.1.1", "1.2.3", "", ".", "a..b", "a b", "é.example", "-"] {
            assert_eq!(is_name(text), text == "-", "{text}");
        }
        assert!(is_name("_dns.example.") && is_name("xn--fsq.example"));
    }

    #[test]
    fn a_server_has_a_port_or_the_usual_one() {
        let read = |text, implied| socket_address(text, implied).map(|at| at.to_string());
        assert_eq!(read("192.0.2.1", Some(53)).as_deref(), Some("192.0.2.1:53"));
        assert_eq!(read("2001:db8::1", Some(53)).as_deref(), Some("[2001:db8::1]:53"));
        assert_eq!(read("192.0.2.1:54", Some(53)).as_deref(), Some("192.0.2.1:54"));
        assert_eq!(read("192.0.2.1", None), None);
        assert_eq!(read("192.0.2.1:0", None), None);
        assert_eq!(read("host:53", Some(53)), None);
    }
}

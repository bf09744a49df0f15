//! How hosts are written.

use std::net::{IpAddr, SocketAddr};

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

/// Whether a name always leads to the agent's own machine (RFC 6761 §6.3).
pub fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

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

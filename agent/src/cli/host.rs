//! The host of a target, with its port where it has one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::target_error::TargetError;
use crate::spec::Host;

/// The text after the last colon, where it can be meant as a port.
pub fn port_of(text: &str) -> Option<&str> {
    let (host, port) = text.rsplit_once(':')?;
    (!host.contains(':') || host.ends_with(']')).then_some(port)
}

/// Reads a host and its port; `target` is the whole target, for messages.
///
/// # Errors
/// When there is no host, or host or port make no sense.
pub fn host_and_port(target: &str, text: &str) -> Result<(Host, Option<u16>), TargetError> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok((Host::Address(address), None));
    }
    let (host, port) = match port_of(text) {
        Some(port) => (&text[..text.len() - port.len() - 1], Some(port)),
        None => (text, None),
    };
    let wrong_port =
        |port: &str| TargetError::Port { target: target.to_owned(), port: port.to_owned() };
    if host.is_empty() {
        return Err(TargetError::NoHost(target.to_owned()));
    }
    let host = parse_host(host)
        .ok_or_else(|| TargetError::Host { target: target.to_owned(), host: host.to_owned() })?;
    let port = port
        .map(|port| port.parse().ok().filter(|port| *port != 0).ok_or_else(|| wrong_port(port)))
        .transpose()?;
    Ok((host, port))
}

fn parse_host(text: &str) -> Option<Host> {
    if let Some(bare) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return bare.parse::<Ipv6Addr>().ok().map(|address| Host::Address(address.into()));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Host::Address(address));
    }
    is_name(text).then(|| Host::Name(text.to_owned()))
}

/// Whether a text can be a DNS name: what the resolver makes of it is another matter.
pub fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253
        && name.split('.').all(label)
        // A name such as `1.2.3` or `256.1.1.1` is a mistyped address.
        && !name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An address with a port, or with the one implied.
pub fn socket_address(text: &str, implied: u16) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(address) => Some(SocketAddr::new(address, implied)),
        Err(_) => text.parse().ok().filter(|address: &SocketAddr| address.port() != 0),
    }
}

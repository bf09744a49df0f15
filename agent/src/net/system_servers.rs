//! The DNS servers that the system asks.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use resolv_conf::{Config, ScopedIp};

const PATH: &str = "/etc/resolv.conf";
const DNS_PORT: u16 = 53;

/// The system's configuration of resolvers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ResolverError {
    /// `/etc/resolv.conf` cannot be read.
    #[error(
        "failed to read {PATH}; create it with a line such as \"nameserver 192.0.2.53\", \
         or name the DNS servers to ask"
    )]
    Read(#[source] io::Error),
    /// A server is to be reached by a network interface that is not there.
    #[error("{PATH} names server {address} on interface {interface:?}, which is not there")]
    Interface {
        /// The server.
        address: Ipv6Addr,
        /// The interface.
        interface: String,
    },
}

/// Reads `/etc/resolv.conf` as it is now.
pub fn system_servers() -> Result<Vec<SocketAddr>, ResolverError> {
    servers(&fs::read(PATH).map_err(ResolverError::Read)?)
}

/// At most three servers, as the C library; the machine itself where none is named
/// (`resolv.conf(5)`). Lines that make no sense are ignored, as there.
fn servers(text: &[u8]) -> Result<Vec<SocketAddr>, ResolverError> {
    let (mut config, _ignored) = Config::parse_with_errors(text);
    config.glibc_normalize();
    if config.nameservers.is_empty() {
        return Ok(vec![(Ipv4Addr::LOCALHOST, DNS_PORT).into()]);
    }
    config.nameservers.into_iter().map(with_port).collect()
}

fn with_port(address: ScopedIp) -> Result<SocketAddr, ResolverError> {
    let (address, interface) = match address {
        ScopedIp::V4(address) => return Ok((address, DNS_PORT).into()),
        ScopedIp::V6(address, None) => return Ok((address, DNS_PORT).into()),
        ScopedIp::V6(address, Some(interface)) => (address, interface),
    };
    // By number, or by a name whose number the kernel tells.
    let number = interface.parse().ok().or_else(|| {
        let file = format!("/sys/class/net/{interface}/ifindex");
        fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    match number {
        Some(number) => Ok(SocketAddrV6::new(address, DNS_PORT, 0, number).into()),
        None => Err(ResolverError::Interface { address, interface }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> String {
        let servers = servers(text.as_bytes()).unwrap();
        servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn servers_are_read_as_the_c_library_reads_them() {
        let text = "# by hand\nsearch shop.test\nnameserver 192.0.2.1\nnonsense\n\
                    nameserver 2001:db8::1\nnameserver no.address\noptions ndots:5\n\
                    nameserver fe80::1%2\nnameserver 192.0.2.4\n";
        assert_eq!(list(text), "192.0.2.1:53 [2001:db8::1]:53 [fe80::1%2]:53");
        assert_eq!(list("search shop.test\n"), "127.0.0.1:53");
        assert_eq!(list("\u{fffd}\0\n"), "127.0.0.1:53");
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        assert_eq!(list("nameserver fe80::1%lo"), "[fe80::1%1]:53");
        let error = servers(b"nameserver fe80::1%nosuch0").unwrap_err().to_string();
        assert!(error.contains("fe80::1 on interface \"nosuch0\""), "{error}");
    }
}

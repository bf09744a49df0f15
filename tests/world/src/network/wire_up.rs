//! Turns empty namespaces into hosts and a router.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::path::Path;

use netlink_packet_route::AddressFamily;
use nix::net::if_::if_nametoindex;

use super::namespace::Namespace;
use super::netlink::Netlink;
use crate::sys::disable_offloads;

/// The name of a host's one link.
pub const HOST_LINK: &str = "wan0";
/// The MAC address that the links of all hosts share.
pub const HOST_MAC: [u8; 6] = [0x02, 0x00, 0x5e, 0x00, 0x53, 0x01];
const ROUTER_SETTINGS: &[Setting] = &[
    // The router's links carry the hosts' traffic; its kernel has nothing to say on them.
    Setting { path: "ipv6/conf/default/disable_ipv6", values: &["1"] },
];
const HOST_SETTINGS: &[Setting] = &[
    // No autoconfiguration: a packet in this world is one that a program caused.
    Setting { path: "ipv6/conf/default/accept_ra", values: &["0"] },
    Setting { path: "ipv6/conf/default/addr_gen_mode", values: &["1"] },
    Setting { path: "ipv6/conf/default/dad_transmits", values: &["0"] },
    Setting { path: "ipv6/conf/default/router_solicitations", values: &["0"] },
    // Each connection meets the path as it is, not as an earlier one remembers it.
    Setting { path: "ipv4/tcp_no_metrics_save", values: &["1"] },
    // A thousand connections a second, each waiting out a minute after its end, need the room.
    Setting { path: "ipv4/ip_local_port_range", values: &["10000 65535"] },
    // "Port unreachable" as often as it is true.
    Setting { path: "ipv4/icmp_ratelimit", values: &["0"] },
    Setting { path: "ipv6/icmp/ratelimit", values: &["0"] },
];

/// Datagram ICMP sockets for everybody; in a user namespace with one group, for that group. A new
/// namespace has them for nobody.
const PING_SOCKETS: Setting =
    Setting { path: "ipv4/ping_group_range", values: &["0 2147483647", "0 0"] };

/// One line under `/proc/sys/net` of a namespace; the first value the kernel takes is kept.
struct Setting {
    path: &'static str,
    values: &'static [&'static str],
}

impl Setting {
    /// Writes the value for the namespace of the calling thread. A kernel that lacks the setting
    /// (a minimal build, IPv6 off) runs with its default.
    fn write(&self) -> io::Result<()> {
        let path = Path::new("/proc/sys/net").join(self.path);
        let mut result = Ok(());
        for value in self.values {
            result = std::fs::write(&path, value);
            match &result {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(_) => {}
            }
        }
        result.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}

/// The router's end of a host's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLink {
    /// Its index in the router's namespace.
    pub index: u32,
}

/// Prepares the router's namespace, before any link is added.
///
/// # Errors
/// The operating system's, with the setting that failed.
pub fn wire_up_router(router: &Namespace) -> io::Result<()> {
    router.run(|| ROUTER_SETTINGS.iter().try_for_each(Setting::write))?
}

/// Links a host's namespace to the router's and gives it its addresses, default routes and
/// settings. `number` must differ between the hosts of a world.
///
/// # Errors
/// The operating system's, at the first step that fails.
pub fn wire_up_host(
    router: &Namespace,
    host: &Namespace,
    number: usize,
    ipv4: Ipv4Addr,
    ipv6: Ipv6Addr,
    ping_sockets: bool,
) -> io::Result<HostLink> {
    let settings = HOST_SETTINGS.iter().chain(ping_sockets.then_some(&PING_SOCKETS));
    host.run(|| settings.into_iter().try_for_each(Setting::write))??;
    let router_link = format!("host{number}");
    let index = router.run(|| -> io::Result<u32> {
        let netlink = Netlink::open()?;
        netlink.add_veth(&router_link, HOST_LINK, HOST_MAC, host.fd().as_fd())?;
        disable_offloads(&router_link)?;
        let index = if_nametoindex(router_link.as_str())?;
        netlink.set_up(index)?;
        Ok(index)
    })??;
    host.run(|| -> io::Result<()> {
        let netlink = Netlink::open()?;
        disable_offloads(HOST_LINK)?;
        netlink.set_up(if_nametoindex("lo")?)?;
        let link = if_nametoindex(HOST_LINK)?;
        netlink.set_up(link)?;
        netlink.add_address(link, IpAddr::V4(ipv4))?;
        netlink.add_address(link, IpAddr::V6(ipv6))?;
        netlink.add_default_route(link, AddressFamily::Inet)?;
        netlink.add_default_route(link, AddressFamily::Inet6)
    })??;
    Ok(HostLink { index })
}

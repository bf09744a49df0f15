//! Hosts as the kernel sees them: network namespaces, each with one link to the router.
//!
//! All namespaces are anonymous: they are held by open descriptors only and vanish with the
//! process, however it ends. Every host's link has the same MAC address and no ARP, so a frame
//! may be handed from any host to any other unchanged (a link without ARP addresses its frames to
//! its own MAC).

mod namespace;
mod netlink;
mod resolv_conf;
mod wire_up;

pub use namespace::Namespace;
pub use resolv_conf::ResolvConf;
pub use wire_up::{HOST_LINK, HOST_MAC, wire_up_host, wire_up_router};

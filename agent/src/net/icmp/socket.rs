//! ICMP sockets: which kind the machine lets us have, and how they are set up.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::message::nonce;
use crate::net::sys::{receive_details, stamp_packets};

/// A kind of ICMP socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// A datagram socket (`icmp(7)`), which needs no privilege but a group in
    /// `net.ipv4.ping_group_range`. The kernel chooses the identifier.
    Datagram,
    /// A raw socket (`raw(7)`), which needs `CAP_NET_RAW`. We choose the identifier.
    Raw,
}

impl fmt::Display for SocketKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Datagram => "datagram",
            Self::Raw => "raw",
        })
    }
}

/// Why there is no ICMP socket. The text of [`AccessError::Denied`] says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Neither kind is allowed.
    #[error(
        "no ICMP socket is allowed: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\" or grant CAP_NET_RAW"
    )]
    Denied,
    /// The machine cannot give one, whatever is allowed: no descriptors, no such family.
    #[error("failed to open an ICMP socket")]
    System(#[source] io::Error),
}

/// Which kind of ICMP socket the calling process may use. Nothing is sent.
///
/// # Errors
/// Why it may use none.
pub fn access(ipv6: bool) -> Result<SocketKind, AccessError> {
    open(ipv6).map(|(_, kind)| kind)
}

fn open(ipv6: bool) -> Result<(Socket, SocketKind), AccessError> {
    let (domain, protocol) =
        if ipv6 { (Domain::IPV6, Protocol::ICMPV6) } else { (Domain::IPV4, Protocol::ICMPV4) };
    let mut refused = None;
    for (type_, kind) in [(Type::DGRAM, SocketKind::Datagram), (Type::RAW, SocketKind::Raw)] {
        match Socket::new(domain, type_.nonblocking(), Some(protocol)) {
            Ok(socket) => return Ok((socket, kind)),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            // A kernel without this kind, or out of descriptors for both.
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.map_or(AccessError::Denied, AccessError::System))
}

/// An ICMP socket that receives the answers of one target to one identifier.
#[derive(Debug)]
pub struct IcmpSocket {
    /// The socket, which does not block.
    pub socket: Socket,
    /// Its kind.
    pub kind: SocketKind,
    /// The identifier its echoes must bear.
    pub identifier: u16,
    /// The machine's own address toward the target.
    pub own: Option<IpAddr>,
}

/// Why an ICMP socket could not be set up for a target.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is none.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The operating system refused: no route to the target, for one.
    #[error("failed to prepare an ICMP socket")]
    System(#[from] io::Error),
}

impl IcmpSocket {
    /// Opens a socket toward a target, whose requests may take `ttl` hops.
    ///
    /// # Errors
    /// Why there is none; nothing was sent.
    pub fn open(target: IpAddr, ttl: u8) -> Result<Self, SetupError> {
        let ipv6 = target.is_ipv6();
        let (socket, kind) = open(ipv6)?;
        // Without stamps the answers are timed in user space.
        let _ = stamp_packets(&socket);
        receive_details(&socket, ipv6)?;
        if ipv6 {
            socket.set_unicast_hops_v6(ttl.into())?;
        } else {
            socket.set_ttl_v4(ttl.into())?;
        }
        let chosen = nonce();
        if kind == SocketKind::Raw {
            socket.attach_filter(&replies_to(chosen, ipv6))?;
        }
        socket.connect(&SocketAddr::new(target, 0).into())?;
        let own = socket.local_addr()?.as_socket();
        let identifier = match kind {
            // Where others have ports, these sockets have identifiers.
            SocketKind::Datagram => own.map_or(0, |own| own.port()),
            SocketKind::Raw => chosen,
        };
        Ok(Self { socket, kind, identifier, own: own.map(|own| own.ip()) })
    }
}

/// A filter (classic BPF) that lets pass the echo replies with this identifier. Without it, each
/// raw socket would wake up for the answers to all others.
fn replies_to(identifier: u16, ipv6: bool) -> Vec<SockFilter> {
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_BYTE_INDEXED: u16 = 0x50;
    const LOAD_HALF_INDEXED: u16 = 0x48;
    const INDEX_BY_IPV4_HEADER: u16 = 0xb1;
    const SKIP_UNLESS_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let statement = |code, value| SockFilter::new(code, 0, 0, value);
    let unless_equal = |value, skip| SockFilter::new(SKIP_UNLESS_EQUAL, 0, skip, value);
    let (byte, half, reply) =
        if ipv6 { (LOAD_BYTE, LOAD_HALF, 129) } else { (LOAD_BYTE_INDEXED, LOAD_HALF_INDEXED, 0) };
    // An IPv4 packet comes with its header, an IPv6 one without.
    let index = (!ipv6).then(|| statement(INDEX_BY_IPV4_HEADER, 0));
    let checks = [
        statement(byte, 0),
        unless_equal(reply, 3),
        statement(half, 4),
        unless_equal(identifier.into(), 1),
        statement(RETURN, u32::MAX),
        statement(RETURN, 0),
    ];
    index.into_iter().chain(checks).collect()
}

/// Keeps the kernel stamping packets for as long as it lives.
///
/// Stamping is switched on for the whole machine with the first socket that asks and off with the
/// last, each time a moment later and at some cost: with a socket per echo and nothing else, most
/// answers would come without a stamp.
#[derive(Debug)]
pub struct StampingOn {
    _socket: Socket,
}

impl StampingOn {
    /// Switches stamping on; `None` where that is not possible and user space has to time.
    pub fn keep() -> Option<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)
            .or_else(|_| Socket::new(Domain::IPV6, Type::DGRAM, None))
            .ok()?;
        stamp_packets(&socket).ok()?;
        Some(Self { _socket: socket })
    }
}

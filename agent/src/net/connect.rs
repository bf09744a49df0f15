//! TCP connections of the kernel, timed by the kernel.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::time::Instant;
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use super::error::{Origin, classify_io};
use super::resolver::Resolver;
use super::sys::tcp_info;
use super::{Connected, Handshake, Network};

/// The machine's own network.
#[derive(Debug, Clone)]
pub struct TcpNetwork {
    resolver: Resolver,
}

impl TcpNetwork {
    /// The machine's TCP, and this resolver for names.
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver }
    }
}

impl Network for TcpNetwork {
    type Stream = TcpStream;

    async fn connect(&self, to: SocketAddr) -> Result<Connected<TcpStream>, Failure> {
        dial(to).await
    }

    async fn resolve(
        &self,
        name: &str,
        family: Family,
        deadline: Instant,
    ) -> Result<Vec<IpAddr>, Failure> {
        self.resolver.resolve(name, family, deadline).await
    }

    fn resolver(&self) -> &Resolver {
        &self.resolver
    }
}

/// Opens a connection.
pub async fn dial(to: SocketAddr) -> Result<Connected<TcpStream>, Failure> {
    // What the kernel refuses at once, before anything was sent, is the agent's own trouble;
    // what it reports later comes from the path or the target.
    let failed = |origin| move |error| classify_io(&error, Phase::Connect, origin);
    let socket = open(to).map_err(failed(Origin::Local))?;
    let start = Instant::now();
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        Err(error) if without_port(&error, to) => {
            let detail = "no local port is left toward this address";
            return Err(Failure::in_phase(FailureCode::AgentResource, Phase::Connect, detail));
        }
        Err(error) => return Err(classify_io(&error, Phase::Connect, Origin::Local)),
    }
    let stream = TcpStream::from_std(socket.into()).map_err(failed(Origin::Local))?;
    stream.writable().await.map_err(failed(Origin::Local))?;
    let user_space = start.elapsed();
    // Read before anything else: every later exchange changes the kernel's estimate.
    let info = tcp_info(&stream);
    match stream.take_error() {
        Ok(None) => {}
        Ok(Some(error)) | Err(error) => {
            return Err(classify_io(&error, Phase::Connect, Origin::Remote));
        }
    }
    let info = info.map_err(failed(Origin::Local))?;
    let kernel = (info.retransmits == 0).then_some(info.rtt);
    let handshake = Handshake { kernel, user_space, syn_retransmits: info.retransmits };
    let local_port = stream.local_addr().ok().map(|address| address.port());
    Ok(Connected { stream, handshake, local_port })
}

/// Whether a connection failed for want of a port. TCP reports that like the want of an address to
/// send from, which an agent without a route has none of. A UDP socket has ports of its own: where
/// it finds an address, there is one. Nothing is sent.
fn without_port(error: &io::Error, to: SocketAddr) -> bool {
    let has_address = || {
        let socket = Socket::new(Domain::for_address(to), Type::DGRAM, Some(Protocol::UDP))?;
        socket.connect(&to.into())
    };
    error.raw_os_error() == Some(libc::EADDRNOTAVAIL) && has_address().is_ok()
}

fn open(to: SocketAddr) -> io::Result<Socket> {
    let kind = Type::STREAM.nonblocking();
    let socket = Socket::new(Domain::for_address(to), kind, Some(Protocol::TCP))?;
    // A request leaves when it is written.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

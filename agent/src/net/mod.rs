//! The network as probes see it.

mod connect;
pub mod control;
pub mod dns;
mod error;
pub mod icmp;
mod resolver;
mod sys;
mod system_servers;
pub mod tls;
mod udp;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use vantage_wire::Failure;
use vantage_wire::report::Family;

pub use connect::TcpNetwork;
pub use error::{Origin, classify_io, timeout};
pub use resolver::Resolver;
pub use sys::{ClockState, WallTime, clock_state};
pub(crate) use sys::{Timer, keep_little_memory, watch_timer};
pub use system_servers::ResolverError;
pub use udp::ConnectedUdp;

/// What HTTP, TLS and TCP probes need of the network. Production dials the kernel's TCP; tests may
/// put anything that reads and writes under a probe.
pub trait Network: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens a TCP connection, without a timeout of its own.
    fn connect(
        &self,
        to: SocketAddr,
    ) -> impl Future<Output = Result<Connected<Self::Stream>, Failure>> + Send;

    /// Finds the addresses of a name, in the resolver's order; never an empty list. No cache. The
    /// time until `deadline` is shared out among the servers to be asked; the caller ends a
    /// look-up that outlasts it.
    fn resolve(
        &self,
        name: &str,
        family: Family,
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<IpAddr>, Failure>> + Send;

    /// The resolver whose servers DNS probes ask where they are told no other.
    fn resolver(&self) -> &Resolver;
}

/// An open connection and how long its handshake took.
#[derive(Debug)]
pub struct Connected<S> {
    /// The connection.
    pub stream: S,
    /// How long the handshake took.
    pub handshake: Handshake,
    /// The port it was made from, by which its packets can be found in a capture.
    pub local_port: Option<u16>,
}

/// A TCP handshake, timed twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake {
    /// From the SYN leaving to the SYN-ACK arriving, by the kernel's own stamps (`TCP_INFO`).
    /// `None` where the kernel has no such figure: the SYN was sent again, or this is no kernel
    /// socket.
    pub kernel: Option<Duration>,
    /// From the system call to the notice that the connection is there.
    pub user_space: Duration,
    /// How often the SYN was sent again.
    pub syn_retransmits: u32,
}

impl Handshake {
    /// How long the handshake took: the kernel's figure where there is one. Where the SYN was
    /// sent again, the kernel's figure is that of the last one only, while the handshake took
    /// what user space saw, a second or more.
    pub fn took(self) -> Duration {
        self.kernel.unwrap_or(self.user_space)
    }
}

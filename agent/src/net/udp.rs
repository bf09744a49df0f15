//! A UDP socket connected to one peer, with its stamps and its errors: what QUIC runs over.
//!
//! quinn's own socket is not connected, so the kernel tells it nothing about ICMP errors and a
//! closed port would look like silence.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::Instant;

use super::sys::set_option;

/// A UDP socket that sends to one peer and receives from it only.
#[derive(Debug)]
pub struct ConnectedUdp {
    socket: UdpSocket,
    peer: SocketAddr,
    traffic: watch::Sender<Traffic>,
}

/// What has happened on a socket.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    /// When the first datagram since the last mark left.
    first_left: Option<Instant>,
    /// When the last datagram left.
    last_left: Option<Instant>,
    /// When the last datagram arrived.
    last_arrived: Option<Instant>,
    /// Datagrams sent.
    sent: u64,
    /// The last error that the network or the kernel reported about a datagram.
    errno: Option<i32>,
}

impl ConnectedUdp {
    /// Opens a socket of its own for this peer. Nothing is sent.
    ///
    /// # Errors
    /// The operating system's; all of them are about the agent's own machine.
    pub fn open(peer: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // QUIC's datagrams must not be fragmented (RFC 9000 §14). Errors are asked for because
        // the kernel else keeps all but "port unreachable" to itself.
        if peer.is_ipv4() {
            set_option(&socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)?;
            set_option(&socket, libc::IPPROTO_IP, libc::IP_RECVERR, 1)?;
        } else {
            set_option(
                &socket,
                libc::IPPROTO_IPV6,
                libc::IPV6_MTU_DISCOVER,
                libc::IPV6_PMTUDISC_PROBE,
            )?;
            set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVERR, 1)?;
        }
        socket.connect(&peer.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        Ok(Self { socket, peer, traffic: watch::Sender::default() })
    }

    /// Forgets when datagrams left so far, so that [`Self::first_left`] speaks of the next one.
    pub fn mark(&self) {
        self.traffic.send_modify(|traffic| traffic.first_left = None);
    }

    /// When the first datagram since the last mark was handed to the kernel.
    pub fn first_left(&self) -> Option<Instant> {
        self.traffic.borrow().first_left
    }

    /// When the last datagram was handed to the kernel.
    pub fn last_left(&self) -> Option<Instant> {
        self.traffic.borrow().last_left
    }

    /// When the last datagram was taken from the kernel.
    pub fn last_arrived(&self) -> Option<Instant> {
        self.traffic.borrow().last_arrived
    }

    /// How many datagrams have left.
    pub fn sent(&self) -> u64 {
        self.traffic.borrow().sent
    }

    /// Waits until more than so many datagrams have left.
    pub async fn sent_more_than(&self, count: u64) {
        // The sender is in `self`, so it cannot be gone.
        let _ = self.traffic.subscribe().wait_for(|traffic| traffic.sent > count).await;
    }

    /// Waits for an error that this lets pass: one that ICMP brought, or the kernel's own.
    pub async fn error(&self, matters: impl Fn(&io::Error) -> bool) -> io::Error {
        let mut traffic = self.traffic.subscribe();
        loop {
            let errno = traffic.borrow_and_update().errno;
            if let Some(error) = errno.map(io::Error::from_raw_os_error).filter(&matters) {
                return error;
            }
            tokio::select! {
                _ = traffic.changed() => {}
                _ = self.socket.ready(Interest::ERROR) => self.take_error(),
            }
        }
    }

    /// An error alone does not make a socket readable, so that nobody else would find it.
    fn take_error(&self) {
        let _ = self.socket.try_io(Interest::ERROR, || match self.socket.take_error() {
            Ok(Some(error)) => {
                self.note(&error);
                Ok(())
            }
            Ok(None) | Err(_) => Err(io::ErrorKind::WouldBlock.into()),
        });
    }

    fn note(&self, error: &io::Error) {
        let errno = error.raw_os_error();
        // A datagram too large for the path is one that was lost; QUIC copes.
        if errno != Some(libc::EMSGSIZE) {
            self.traffic.send_modify(|traffic| traffic.errno = errno);
        }
    }
}

impl AsyncUdpSocket for ConnectedUdp {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self))
    }

    /// Sends one datagram. Errors are noted, and the datagram counts as lost, as it might have
    /// been on its way.
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let before = Instant::now();
        // The first error may belong to an earlier datagram; then this one was not even tried.
        for _ in 0..2 {
            match self.socket.try_send(transmit.contents) {
                Ok(_) => {
                    self.traffic.send_modify(|traffic| {
                        traffic.first_left.get_or_insert(before);
                        traffic.last_left = Some(before);
                        traffic.sent += 1;
                    });
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                Err(error) => self.note(&error),
            }
        }
        Ok(())
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(meta)) = (buffers.first_mut(), meta.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            match self.socket.try_recv(buffer) {
                Ok(length) => {
                    let arrived = Instant::now();
                    self.traffic.send_if_modified(|traffic| {
                        traffic.last_arrived = Some(arrived);
                        // Nobody waits for this.
                        false
                    });
                    *meta = RecvMeta::default();
                    (meta.addr, meta.len, meta.stride) = (self.peer, length, length);
                    return Poll::Ready(Ok(1));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => self.note(&error),
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// Tells when the socket can be written to.
#[derive(Debug)]
struct Writable(Arc<ConnectedUdp>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Only the one connection of this socket waits here, so that one waker is enough.
        self.0.socket.poll_send_ready(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_an_error_at_once() {
        let free = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = free.local_addr().unwrap();
        drop(free);
        let socket = ConnectedUdp::open(peer).unwrap();
        socket.socket.writable().await.unwrap();
        assert_eq!(socket.first_left(), None);
        socket.try_send(&transmit(peer)).unwrap();
        assert!(socket.first_left().is_some());
        let error = socket.error(|_| true).await;
        assert_eq!(error.raw_os_error(), Some(libc::ECONNREFUSED));
    }

    #[tokio::test]
    async fn an_earlier_error_does_not_cost_a_datagram() {
        let free = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let peer = free.local_addr().unwrap();
        drop(free);
        let socket = ConnectedUdp::open(peer).unwrap();
        socket.socket.writable().await.unwrap();
        socket.try_send(&transmit(peer)).unwrap();
        let open = std::net::UdpSocket::bind(peer).unwrap();
        socket.try_send(&transmit(peer)).unwrap();
        assert_eq!(open.recv(&mut [0; 8]).unwrap(), 5);
        socket.sent_more_than(1).await;
    }

    fn transmit(destination: SocketAddr) -> Transmit<'static> {
        Transmit { destination, ecn: None, contents: b"hello", segment_size: None, src_ip: None }
    }
}

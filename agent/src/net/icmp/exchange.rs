//! One echo: send, wait, judge.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use socket2::Socket;
use vantage_wire::{Failure, FailureCode, Phase};

use super::message::{Echo, behind_ipv4_header};
use super::rejection::Rejection;
use super::round_trip::{Reading, RoundTrip, Stamps, round_trip};
use super::socket::{AccessError, IcmpSocket, SetupError, SocketKind};
use crate::net::control::Queued;
use crate::net::error::{Origin, classify_io};
use crate::net::sys::{PACKETS_AND_ERRORS, Queue, receive, watch};

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Bytes of payload.
    pub payload_bytes: u16,
    /// TTL or hop limit.
    pub ttl: u8,
}

/// An echo that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// From the request leaving to the reply arriving, by the kernel's stamps where it gave them
    /// and nothing shows that their clock stepped meanwhile.
    pub took: Duration,
    /// The same by user space: around the system calls.
    pub user_space: Duration,
    /// Whether `took` lies between two stamps of the kernel.
    pub stamped: bool,
    /// TTL or hop limit of the reply.
    pub ttl: Option<u8>,
    /// Identifier of the echo.
    pub identifier: u16,
    /// Sequence number of the echo.
    pub sequence: u16,
    /// The kind of socket used.
    pub socket: SocketKind,
}

/// Entries taken from a queue before others have their turn.
const AT_ONCE: usize = 32;

/// Sends an echo request and waits for its reply, without a timeout of its own.
///
/// # Errors
/// A failure of phase `rtt`: what ICMP says about the request, or the agent's own trouble.
pub async fn echo(target: IpAddr, request: Request) -> Result<Reply, Failure> {
    let icmp = IcmpSocket::open(target, request.ttl).map_err(not_set_up)?;
    let echo = Echo::new(target.is_ipv6(), icmp.identifier, request.payload_bytes);
    let message = echo.request();
    let local = |error| classify_io(&error, Phase::Rtt, Origin::Local);
    let before = Reading::now();
    icmp.socket.send(&message).map_err(local)?;
    let mut exchange = Exchange {
        buffer: vec![0; echo.answer_bytes()],
        ipv6: target.is_ipv6(),
        kind: icmp.kind,
        own: icmp.own,
        echo,
        before,
        stamps: Stamps::default(),
    };
    // The stamp of the request is there already where the network took it at once: one wake-up
    // less.
    exchange.take_errors(&icmp.socket)?;
    let socket = watch(icmp.socket).map_err(local)?;
    loop {
        let mut ready = socket.ready(PACKETS_AND_ERRORS).await.map_err(local)?;
        match exchange.take(socket.get_ref())? {
            Taken::Reply(reply) => return Ok(reply),
            Taken::All => ready.clear_ready(),
            Taken::Some => tokio::task::yield_now().await,
        }
    }
}

fn not_set_up(error: SetupError) -> Failure {
    let error = match error {
        SetupError::Access(denied @ AccessError::Denied) => {
            let detail = denied.to_string();
            return Failure::in_phase(FailureCode::AgentPermission, Phase::Rtt, &detail);
        }
        SetupError::Access(AccessError::System(error)) | SetupError::System(error) => error,
    };
    classify_io(&error, Phase::Rtt, Origin::Local)
}

/// An echo under way.
#[derive(Debug)]
struct Exchange {
    echo: Echo,
    ipv6: bool,
    kind: SocketKind,
    own: Option<IpAddr>,
    before: Reading,
    stamps: Stamps,
    buffer: Vec<u8>,
}

/// What was in the queues.
enum Taken {
    /// The reply.
    Reply(Reply),
    /// Nothing of interest; they are empty.
    All,
    /// Nothing of interest; they may hold more.
    Some,
}

impl Exchange {
    /// Takes what has come in.
    fn take(&mut self, socket: &Socket) -> Result<Taken, Failure> {
        // First the errors: the stamp of the request must be known when the reply is.
        let mut emptied = self.take_errors(socket)?;
        for _ in 0..AT_ONCE {
            let received = match receive(socket, Queue::Packets, &mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(if emptied { Taken::All } else { Taken::Some });
                }
                Err(error) => {
                    // It is also in the queue of errors, with all that is known about it.
                    emptied = self.take_errors(socket)?;
                    self.judge_bare(&error)?;
                    continue;
                }
            };
            let after = Reading::now();
            if !self.echo.is_answered_by(self.message(received.length)) {
                continue;
            }
            if self.stamps.sent.is_none() {
                self.take_errors(socket)?;
            }
            self.stamps.received = received.details.stamp;
            let RoundTrip { took, stamped } = round_trip(self.before, after, self.stamps);
            return Ok(Taken::Reply(Reply {
                took,
                user_space: after.monotonic - self.before.monotonic,
                stamped,
                ttl: received.details.ttl,
                identifier: self.echo.identifier(),
                sequence: self.echo.sequence(),
                socket: self.kind,
            }));
        }
        Ok(Taken::Some)
    }

    /// Takes stamps and errors from their queue; whether it was emptied.
    fn take_errors(&mut self, socket: &Socket) -> Result<bool, Failure> {
        for _ in 0..AT_ONCE {
            let received = match receive(socket, Queue::Errors, &mut self.buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(classify_io(&error, Phase::Rtt, Origin::Local)),
            };
            match received.details.queued {
                Some(Queued::Sent) => self.stamps.sent = received.details.stamp,
                Some(Queued::Icmp { kind, code, info, from })
                    if self.echo.is_quoted_by(&self.buffer[..received.length]) =>
                {
                    let rejection = Rejection { ipv6: self.ipv6, kind, code, info, from };
                    if let Some(failure) = rejection.failure(self.own) {
                        return Err(failure);
                    }
                }
                _ => {}
            }
        }
        Ok(false)
    }

    /// Judges an error that the queue of errors says nothing more about.
    fn judge_bare(&self, error: &io::Error) -> Result<(), Failure> {
        match (self.kind, error.raw_os_error()) {
            // Advice (`ping(8)` wants to see it), or about another one's packet.
            (_, Some(libc::EREMOTEIO)) | (SocketKind::Raw, _) => Ok(()),
            (SocketKind::Datagram, _) => Err(classify_io(error, Phase::Rtt, Origin::Remote)),
        }
    }

    /// The ICMP message among the bytes received: raw IPv4 sockets show the IP header, too.
    fn message(&self, length: usize) -> &[u8] {
        let packet = &self.buffer[..length];
        if self.ipv6 || self.kind == SocketKind::Datagram {
            packet
        } else {
            behind_ipv4_header(packet)
        }
    }
}

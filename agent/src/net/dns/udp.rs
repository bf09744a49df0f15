//! A query in a datagram.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::Instant;
use vantage_wire::Failure;

use super::{Exchange, Query, broken, exchange_stream, read_answer, unreachable};
use crate::net::Connected;
use crate::net::connect::dial;
use crate::net::error::Origin;
use crate::net::sys::report_icmp_errors;

/// More than we announce: some servers send more than they may.
const BUFFER_BYTES: usize = 4096;

/// Asks over UDP, from a port that the kernel chooses at random; once more over TCP where the
/// answer was cut short (RFC 7766), which belongs to the time it took. Waits until an answer
/// comes: datagrams that are none are counted in `strays`.
///
/// # Errors
/// A failure of phase `dns`: `dns_unreachable` as soon as the server or a router on the way says
/// so, or the agent's own trouble.
pub async fn exchange_udp(
    server: SocketAddr,
    query: &Query,
    strays: &mut u32,
) -> Result<Exchange, Failure> {
    let local = |error: io::Error| broken(&error, Origin::Local);
    let socket = open(server).map_err(local)?;
    // Sent before the socket is given to the reactor, so that no turn of the event loop comes
    // between the stamp and the system call.
    let start = Instant::now();
    socket.send(query.bytes()).map_err(local)?;
    let socket = UdpSocket::from_std(socket.into()).map_err(local)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (answer, arrived) = loop {
        let received = socket.recv(&mut buffer).await;
        let arrived = Instant::now();
        let length = received.map_err(|error| broken(&error, Origin::Remote))?;
        match read_answer(&buffer[..length], query) {
            Some(answer) => break (answer, arrived),
            None => *strays = strays.saturating_add(1),
        }
    };
    if !answer.is_truncated() {
        return Ok(Exchange { answer, took: arrived - start });
    }
    let Connected { mut stream, .. } =
        dial(server).await.map_err(|failure| unreachable(&failure))?;
    let Exchange { answer, .. } = exchange_stream(&mut stream, query, strays).await?;
    Ok(Exchange { answer, took: start.elapsed() })
}

/// A socket that is connected, so that it hears nobody but the server and the routers on the way.
fn open(server: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    report_icmp_errors(&socket, server.is_ipv6())?;
    socket.connect(&server.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use vantage_wire::FailureCode;

    use super::*;
    use crate::net::dns::RecordType;

    fn query() -> Query {
        Query::new(0x1234, "shop.test", RecordType::A).unwrap()
    }

    /// What a server makes of the query: the same message, as a refusal.
    fn refusal(query: &[u8]) -> Vec<u8> {
        let mut bytes = query.to_vec();
        bytes[2] |= 0x80;
        bytes[3] |= 5;
        bytes
    }

    #[tokio::test]
    async fn strays_are_counted_and_waited_past() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = server.local_addr().unwrap();
        let serve = async {
            let mut bytes = [0; 512];
            let (length, client) = server.recv_from(&mut bytes).await.unwrap();
            let good = refusal(&bytes[..length]);
            let mut other_id = good.clone();
            other_id[1] ^= 1;
            for message in [&b""[..], b"rubbish", &bytes[..length], &other_id, &good] {
                server.send_to(message, client).await.unwrap();
            }
        };
        let mut strays = 0;
        let query = query();
        let (exchange, ()) = tokio::join!(exchange_udp(address, &query, &mut strays), serve);
        assert_eq!(exchange.unwrap().answer.rcode(), "REFUSED");
        assert_eq!(strays, 4);
    }

    #[tokio::test]
    async fn a_closed_port_is_noticed_at_once() {
        let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = taken.local_addr().unwrap();
        drop(taken);
        let failure = exchange_udp(address, &query(), &mut 0).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::DnsUnreachable);
    }
}

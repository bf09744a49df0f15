//! UDP and TCP sockets that answer from the zone as it is now.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::watch;

use super::answer::{Transport, reply};
use super::zone::Zone;
use crate::services::handle::ServiceError;
use crate::services::listen::{Bound, TcpPort, spawn_listener, udp_socket};
use crate::services::tasks::Tasks;

const MAX_QUERY_BYTES: usize = 4096;

/// A DNS server's two sockets on one port.
pub struct DnsPort {
    tcp: TcpPort,
    udp: std::net::UdpSocket,
}

impl Bound for DnsPort {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let tcp = TcpPort::bind(address)?;
        let udp = udp_socket(tcp.address())?;
        Ok(Self { tcp, udp })
    }

    fn address(&self) -> SocketAddr {
        self.tcp.address()
    }
}

/// Answers on `port`.
///
/// # Errors
///
/// When the sockets cannot be set up.
pub fn spawn_server(
    port: DnsPort,
    tasks: &Arc<Tasks>,
    zone: &watch::Receiver<Arc<Zone>>,
) -> Result<(), ServiceError> {
    let address = port.address();
    let udp =
        UdpSocket::from_std(port.udp).map_err(|source| ServiceError::Bind { address, source })?;
    let (shared, live) = (Arc::clone(tasks), zone.clone());
    spawn_listener(
        tasks,
        port.tcp,
        zone.clone(),
        |_| true,
        move |stream, _| serve_stream(stream, Arc::clone(&shared), live.clone()),
    )?;
    tasks.spawn(serve_datagrams(Arc::new(udp), Arc::clone(tasks), zone.clone()));
    Ok(())
}

async fn serve_datagrams(
    socket: Arc<UdpSocket>,
    tasks: Arc<Tasks>,
    zone: watch::Receiver<Arc<Zone>>,
) {
    let mut query = vec![0; MAX_QUERY_BYTES];
    loop {
        // Errors are those of earlier answers, which ICMP reports here.
        let Ok((length, client)) = socket.recv_from(&mut query).await else { continue };
        tasks.count_request();
        let reply = reply(&query[..length], client.ip(), &zone.borrow(), Transport::Udp);
        let Some(reply) = reply else { continue };
        if reply.after.is_zero() {
            let _ = socket.send_to(&reply.bytes, client).await;
        } else if let Some(permit) = tasks.try_permit() {
            let socket = Arc::clone(&socket);
            tasks.spawn(async move {
                tokio::time::sleep(reply.after).await;
                let _ = socket.send_to(&reply.bytes, client).await;
                drop(permit);
            });
        }
    }
}

/// Messages behind a length of two bytes (RFC 1035 §4.2.2), answered one after the other.
async fn serve_stream(stream: TcpStream, tasks: Arc<Tasks>, zone: watch::Receiver<Arc<Zone>>) {
    let Ok(client) = stream.peer_addr() else { return };
    // An error ends the connection, whichever side it comes from.
    let _ = converse(stream, client.ip(), &tasks, &zone).await;
}

async fn converse(
    mut stream: TcpStream,
    client: IpAddr,
    tasks: &Tasks,
    zone: &watch::Receiver<Arc<Zone>>,
) -> io::Result<()> {
    loop {
        let length = stream.read_u16().await?;
        let mut query = vec![0; length.into()];
        stream.read_exact(&mut query).await?;
        tasks.count_request();
        let reply = reply(&query, client, &zone.borrow(), Transport::Tcp);
        let Some(reply) = reply else { continue };
        if !reply.after.is_zero() {
            tokio::time::sleep(reply.after).await;
        }
        let Ok(length) = u16::try_from(reply.bytes.len()) else { continue };
        // Length and message in one segment: some clients insist (RFC 7766 §8).
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&reply.bytes);
        stream.write_all(&framed).await?;
    }
}

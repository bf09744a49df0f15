//! Plain blocking clients. Each returns what it measured in user space, on the clock that the
//! truth log uses, and what is needed to find its packets there.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use vantage_world::World;
use vantage_world::clock;

/// Longer than any path of these tests; a client that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// One answered echo.
#[derive(Debug, Clone, Copy)]
pub struct Echo {
    pub took: Duration,
    pub id: u16,
    pub seq: u16,
}

/// Sends an ICMP echo from a datagram socket and waits for its reply, of type 0, whatever else
/// comes.
pub fn ping(to: Ipv4Addr, seq: u16) -> io::Result<Echo> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(&SockAddr::from(SocketAddr::new(to.into(), 0)))?;
    // The kernel writes identifier and checksum.
    let mut request = [0u8; 16];
    request[0] = 8;
    request[6..8].copy_from_slice(&seq.to_be_bytes());
    let start = clock::now();
    socket.send(&request)?;
    let mut reply = [0u8; 64];
    loop {
        let length = (&socket).read(&mut reply)?;
        let took = clock::now().since(start);
        if length >= 8 && reply[0] == 0 && reply[6..8] == seq.to_be_bytes() {
            return Ok(Echo { took, id: u16::from_be_bytes([reply[4], reply[5]]), seq });
        }
    }
}

/// A connection and how long its handshake took.
pub struct Connected {
    pub stream: TcpStream,
    pub took: Duration,
    pub client_port: u16,
}

/// Opens a TCP connection.
pub fn connect(to: impl Into<IpAddr>, port: u16) -> io::Result<Connected> {
    let target = SocketAddr::new(to.into(), port);
    let start = clock::now();
    let stream = TcpStream::connect_timeout(&target, PATIENCE)?;
    let took = clock::now().since(start);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let client_port = stream.local_addr()?.port();
    Ok(Connected { stream, took, client_port })
}

/// A TLS client configuration that trusts the world's authority and resumes nothing.
pub fn tls_config(world: &World) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(world.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Arc::new(config)
}

/// What an HTTPS request took, phase by phase.
#[derive(Debug)]
pub struct Fetched {
    pub connect: Duration,
    pub tls: Duration,
    /// From the request to the end of the answer.
    pub answer: Duration,
    pub client_port: u16,
    pub text: String,
}

/// Asks `https://name/` at an address: TLS 1.3 and HTTP/1.1, one connection.
pub fn fetch(to: IpAddr, name: &str, config: &Arc<ClientConfig>) -> io::Result<Fetched> {
    let Connected { mut stream, took: connect, client_port } = connect(to, 443)?;
    let server_name = name.to_owned().try_into().map_err(io::Error::other)?;
    let mut tls =
        ClientConnection::new(Arc::clone(config), server_name).map_err(io::Error::other)?;
    let start = clock::now();
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    let handshake = clock::now().since(start);
    let start = clock::now();
    let mut secure = Stream::new(&mut tls, &mut stream);
    write!(secure, "GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")?;
    secure.flush()?;
    let mut text = String::new();
    secure.read_to_string(&mut text)?;
    let answer = clock::now().since(start);
    Ok(Fetched { connect, tls: handshake, answer, client_port, text })
}

/// The first answer to a DNS query.
#[derive(Debug)]
pub struct Answered {
    pub took: Duration,
    pub client_port: u16,
    pub id: u16,
    pub addresses: Vec<IpAddr>,
}

/// Asks for the IPv4 addresses of a name, and waits for so many answers.
pub fn resolve(server: IpAddr, name: &str, answers: usize) -> io::Result<Vec<Answered>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect((server, 53))?;
    let client_port = socket.local_addr()?.port();
    // One socket, one query: its port tells the queries of a test apart.
    let id = client_port;
    let mut query = Message::new(id, hickory_proto::op::MessageType::Query, OpCode::Query);
    query.metadata.recursion_desired = true;
    query.add_query(Query::query(Name::from_ascii(name).map_err(io::Error::other)?, RecordType::A));
    let bytes = query.to_vec().map_err(io::Error::other)?;
    let start = clock::now();
    socket.send(&bytes)?;
    let mut buffer = [0; 1500];
    (0..answers)
        .map(|_| {
            let length = socket.recv(&mut buffer)?;
            let took = clock::now().since(start);
            let message = Message::from_vec(&buffer[..length]).map_err(io::Error::other)?;
            let addresses = message
                .answers
                .iter()
                .filter_map(|record| match &record.data {
                    RData::A(address) => Some(IpAddr::V4(address.0)),
                    _ => None,
                })
                .collect();
            Ok(Answered { took, client_port, id, addresses })
        })
        .collect()
}

//! Clients of each protocol, and services to try them on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use vantage_world::services::{Authority, ServiceHandle, ServiceSpec, start};

pub const NAME: &str = "shop.test";
/// Long enough for anything to arrive on loopback that is going to arrive.
pub const QUIET: Duration = Duration::from_millis(250);

/// A running service and the authority that its clients trust.
pub struct Served {
    pub handle: ServiceHandle,
    pub authority: Authority,
    pub stop: CancellationToken,
}

/// Starts the service of a piece of TOML on 127.0.0.1.
pub async fn serve(toml: &str) -> Served {
    serve_on(toml, &[Ipv4Addr::LOCALHOST.into()]).await
}

pub async fn serve_on(toml: &str, bind: &[IpAddr]) -> Served {
    let spec: ServiceSpec = toml::from_str(toml).unwrap();
    let authority = authority();
    let stop = CancellationToken::new();
    let handle = start(&spec, bind, &authority, stop.clone()).await.unwrap();
    Served { handle, authority, stop }
}

#[expect(clippy::disallowed_methods, reason = "certificates are checked against the real time")]
pub fn authority() -> Authority {
    Authority::generate(std::time::SystemTime::now()).unwrap()
}

impl Served {
    pub fn address(&self) -> SocketAddr {
        self.handle.local_addr()
    }

    pub async fn tcp(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// A client configuration that trusts this service's authority.
    pub fn trusting(&self, alpn: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.ca_der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|id| id.as_bytes().to_vec()).collect();
        config
    }

    pub async fn tls_as(
        &self,
        config: ClientConfig,
        name: &str,
    ) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(name.to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, self.tcp().await).await
    }

    pub async fn tls(&self, alpn: &[&str]) -> io::Result<TlsStream<TcpStream>> {
        self.tls_as(self.trusting(alpn), NAME).await
    }
}

pub fn get(path: &str) -> Request<Empty<Bytes>> {
    let uri = format!("http://{NAME}{path}");
    Request::get(uri).header("host", NAME).body(Empty::new()).unwrap()
}

/// Sends one request over HTTP/1.1; the connection ends with the response's body.
pub async fn http1<S>(stream: S, path: &str) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    requests.send_request(get(path)).await
}

/// Sends one request over HTTP/2.
pub async fn http2<S>(stream: S, path: &str) -> hyper::Result<Response<Incoming>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut requests = http2_connection(stream).await?;
    requests.send_request(get(path)).await
}

pub async fn http2_connection<S>(stream: S) -> hyper::Result<http2::SendRequest<Empty<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (requests, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(requests)
}

/// The bytes of a body up to its end or its error.
pub async fn read_body(mut body: Incoming) -> (usize, hyper::Result<()>) {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => length += frame.data_ref().map_or(0, Bytes::len),
            Err(error) => return (length, Err(error)),
        }
    }
    (length, Ok(()))
}

/// The kind of the I/O error at the bottom of `error`.
pub fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        cause = error.source();
    }
    None
}

/// The TLS error within an I/O error of tokio-rustls.
pub fn tls_error(error: &io::Error) -> &rustls::Error {
    error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

/// One QUIC connection with HTTP/3 on it.
pub struct H3 {
    pub connection: quinn::Connection,
    pub requests: h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>,
    _endpoint: quinn::Endpoint,
}

pub async fn quic(
    served: &Served,
) -> Result<(quinn::Endpoint, quinn::Connection), quinn::ConnectionError> {
    let tls = quinn::crypto::rustls::QuicClientConfig::try_from(served.trusting(&["h3"])).unwrap();
    let mut config = quinn::ClientConfig::new(Arc::new(tls));
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(quinn::IdleTimeout::try_from(4 * QUIET).unwrap()));
    config.transport_config(Arc::new(transport));
    let endpoint = quinn::Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let connecting = endpoint.connect_with(config, served.address(), NAME).unwrap();
    let connection = connecting.await?;
    Ok((endpoint, connection))
}

pub async fn http3(served: &Served) -> H3 {
    let (endpoint, connection) = quic(served).await.unwrap();
    let (mut driver, requests) =
        h3::client::new(h3_quinn::Connection::new(connection.clone())).await.unwrap();
    tokio::spawn(async move { driver.wait_idle().await });
    H3 { connection, requests, _endpoint: endpoint }
}

pub type H3Stream = h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

impl H3 {
    pub async fn ask(&mut self, path: &str) -> H3Stream {
        let request = Request::get(format!("https://{NAME}{path}")).body(()).unwrap();
        let mut stream = self.requests.send_request(request).await.unwrap();
        stream.finish().await.unwrap();
        stream
    }

    /// A response with its body up to the body's end or its error.
    pub async fn get(
        &mut self,
        path: &str,
    ) -> Result<(Response<()>, Vec<u8>), h3::error::StreamError> {
        let mut stream = self.ask(path).await;
        let response = stream.recv_response().await?;
        let mut body = Vec::new();
        while let Some(mut bytes) = stream.recv_data().await? {
            body.extend_from_slice(&bytes.copy_to_bytes(bytes.remaining()));
        }
        Ok((response, body))
    }
}

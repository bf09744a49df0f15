//! HTTP/3 over QUIC: one endpoint per address, opened again when its admission changes what it must look like.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use h3::server::RequestResolver;
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{
    AsyncTimer, AsyncUdpSocket, Endpoint, EndpointConfig, Incoming, Runtime, TokioRuntime,
};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Admission;
use super::ca::Identity;
use super::h3_stream::{self, NO_ERROR};
use super::handle::ServiceError;
use super::http::HttpSite;
use super::listen::{Bound, udp_socket};
use super::tls::{Handshake, TlsVersion, server_config};

/// A version from the range that is reserved to provoke version negotiation (RFC 9000 §15).
const NOBODYS_VERSION: u32 = 0x1a2a_3a4a;
/// How long a closing endpoint may take to tell its peers.
const FAREWELL: Duration = Duration::from_millis(200);

/// What the connections of one HTTP/3 service share.
pub struct H3Site {
    http: Arc<HttpSite>,
    sound: Arc<quinn::ServerConfig>,
    failing: Arc<quinn::ServerConfig>,
}

impl H3Site {
    /// Prepares QUIC's TLS.
    ///
    /// # Errors
    ///
    /// When rustls refuses the configuration.
    pub fn new(identity: &Identity, http: Arc<HttpSite>) -> Result<Self, rustls::Error> {
        let quic = |handshake| {
            let alpn = vec![b"h3".to_vec()];
            let tls = server_config(identity, &[TlsVersion::Tls13], alpn, handshake)?;
            let crypto = QuicServerConfig::try_from(tls)
                .map_err(|error| rustls::Error::General(error.to_string()))?;
            Ok::<_, rustls::Error>(Arc::new(quinn::ServerConfig::with_crypto(Arc::new(crypto))))
        };
        Ok(Self { http, sound: quic(Handshake::Sound)?, failing: quic(Handshake::NoCommonGroup)? })
    }
}

/// A UDP socket bound for QUIC, before its endpoint exists.
pub struct QuicPort {
    address: SocketAddr,
    socket: std::net::UdpSocket,
}

impl Bound for QuicPort {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = udp_socket(address)?;
        Ok(Self { address: socket.local_addr()?, socket })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What an endpoint has to be for an admission. Other differences are made per connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Absent,
    Speaking,
    SpeakingNothingKnown,
}

fn shape(admission: Admission) -> Shape {
    match admission {
        Admission::Refuse => Shape::Absent,
        Admission::VersionNegotiation => Shape::SpeakingNothingKnown,
        _ => Shape::Speaking,
    }
}

/// Serves on `port` as the live admission says. Returns what tells which admission the endpoint now has the shape for.
///
/// A change to or from `refuse` or `version-negotiation` ends the connections that exist.
///
/// # Errors
///
/// When the endpoint cannot be set up.
pub fn spawn_endpoint(
    port: QuicPort,
    mut admission: watch::Receiver<Admission>,
    site: Arc<H3Site>,
) -> Result<watch::Receiver<Admission>, ServiceError> {
    let address = port.address;
    let failed = |source| ServiceError::Bind { address, source };
    let now = *admission.borrow_and_update();
    let mut open = open(port.socket, shape(now), &site).map_err(failed)?;
    let (applied, is_applied) = watch::channel(now);
    let tasks = Arc::clone(&site.http.tasks);
    tasks.clone().spawn_to_the_end(async move {
        let stop = tasks.stop().clone();
        loop {
            let served = serve_while_in_shape(open.as_ref(), &mut admission, &applied, &site);
            let changed = stop.run_until_cancelled(served).await;
            if let Some(open) = open.take() {
                open.close().await;
            }
            let Some(now) = changed else { return };
            let reopened =
                udp_socket(address).and_then(|socket| self::open(socket, shape(now), &site));
            match reopened {
                Ok(endpoint) => open = endpoint,
                Err(error) => return tasks.fail(format!("cannot bind {address} again: {error}")),
            }
        }
    });
    Ok(is_applied)
}

/// An endpoint together with quinn's own tasks for it.
struct Open {
    endpoint: Endpoint,
    drivers: TaskTracker,
    drivers_end: CancellationToken,
}

impl Open {
    /// Tells the peers and frees the port.
    async fn close(self) {
        let Self { endpoint, drivers, drivers_end } = self;
        endpoint.close(NO_ERROR, b"");
        let _ = tokio::time::timeout(FAREWELL, endpoint.wait_idle()).await;
        drop(endpoint);
        drivers_end.cancel();
        drivers.wait().await;
    }
}

fn open(socket: std::net::UdpSocket, shape: Shape, site: &H3Site) -> io::Result<Option<Open>> {
    if shape == Shape::Absent {
        return Ok(None);
    }
    let mut config = EndpointConfig::default();
    if shape == Shape::SpeakingNothingKnown {
        config.supported_versions(vec![NOBODYS_VERSION]);
    }
    let (drivers, drivers_end) = (TaskTracker::new(), CancellationToken::new());
    drivers.close();
    let runtime = TrackedRuntime { drivers: drivers.clone(), end: drivers_end.clone() };
    let server = Some(site.sound.as_ref().clone());
    let endpoint = Endpoint::new(config, server, socket, Arc::new(runtime))?;
    Ok(Some(Open { endpoint, drivers, drivers_end }))
}

/// Takes connections until the endpoint no longer has the shape that is wanted; returns the new admission.
async fn serve_while_in_shape(
    open: Option<&Open>,
    admission: &mut watch::Receiver<Admission>,
    applied: &watch::Sender<Admission>,
    site: &Arc<H3Site>,
) -> Admission {
    let in_shape = shape(*admission.borrow());
    let tasks = &site.http.tasks;
    loop {
        let now = *admission.borrow_and_update();
        if shape(now) != in_shape {
            return now;
        }
        applied.send_replace(now);
        tokio::select! {
            () = change(admission) => {}
            () = take_connections(open, now, site) => {
                tasks.fail("the QUIC endpoint ended by itself".to_owned());
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Waits for a change: for ever, if nobody is left to make one.
async fn change(admission: &mut watch::Receiver<Admission>) {
    if admission.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn take_connections(open: Option<&Open>, admission: Admission, site: &Arc<H3Site>) {
    let Some(open) = open else { return std::future::pending().await };
    let tasks = &site.http.tasks;
    while let Some(incoming) = open.endpoint.accept().await {
        match admission {
            Admission::Silence => incoming.ignore(),
            Admission::Reset => {
                tasks.count_connection();
                incoming.refuse();
            }
            _ => {
                let Some(permit) = tasks.permit().await else { return };
                tasks.count_connection();
                let failing = admission == Admission::HandshakeFailure;
                let config = Arc::clone(if failing { &site.failing } else { &site.sound });
                tasks.spawn(serve(incoming, config, Arc::clone(site), permit));
            }
        }
    }
}

/// Serves one connection; its requests run as tasks that end with it.
async fn serve(
    incoming: Incoming,
    config: Arc<quinn::ServerConfig>,
    site: Arc<H3Site>,
    permit: OwnedSemaphorePermit,
) {
    let _permit = permit;
    let Ok(connecting) = incoming.accept_with(config) else { return };
    let Ok(connection) = connecting.await else { return };
    let ends = CancellationToken::new();
    let _requests_end_with_connection = ends.clone().drop_guard();
    let quic = h3_quinn::Connection::new(connection.clone());
    let Ok(mut requests) = h3::server::Connection::new(quic).await else { return };
    while let Ok(Some(resolver)) = requests.accept().await {
        let work = request(resolver, connection.clone(), Arc::clone(&site.http));
        let ends = ends.clone();
        site.http.tasks.spawn(async move {
            ends.run_until_cancelled(work).await;
        });
    }
}

async fn request(
    resolver: RequestResolver<h3_quinn::Connection, bytes::Bytes>,
    connection: quinn::Connection,
    http: Arc<HttpSite>,
) {
    let Ok((request, stream)) = resolver.resolve_request().await else { return };
    h3_stream::respond(request, stream, &connection, &http).await;
}

/// tokio, with quinn's background tasks tracked.
#[derive(Debug)]
struct TrackedRuntime {
    drivers: TaskTracker,
    end: CancellationToken,
}

impl Runtime for TrackedRuntime {
    fn new_timer(&self, at: std::time::Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, driver: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let end = self.end.clone();
        self.drivers.spawn(async move {
            end.run_until_cancelled(driver).await;
        });
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> std::time::Instant {
        TokioRuntime.now()
    }
}

//! The real way: HTTPS, one connection kept alive, names looked up by our own resolver.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Request;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::{Instant, timeout};
use vantage_wire::report::Family;

use super::{Answer, Transport, TransportError};
use crate::identity::SOFTWARE;
use crate::net::Resolver;
use crate::net::tls::TlsClients;
use crate::spec::{SpecError, TlsParameters};

/// The longest answer: an assignment of some thousand probes.
const MOST_ANSWER_BYTES: usize = 8 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a connection with a request under way is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(90);

/// A client of one aggregator.
#[derive(Debug, Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    base: reqwest::Url,
}

/// An aggregator that cannot be spoken to as configured.
#[derive(Debug, thiserror::Error)]
pub enum TransportProblem {
    /// The URL is none, or not of a web server.
    #[error("aggregator {url:?} is no URL such as https://vantage.example:8420{}", .why.as_ref().map(|why| format!(": {why}")).unwrap_or_default())]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it.
        why: Option<String>,
    },
    /// The certificate authorities cannot be used.
    #[error("{0}")]
    Authorities(#[from] SpecError),
    /// The client cannot be made.
    #[error("failed to prepare for HTTPS: {0}")]
    Client(#[from] reqwest::Error),
}

impl HttpTransport {
    /// A client of the aggregator at this URL, over a proxy where `HTTPS_PROXY` names one. It
    /// trusts the authorities given in PEM, or else the system's. Names are looked up at
    /// `dns_servers`, or where that is empty at the servers of `/etc/resolv.conf` as it is then.
    ///
    /// # Errors
    /// What about the URL or the authorities makes no sense.
    pub fn new(
        url: &str,
        ca_pem: Option<String>,
        dns_servers: Vec<SocketAddr>,
        tls: &TlsClients,
    ) -> Result<Self, TransportProblem> {
        let wrong = |why: Option<String>| TransportProblem::Url { url: url.to_owned(), why };
        let base = reqwest::Url::parse(url).map_err(|error| wrong(Some(error.to_string())))?;
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(wrong(None));
        }
        if !base.username().is_empty() || base.query().is_some() {
            return Err(wrong(Some("a user name or a query has no place in it".to_owned())));
        }
        let parameters = TlsParameters { ca_pem, ..TlsParameters::default() };
        let tls = tls.client(&parameters, &["h2", "http/1.1"])?.configuration();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(OwnResolver { servers: dns_servers })
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(SOFTWARE)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(IDLE)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_EVERY)
            .tcp_keepalive(PING_EVERY)
            .build()?;
        Ok(Self { client, base })
    }
}

impl Transport for HttpTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Answer, TransportError> {
        let (parts, body) = request.into_parts();
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), parts.uri.path()));
        url.set_query(parts.uri.query());
        let sending = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut response = sending.send().await.map_err(describe)?;
        let arrived = Instant::now();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(describe)? {
            if body.len() + chunk.len() > MOST_ANSWER_BYTES {
                let problem = format!("the answer is longer than {MOST_ANSWER_BYTES} bytes");
                return Err(TransportError(problem));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body: body.freeze(), arrived })
    }
}

/// An error with its causes, without the URL, which is in the log already.
fn describe(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    TransportError(text)
}

/// Looks names up as probes do.
#[derive(Debug)]
struct OwnResolver {
    servers: Vec<SocketAddr>,
}

impl Resolve for OwnResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let servers = self.servers.clone();
        Box::pin(async move {
            let mut seed = [0; 8];
            SystemRandom::new()
                .fill(&mut seed)
                .map_err(|_| "the system gives no random numbers")?;
            let seed = u64::from_le_bytes(seed);
            // A new connection is rare, and a laptop's servers change.
            let resolver = if servers.is_empty() {
                Resolver::from_system(seed)?
            } else {
                Resolver::new(servers, seed)
            };
            let deadline = Instant::now() + LOOK_UP_TIMEOUT;
            let look_up = resolver.resolve(name.as_str(), Family::Any, deadline);
            let found = timeout(LOOK_UP_TIMEOUT, look_up)
                .await
                .map_err(|_| format!("{}: no DNS server answers", name.as_str()))?
                .map_err(|failure| failure.to_string())?;
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

//! An HTTP request over TCP.
//!
//! Phases: `dns`, `connect`, `tls`; then `request`, from the request's first byte being written to
//! the response's first byte having been read, and `transfer`, from there to the last byte read.
//! Both are stamped beside the system calls (over TLS: beside the cipher), whatever the parsers
//! above take. Over HTTP/2 the request begins after the connection's preface, with its settings.
//!
//! Redirects are followed within the attempt, each on a connection of its own; a phase is then the
//! sum of what it took at each hop, and the attempt's address is the last hop's.
//!
//! With `reuse`, a connection is [kept] between attempts.

mod connection;
mod exchange;
mod failure;
mod frames;
mod kept;
mod redirect;
pub mod request;
pub mod response;
mod retry_after;
mod stamps;

use std::mem::take;
use std::sync::Mutex;

use http::{Method, Uri};
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use super::tls::shake_hands;
use super::{Stopwatch, Surroundings};
use crate::attempt::PhaseTimes;
use crate::net::Network;
use crate::net::tls::{TlsClient, server_name};
use crate::spec::{HttpSpec, HttpVersion, SpecError, TlsParameters};
use connection::{Connection, Identity};
use exchange::{Exchanged, Reading, exchange};
use failure::{Broken, broken};
use request::{Origin, Template};
use response::Judge;
use stamps::Stamps;

pub use frames::FrameWatch;
pub use redirect::target as redirect_target;
pub use retry_after::{LONGEST_PAUSE, retry_after};

/// Most redirects that can be followed.
const MOST_REDIRECTS: u32 = 20;

/// What an HTTP probe needs beside its parameters.
#[derive(Debug)]
pub struct HttpProbe {
    origin: Origin,
    template: Template,
    judge: Judge,
    tls: Option<TlsClient>,
    kept: Mutex<Option<Connection>>,
}

/// What a hop led to.
enum Hop {
    /// The end.
    Done,
    /// Another URL.
    Redirect(Uri, http::StatusCode),
}

impl HttpProbe {
    /// Prepares a probe.
    ///
    /// # Errors
    /// When a parameter makes no sense; the message names it.
    pub fn new<N>(spec: &HttpSpec, surroundings: &Surroundings<N>) -> Result<Self, SpecError> {
        let origin = Origin::of(&spec.url).map_err(SpecError::Parameter)?;
        if spec.method == Method::CONNECT {
            return Err(SpecError::Parameter("method CONNECT is for proxies".into()));
        }
        if spec.follow_redirects > MOST_REDIRECTS {
            return Err(SpecError::Parameter(format!(
                "{} redirects are too many, at most {MOST_REDIRECTS} can be followed",
                spec.follow_redirects
            )));
        }
        if spec.reuse && spec.follow_redirects > 0 {
            return Err(SpecError::Parameter(
                "a connection that is kept open follows no redirects".into(),
            ));
        }
        let tls = if origin.tls || spec.follow_redirects > 0 {
            let alpn: &[&str] = match spec.version {
                HttpVersion::Best => &["h2", "http/1.1"],
                HttpVersion::Http1 => &["http/1.1"],
                HttpVersion::Http2 => &["h2"],
            };
            server_name(&origin.host, &spec.tls)?;
            Some(surroundings.tls.client(&spec.tls, alpn)?)
        } else {
            None
        };
        let template = Template::new(spec, surroundings.contact.as_deref())?;
        template.request(&spec.url, true).map_err(SpecError::Parameter)?;
        let judge = Judge::new(&spec.expect)?;
        Ok(Self { origin, template, judge, tls, kept: Mutex::new(None) })
    }

    /// Makes the request, and those that redirects lead to.
    pub async fn run<N: Network>(
        &self,
        spec: &HttpSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        if spec.reuse {
            return self.run_kept(spec, surroundings, family, watch).await;
        }
        let (mut origin, mut template) = (self.origin.clone(), self.template.clone());
        let mut url = spec.url.clone();
        for followed in 0.. {
            let earlier = take(&mut watch.attempt.phases);
            let hop = async {
                let mut connection = self.open(&origin, spec, surroundings, family, watch).await?;
                let exchanged = self.ask(&mut connection, &template, &url, spec, watch).await?;
                let hop = self.judge(exchanged, &url, spec, watch);
                connection.close().await;
                hop
            };
            let hop = hop.await;
            watch.attempt.phases = sum(earlier, watch.attempt.phases);
            let (to, status) = match hop? {
                Hop::Done => break,
                Hop::Redirect(to, status) => (to, status),
            };
            if followed == spec.follow_redirects {
                let detail = format!("more than {followed} redirects");
                return Err(Failure::new(FailureCode::HttpRedirect, &detail));
            }
            watch.attempt.facts.http.get_or_insert_default().redirects = followed + 1;
            let next = Origin::of(&to)
                .map_err(|problem| Failure::new(FailureCode::HttpRedirect, &problem))?;
            redirect::follow(&mut template, status, &origin, &next);
            (origin, url) = (next, to);
        }
        Ok(())
    }

    /// A connection that is ready for a request.
    async fn open<N: Network>(
        &self,
        origin: &Origin,
        spec: &HttpSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<Connection, Failure> {
        let stream = surroundings.connect(&origin.host, origin.port, family, watch).await?;
        let mut identity = Identity { address: watch.attempt.address, ..Identity::default() };
        let Some(client) = self.tls.as_ref().filter(|_| origin.tls) else {
            return start(stream, spec.version == HttpVersion::Http2, identity, watch).await;
        };
        // The name given is that of the probe's own host.
        let elsewhere = TlsParameters::default();
        let parameters = if *origin == self.origin { &spec.tls } else { &elsewhere };
        let name = server_name(&origin.host, parameters)
            .map_err(|error| Failure::new(FailureCode::HttpRedirect, &error.to_string()))?;
        let (stream, witness) = shake_hands(client, name, stream, watch).await?;
        identity.witness = Some(witness);
        identity.tls.clone_from(&watch.attempt.facts.tls);
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if spec.version == HttpVersion::Http2 && !http2 {
            return Err(Failure::new(FailureCode::HttpProtocol, "HTTP/2 was not agreed on"));
        }
        start(Box::new(stream), http2, identity, watch).await
    }

    /// One exchange.
    async fn ask(
        &self,
        connection: &mut Connection,
        template: &Template,
        url: &Uri,
        spec: &HttpSpec,
        watch: &mut Stopwatch,
    ) -> Result<Exchanged, Failure> {
        let request = template
            .request(url, connection.is_http2())
            .map_err(|problem| Failure::new(FailureCode::ConfigInvalid, &problem))?;
        let reading = Reading { limit_bytes: spec.body_limit_bytes, keep: self.judge.wants_body() };
        Ok(exchange(connection, request, reading, watch).await)
    }

    /// What an exchange means. A status that is a failure comes before whatever became of its body.
    fn judge(
        &self,
        exchanged: Exchanged,
        url: &Uri,
        spec: &HttpSpec,
        watch: &mut Stopwatch,
    ) -> Result<Hop, Failure> {
        let Exchanged { head, outcome, last_read, .. } = exchanged;
        if let Some(head) = &head {
            let follows = spec.follow_redirects > 0 && !self.judge.names(head.status);
            if let Some(to) = redirect::target(head, url).filter(|_| follows) {
                let to = to.map_err(|problem| Failure::new(FailureCode::HttpRedirect, &problem))?;
                outcome?;
                return Ok(Hop::Redirect(to, head.status));
            }
            self.judge.status(head.status)?;
        }
        let content = outcome?;
        if let Some(last) = last_read {
            watch.succeed_at(last);
        }
        self.judge.body(&content.bytes)?;
        Ok(Hop::Done)
    }
}

/// Begins to speak HTTP, in phase `request`.
async fn start<S>(
    stream: S,
    http2: bool,
    identity: Identity,
    watch: &Stopwatch,
) -> Result<Connection, Failure>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let stamps = if http2 { Stamps::http2() } else { Stamps::http1() };
    let witness = identity.witness.clone();
    let starting = async {
        let started = if http2 {
            Connection::http2(stream, stamps.clone(), identity).await
        } else {
            Connection::http1(stream, stamps.clone(), identity).await
        };
        started
            .map_err(|error| broken(&stamps, witness.as_ref(), [Some(&error), None], Broken::Head))
    };
    watch.limit(Phase::Request, starting).await.map_err(|failure| match failure.code {
        FailureCode::HttpFirstByteTimeout => {
            Failure::new(FailureCode::HttpSendTimeout, failure.detail.as_str())
        }
        _ => failure,
    })
}

/// The phases of two hops together.
fn sum(mut earlier: PhaseTimes, later: PhaseTimes) -> PhaseTimes {
    for (phase, took) in later.iter() {
        let before = earlier.get(phase).map(std::time::Duration::from).unwrap_or_default();
        earlier.set(phase, before + std::time::Duration::from(took));
    }
    earlier
}

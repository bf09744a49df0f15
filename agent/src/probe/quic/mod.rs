//! A QUIC handshake and, where the specification has a request, an HTTP/3 exchange.
//!
//! Every attempt has a socket of its own, connected to the target, and ends quinn's background
//! tasks when it ends. Neither earlier sessions nor early data are used: each attempt is like the
//! first. The machine's own UDP is used whatever the [`Network`] is.
//!
//! Phases: `dns`; `connect`, from the first Initial packet to our `Finished`; `request`, from the
//! request's first datagram to the one that completes the head of the response; `transfer`, from
//! there to the last datagram. All are stamped beside the system calls.
//!
//! An ICMP message ends the handshake at once: "port unreachable" is the target's word
//! (`quic_refused`), any other is the path's and becomes `quic_timeout`, with the message as its
//! detail.

mod body;
mod drivers;
mod exchange;
mod failure;
mod handshake;

use std::net::SocketAddr;

use http::Method;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use vantage_wire::Failure;
use vantage_wire::report::Family;

use super::http::request::{Origin, Template};
use super::http::response::Judge;
use super::{Stopwatch, Surroundings};
use crate::net::Network;
use crate::net::tls::{TlsClient, server_name};
use crate::spec::{HttpSpec, QuicSpec, SpecError, TlsVersions};
use exchange::exchange;
use handshake::Session;

/// What is offered by ALPN unless the specification says otherwise (RFC 9114 §3.1).
const H3: &str = "h3";

/// What a QUIC probe needs beside its parameters.
#[derive(Debug)]
pub struct QuicProbe {
    tls: TlsClient,
    name: ServerName<'static>,
    asking: Option<Asking>,
}

/// What a request needs.
#[derive(Debug)]
struct Asking {
    template: Template,
    judge: Judge,
}

impl QuicProbe {
    /// Prepares a probe.
    ///
    /// # Errors
    /// When a parameter makes no sense; the message names it.
    pub fn new<N>(spec: &QuicSpec, surroundings: &Surroundings<N>) -> Result<Self, SpecError> {
        if spec.port == 0 {
            return Err(wrong("port 0 is nobody's"));
        }
        if spec.tls.versions == Some(TlsVersions::Only12) {
            return Err(wrong("QUIC needs TLS 1.3"));
        }
        let asking = match spec.request.as_deref() {
            Some(_) if !spec.tls.alpn.is_empty() && !spec.tls.alpn.iter().any(|own| own == H3) => {
                return Err(wrong("an HTTP/3 request needs h3 among the protocols offered"));
            }
            Some(request) => Some(Asking::new(request, surroundings.contact.as_deref())?),
            None => None,
        };
        let tls = surroundings.tls.client(&spec.tls, &[H3])?;
        Ok(Self { tls, name: server_name(&spec.host, &spec.tls)?, asking })
    }

    /// Connects, asks where there is something to ask, and says goodbye.
    pub async fn run<N: Network>(
        &self,
        spec: &QuicSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        let address = surroundings.find(&spec.host, family, watch).await?;
        let remote = SocketAddr::new(address, spec.port);
        let session = Session::open(&self.tls, &self.name, remote, watch).await?;
        let outcome = if let (Some(asking), Some(request)) = (&self.asking, &spec.request) {
            // h3 keeps its buffers in its futures: a mere handshake should not carry them.
            Box::pin(exchange(asking, request, &session, watch)).await
        } else {
            Ok(Instant::now())
        };
        if let Ok(end) = outcome {
            watch.succeed_at(end);
        }
        session.close().await;
        outcome.map(|_| ())
    }
}

impl Asking {
    fn new(spec: &HttpSpec, contact: Option<&str>) -> Result<Self, SpecError> {
        if !Origin::of(&spec.url).map_err(SpecError::Parameter)?.tls {
            return Err(wrong("HTTP/3 is for https URLs only"));
        }
        if spec.reuse || spec.follow_redirects > 0 {
            return Err(wrong("HTTP/3 requests follow no redirects and keep no connection"));
        }
        if spec.method == Method::CONNECT {
            return Err(wrong("method CONNECT is for proxies"));
        }
        let template = Template::new(spec, contact)?;
        template.request(&spec.url, true).map_err(SpecError::Parameter)?;
        Ok(Self { template, judge: Judge::new(&spec.expect)? })
    }
}

fn wrong(message: &str) -> SpecError {
    SpecError::Parameter(message.to_owned())
}

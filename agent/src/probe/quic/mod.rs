//! A QUIC handshake and, where the specification has a request, an HTTP/3 exchange.
//!
//! Every attempt has a socket of its own, connected to the target, and ends quinn's background
//! tasks when it ends. Neither earlier sessions nor early data are used: each attempt is like the
//! first. The machine's own UDP is used whatever the [`Network`] is.
//!
//! An ICMP message ends the handshake at once: "port unreachable" is the target's word
//! (`quic_refused`), any other is the path's and becomes `quic_timeout`, with the message as its
//! detail.

mod drivers;
mod failure;
mod handshake;
mod request;

use std::net::SocketAddr;

use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode};

use super::{ProbeError, Stopwatch, Surroundings};
use crate::net::Network;
use crate::net::tls::server_name;
use crate::spec::{QuicSpec, TlsVersions};
use handshake::Session;

/// What is offered by ALPN unless the specification says otherwise (RFC 9114 §3.1).
const H3: &[&str] = &["h3"];

/// Finds out what can be known before the first attempt.
///
/// # Errors
/// When a parameter makes no sense; the message names it.
pub fn check(spec: &QuicSpec) -> Result<(), ProbeError> {
    let wrong = |message: &str| Err(ProbeError::Parameter(message.to_owned()));
    if spec.tls.versions == Some(TlsVersions::Only12) {
        return wrong("QUIC needs TLS 1.3");
    }
    server_name(&spec.host, &spec.tls)?;
    match spec.request.as_deref() {
        Some(_) if !spec.tls.alpn.is_empty() && !spec.tls.alpn.iter().any(|name| name == "h3") => {
            wrong("an HTTP/3 request needs the protocol h3 among those offered")
        }
        Some(request) if request.url.scheme_str() != Some("https") => {
            wrong("HTTP/3 is for https URLs only")
        }
        Some(request) if request.reuse || request.follow_redirects > 0 => {
            wrong("HTTP/3 requests follow no redirects and keep no connection")
        }
        _ => Ok(()),
    }
}

/// Connects, asks where there is something to ask, and says goodbye.
pub async fn run<N: Network>(
    spec: &QuicSpec,
    surroundings: &Surroundings<N>,
    family: Family,
    watch: &mut Stopwatch,
) -> Result<(), Failure> {
    let invalid = |error: ProbeError| Failure::new(FailureCode::ConfigInvalid, &error.to_string());
    check(spec).map_err(invalid)?;
    let name = server_name(&spec.host, &spec.tls).map_err(invalid)?;
    let tls = surroundings.tls.client(&spec.tls, H3).map_err(invalid)?;
    let address = surroundings.find(&spec.host, family, watch).await?;
    let remote = SocketAddr::new(address, spec.port);
    let session = Session::open(&tls, &name, remote, watch).await?;
    let outcome = match &spec.request {
        Some(request) => request::run(request, &session, watch).await,
        None => Ok(()),
    };
    if outcome.is_ok() {
        watch.stop();
    }
    session.close().await;
    outcome
}

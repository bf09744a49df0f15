//! HTTPS: TLS over TCP, then HTTP/1.1 or HTTP/2 as ALPN decides.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::admission::{Admission, meet};
use super::ca::Identity;
use super::http::{HttpSite, HttpVersion, converse};
use super::spec::HttpsSpec;
use super::tls::{Alpn, Handshake, server_config};
use super::wire::close_in_order;

/// What the connections of one HTTPS service share.
pub struct HttpsSite {
    http: Arc<HttpSite>,
    sound: TlsAcceptor,
    failing: TlsAcceptor,
}

impl HttpsSite {
    /// Prepares TLS as `spec` says.
    ///
    /// # Errors
    ///
    /// When rustls refuses the configuration.
    pub fn new(
        spec: &HttpsSpec,
        identity: &Identity,
        http: Arc<HttpSite>,
    ) -> Result<Self, rustls::Error> {
        let acceptor = |handshake| {
            let alpn = spec.alpn.iter().map(|alpn| alpn.id().to_vec()).collect();
            let config = server_config(identity, &spec.tls, alpn, handshake)?;
            Ok::<_, rustls::Error>(TlsAcceptor::from(Arc::new(config)))
        };
        Ok(Self {
            http,
            sound: acceptor(Handshake::Sound)?,
            failing: acceptor(Handshake::NoCommonGroup)?,
        })
    }
}

/// Serves one TCP connection.
pub async fn serve(stream: TcpStream, admission: Admission, site: Arc<HttpsSite>) {
    let Some(stream) = meet(stream, admission).await else { return };
    let acceptor =
        if admission == Admission::HandshakeFailure { &site.failing } else { &site.sound };
    match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => {
            let version = match stream.get_ref().1.alpn_protocol() {
                Some(protocol) if protocol == Alpn::H2.id() => HttpVersion::Http2,
                Some(_) => HttpVersion::Http1,
                None => HttpVersion::Sniffed,
            };
            converse(stream, version, Arc::clone(&site.http)).await;
        }
        // The alert has been sent; closing at once could overtake it with a RST.
        Err((_, mut stream)) => close_in_order(&mut stream).await,
    }
}

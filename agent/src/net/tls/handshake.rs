//! A TLS handshake over a connection.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use vantage_wire::Failure;

use super::classify::classify_handshake;
use super::clients::TlsClient;
use super::witness::Witness;
use crate::attempt::TlsFacts;

/// What came of a handshake.
#[derive(Debug)]
pub struct Negotiated<S> {
    /// The connection, or why there is none.
    pub outcome: Result<TlsStream<S>, Failure>,
    /// From the `ClientHello` being written to our `Finished` having been written.
    pub took: Duration,
    /// What is known now, also of a handshake that failed.
    pub facts: TlsFacts,
    /// What the connection showed.
    pub witness: Witness,
}

/// Shakes hands, without a timeout of its own.
pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    client: &TlsClient,
    name: ServerName<'static>,
    stream: S,
) -> Negotiated<S> {
    let (config, witness) = client.observe();
    // Makes the key share; nothing is written before the first poll.
    let connecting = TlsConnector::from(config).connect(name, stream);
    let start = Instant::now();
    let outcome = connecting.await;
    let took = start.elapsed();
    let mut facts = TlsFacts { expires_unix_s: witness.expires_unix_s(), ..TlsFacts::default() };
    if let Ok(stream) = &outcome {
        let (_, session) = stream.get_ref();
        facts.version = session
            .protocol_version()
            .map(|version| version.as_str().map_or_else(|| format!("{version:?}"), spell_version));
        facts.cipher = session
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .map(ToOwned::to_owned);
        facts.alpn =
            session.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned());
    }
    let outcome = outcome.map_err(|error| classify_handshake(&error, &witness));
    Negotiated { outcome, took, facts, witness }
}

/// `TLSv1_3` as people write it.
fn spell_version(name: &str) -> String {
    name.replace('_', ".")
}

//! A QUIC connection of its own for one attempt.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, TransportConfig, VarInt};
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use vantage_wire::{Failure, FailureCode, Phase};

use super::super::Stopwatch;
use super::drivers::Drivers;
use super::failure;
use crate::attempt::TlsFacts;
use crate::net::tls::{TlsClient, Witness};
use crate::net::{ConnectedUdp, Origin, classify_io};

/// Largest UDP payload that we take; the peer is told. What fits into Ethernet's frames: a larger
/// buffer would be paid for by every attempt, 32-fold.
const MAX_UDP_PAYLOAD_BYTES: u16 = 1472;
/// `H3_NO_ERROR` (RFC 9114 §8.1).
const NO_ERROR: VarInt = VarInt::from_u32(0x100);
/// How long the machine may take to send the last datagram.
const FAREWELL: Duration = Duration::from_millis(10);

/// An open connection and all that it runs on.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub connection: Connection,
    /// Its socket.
    pub socket: Arc<ConnectedUdp>,
    /// What its handshake showed.
    pub witness: Witness,
    _endpoint: Endpoint,
    _drivers: Drivers,
}

impl Session {
    /// Shakes hands: phase `connect`, from the first Initial packet being handed to the kernel to
    /// the end of the handshake (RFC 9001 §4.1.1: our `Finished` is sent).
    pub async fn open(
        tls: &TlsClient,
        name: &ServerName<'_>,
        remote: SocketAddr,
        watch: &mut Stopwatch,
    ) -> Result<Self, Failure> {
        let local = |error: io::Error| classify_io(&error, Phase::Connect, Origin::Local);
        let invalid = |error: &dyn std::error::Error| {
            Failure::new(FailureCode::ConfigInvalid, &error.to_string())
        };
        let (crypto, witness) = tls.observe();
        let crypto = QuicClientConfig::try_from(crypto).map_err(|error| invalid(&error))?;
        let socket = Arc::new(ConnectedUdp::open(remote).map_err(local)?);
        let drivers = Drivers::default();
        let endpoint = Endpoint::new_with_abstract_socket(
            endpoint_config().map_err(|error| invalid(&error))?,
            None,
            Arc::clone(&socket) as _,
            drivers.runtime(),
        )
        .map_err(local)?;
        watch.attempt.facts.local_port = endpoint.local_addr().ok().map(|local| local.port());
        let connecting = endpoint
            .connect_with(client_config(crypto), remote, &name.to_str())
            .map_err(|error| invalid(&error))?;
        let work = async {
            tokio::select! {
                biased;
                outcome = connecting => {
                    let connection = outcome.map_err(|error| match witness.refusal() {
                        Some(refusal) => failure::certificate(&refusal, &witness),
                        None => failure::handshake(&error, &witness),
                    })?;
                    Ok(connection)
                }
                error = socket.error(|_| true) => Err(failure::socket(&error)),
            }
        };
        let outcome = watch.limit(Phase::Connect, work).await.map_err(|late| {
            failure::timed_out(late, FailureCode::TcpTimeout, FailureCode::QuicTimeout)
        });
        watch.attempt.facts.tls = facts(outcome.as_ref().ok(), &witness);
        let connection = outcome?;
        // What quinn and the run-time did after our `Finished` was handed over is not counted.
        let done = socket.last_left().max(socket.last_arrived());
        if let (Some(begun), Some(done)) = (socket.first_left(), done) {
            watch.attempt.phases.set(Phase::Connect, done - begun);
        }
        Ok(Self { connection, socket, witness, _endpoint: endpoint, _drivers: drivers })
    }

    /// When the last datagram arrived, but not before `earlier`.
    pub fn arrived_since(&self, earlier: Instant) -> Instant {
        self.socket.last_arrived().map_or(earlier, |arrived| arrived.max(earlier))
    }

    /// Closes the connection, so that the target need not wait for what will never come.
    pub async fn close(self) {
        self.connection.close(NO_ERROR, b"");
        let farewell = async {
            loop {
                let sent = self.socket.sent();
                let said = self.connection.stats().frame_tx.connection_close > 0;
                let closed_by_us = matches!(
                    self.connection.close_reason(),
                    Some(quinn::ConnectionError::LocallyClosed)
                );
                if said || !closed_by_us {
                    break;
                }
                self.socket.sent_more_than(sent).await;
            }
        };
        // Politeness must not hold up an agent whose socket takes nothing any more.
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }
}

fn endpoint_config() -> Result<EndpointConfig, quinn::ConfigError> {
    let mut config = EndpointConfig::default();
    config.max_udp_payload_size(MAX_UDP_PAYLOAD_BYTES)?;
    Ok(config)
}

fn client_config(crypto: QuicClientConfig) -> ClientConfig {
    let mut transport = TransportConfig::default();
    // The stopwatch decides when it has been too long.
    transport.max_idle_timeout(None);
    // HTTP/3 servers open none (RFC 9114 §6.1).
    transport.max_concurrent_bidi_streams(VarInt::from_u32(0));
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    config
}

/// What is known of TLS. quinn does not tell the cipher suite.
fn facts(connection: Option<&Connection>, witness: &Witness) -> Option<TlsFacts> {
    let expires_unix_s = witness.expires_unix_s();
    let Some(connection) = connection else {
        return expires_unix_s
            .map(|at| TlsFacts { expires_unix_s: Some(at), ..TlsFacts::default() });
    };
    let alpn = connection
        .handshake_data()
        .and_then(|data| data.downcast::<HandshakeData>().ok())
        .and_then(|data| data.protocol)
        .map(|protocol| String::from_utf8_lossy(&protocol).into_owned());
    // QUIC version 1 knows no other (RFC 9001 §4.2).
    let version = Some("TLSv1.3".to_owned());
    Some(TlsFacts { version, cipher: None, alpn, expires_unix_s })
}

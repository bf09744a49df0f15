//! A TCP and a TLS handshake.

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;
use vantage_wire::report::Family;
use vantage_wire::{Failure, Phase};

use super::{Stopwatch, Surroundings};
use crate::net::Network;
use crate::net::tls::{TlsClient, Witness, server_name};
use crate::spec::{SpecError, TlsSpec};

/// What a TLS probe needs beside its parameters.
#[derive(Debug)]
pub struct TlsProbe {
    client: TlsClient,
    name: ServerName<'static>,
}

impl TlsProbe {
    /// Prepares a probe. It offers no protocol by ALPN unless its parameters do.
    ///
    /// # Errors
    /// When the name or the authorities make no sense.
    pub fn new<N>(spec: &TlsSpec, surroundings: &Surroundings<N>) -> Result<Self, SpecError> {
        let client = surroundings.tls.client(&spec.tls, &[])?;
        Ok(Self { client, name: server_name(&spec.host, &spec.tls)? })
    }

    /// Connects, shakes hands and says goodbye, without waiting for the peer to do so, too.
    ///
    /// A TLS 1.3 handshake is over for the client before the server has judged the client's
    /// certificate: a demand for one shows only to a probe that goes on to read.
    pub async fn run<N: Network>(
        &self,
        spec: &TlsSpec,
        surroundings: &Surroundings<N>,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<(), Failure> {
        let stream = surroundings.connect(&spec.host, spec.port, family, watch).await?;
        let (mut stream, _) = shake_hands(&self.client, self.name.clone(), stream, watch).await?;
        watch.succeed_at(Instant::now());
        // The handshake has succeeded, whatever becomes of the goodbye.
        let _ = tokio::time::timeout_at(watch.deadline(), stream.shutdown()).await;
        Ok(())
    }
}

/// A TLS handshake in phase `tls`.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    client: &TlsClient,
    name: ServerName<'static>,
    stream: S,
    watch: &mut Stopwatch,
) -> Result<(TlsStream<S>, Witness), Failure> {
    let shaking = crate::net::tls::handshake(client, name, stream);
    let negotiated = watch.limit(Phase::Tls, async { Ok(shaking.await) }).await?;
    watch.attempt.facts.tls = Some(negotiated.facts);
    let stream = negotiated.outcome?;
    watch.attempt.phases.set(Phase::Tls, negotiated.took);
    Ok((stream, negotiated.witness))
}

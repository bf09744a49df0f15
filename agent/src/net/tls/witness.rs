//! What one connection shows of itself during its handshake, refused or not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use super::verdicts::ChainVerifier;

/// Watches one connection's handshake. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    expires_unix_s: Option<i64>,
    self_signed: bool,
    refusal: Option<Error>,
    certificate_requested: bool,
}

impl Witness {
    /// When the leaf certificate expires, in seconds since the Unix epoch; also that of a
    /// certificate that was refused.
    pub fn expires_unix_s(&self) -> Option<i64> {
        self.seen().expires_unix_s
    }

    /// Whether the leaf certificate names itself as its issuer.
    pub fn self_signed(&self) -> bool {
        self.seen().self_signed
    }

    /// Why the certificate was refused. QUIC connections report no more than the alert that this
    /// led to.
    pub fn refusal(&self) -> Option<Error> {
        self.seen().refusal.clone()
    }

    /// Whether the server asked for a certificate of ours.
    pub fn certificate_requested(&self) -> bool {
        self.seen().certificate_requested
    }

    pub(super) fn watching(&self, verifier: Arc<ChainVerifier>) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Watched { verifier, witness: self.clone() })
    }

    pub(super) fn without_certificate(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(NoCertificate(self.clone()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The verification, watched. It decides nothing itself.
#[derive(Debug)]
struct Watched {
    verifier: Arc<ChainVerifier>,
    witness: Witness,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let found = self.verifier.verify(end_entity, intermediates, server_name, now);
        let mut seen = self.witness.seen();
        if let Some(leaf) = found.leaf {
            (seen.expires_unix_s, seen.self_signed) = (Some(leaf.expires_unix_s), leaf.self_signed);
        }
        seen.refusal = found.verdict.as_ref().err().cloned();
        found.verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.webpki().verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.webpki().verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.webpki().supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.verifier.webpki().root_hint_subjects()
    }
}

/// Has no certificate to show, and notes that it was asked for one.
#[derive(Debug)]
struct NoCertificate(Witness);

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.seen().certificate_requested = true;
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

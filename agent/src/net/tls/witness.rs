//! What one connection shows of itself during its handshake, refused or not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_parser::prelude::{FromDer, X509Certificate};

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

    pub(super) fn watching(
        &self,
        verifier: Arc<WebPkiServerVerifier>,
    ) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Watched { verifier, witness: self.clone() })
    }

    pub(super) fn without_certificate(&self) -> Arc<dyn ResolvesClientCert> {
        Arc::new(NoCertificate(self.clone()))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a leaf certificate says of itself, whether or not anybody vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    /// When it expires, in seconds since the Unix epoch.
    pub expires_unix_s: i64,
    /// Whether it names itself as its issuer.
    pub self_signed: bool,
}

impl Leaf {
    /// Reads a certificate (DER, RFC 5280); `None` where these bytes are none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, leaf) = X509Certificate::from_der(der).ok()?;
        Some(Self {
            expires_unix_s: leaf.validity().not_after.timestamp(),
            self_signed: leaf.issuer().as_raw() == leaf.subject().as_raw(),
        })
    }
}

/// webpki's verification, watched. It decides nothing itself.
#[derive(Debug)]
struct Watched {
    verifier: Arc<WebPkiServerVerifier>,
    witness: Witness,
}

impl ServerCertVerifier for Watched {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let mut seen = self.witness.seen();
        // What cannot be parsed has no expiry; webpki says the rest.
        if let Some(leaf) = Leaf::read(end_entity) {
            (seen.expires_unix_s, seen.self_signed) = (Some(leaf.expires_unix_s), leaf.self_signed);
        }
        seen.refusal = verdict.as_ref().err().cloned();
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.verifier.root_hint_subjects()
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

//! Client configurations, shared by all probes with the same parameters.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

use super::verdicts::ChainVerifier;
use super::witness::Witness;
use crate::spec::{SpecError, TlsParameters, TlsVersions};

/// Configurations that are kept to be shared. Catalogues need a handful; a probe keeps its own
/// beyond this number, too.
const MOST_KEPT: usize = 64;

/// Every configuration in use. Clones share.
#[derive(Debug, Clone, Default)]
pub struct TlsClients {
    kept: Arc<Mutex<Vec<Kept>>>,
}

#[derive(Debug)]
struct Kept {
    ca_pem: Option<String>,
    versions: Option<TlsVersions>,
    alpn: Vec<String>,
    client: TlsClient,
}

/// How TLS is spoken with one set of parameters. Clones share.
#[derive(Clone)]
pub struct TlsClient {
    // A template: every connection gets its own, cheap copy with its own witness.
    config: Arc<ClientConfig>,
    verifier: Arc<ChainVerifier>,
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsClient")
            .field("alpn", &self.config.alpn_protocols)
            .finish_non_exhaustive()
    }
}

impl TlsClients {
    /// No configuration yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The configuration for these parameters; `default_alpn` is offered where they name no
    /// protocol. It trusts the given authorities, or else the system's (as OpenSSL finds them,
    /// `SSL_CERT_FILE` included), or else, on a system without any, Mozilla's.
    ///
    /// # Errors
    /// When the authorities' PEM holds no usable certificate.
    pub fn client(
        &self,
        parameters: &TlsParameters,
        default_alpn: &[&str],
    ) -> Result<TlsClient, SpecError> {
        let alpn = if parameters.alpn.is_empty() {
            default_alpn.iter().map(ToString::to_string).collect()
        } else {
            parameters.alpn.clone()
        };
        let (ca_pem, versions) = (&parameters.ca_pem, parameters.versions);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |kept: &&Kept| kept.versions == versions && kept.alpn == alpn;
        if let Some(found) = kept.iter().filter(|kept| kept.ca_pem == *ca_pem).find(same) {
            return Ok(found.client.clone());
        }
        let verifier = match kept.iter().find(|kept| kept.ca_pem == *ca_pem) {
            Some(found) => Arc::clone(&found.client.verifier),
            None => Arc::new(verifier(ca_pem.as_deref())?),
        };
        let config = Arc::new(config(&verifier, versions, &alpn)?);
        let client = TlsClient { config, verifier };
        if kept.len() == MOST_KEPT {
            kept.remove(0);
        }
        let ca_pem = ca_pem.clone();
        kept.push(Kept { ca_pem, versions, alpn, client: client.clone() });
        Ok(client)
    }
}

impl TlsClient {
    /// The configuration by itself, for connections that are not measured.
    pub fn configuration(&self) -> ClientConfig {
        (*self.config).clone()
    }

    /// The configuration for one connection, and the witness of that connection.
    pub fn observe(&self) -> (Arc<ClientConfig>, Witness) {
        let witness = Witness::default();
        let mut config = (*self.config).clone();
        config.dangerous().set_certificate_verifier(witness.watching(Arc::clone(&self.verifier)));
        config.client_auth_cert_resolver = witness.without_certificate();
        (Arc::new(config), witness)
    }
}

fn config(
    verifier: &ChainVerifier,
    versions: Option<TlsVersions>,
    alpn: &[String],
) -> Result<ClientConfig, SpecError> {
    let versions: &[&'static SupportedProtocolVersion] = match versions {
        None => rustls::DEFAULT_VERSIONS,
        Some(TlsVersions::Only12) => &[&rustls::version::TLS12],
        Some(TlsVersions::Only13) => &[&rustls::version::TLS13],
    };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .map_err(|error| SpecError::Parameter(error.to_string()))?
        .with_webpki_verifier(Arc::clone(verifier.webpki()))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.clone().into_bytes()).collect();
    // A resumed handshake is another, shorter one: every attempt must be like the first.
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn verifier(ca_pem: Option<&str>) -> Result<ChainVerifier, SpecError> {
    let roots = match ca_pem {
        Some(pem) => given_roots(pem)?,
        None => system_roots(),
    };
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map(ChainVerifier::new)
        .map_err(|error| SpecError::Parameter(format!("certificate authorities: {error}")))
}

fn given_roots(pem: &str) -> Result<RootCertStore, SpecError> {
    let problem = |problem: &dyn fmt::Display| {
        SpecError::Parameter(format!("the certificate authorities' PEM: {problem}"))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| problem(&error))?;
        roots.add(certificate).map_err(|error| problem(&error))?;
    }
    if roots.is_empty() { Err(problem(&"it holds no certificate")) } else { Ok(roots) }
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Some systems carry a certificate that webpki does not understand; the others still count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parameters_share_and_the_number_kept_is_bounded() {
        let clients = TlsClients::new();
        let client = |alpn: &str| clients.client(&TlsParameters::default(), &[alpn]).unwrap();
        let (first, again, other) = (client("h2"), client("h2"), client("http/1.1"));
        assert!(Arc::ptr_eq(&first.config, &again.config));
        assert!(!Arc::ptr_eq(&first.config, &other.config));
        assert!(Arc::ptr_eq(&first.verifier, &other.verifier));
        for number in 0..2 * MOST_KEPT {
            client(&number.to_string());
        }
        assert_eq!(clients.kept.lock().unwrap().len(), MOST_KEPT);
    }

    #[test]
    fn what_is_no_certificate_authority_is_said() {
        for pem in ["", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let ca_pem = Some(pem.to_owned());
            let parameters = TlsParameters { ca_pem, ..TlsParameters::default() };
            let error = TlsClients::new().client(&parameters, &[]).unwrap_err();
            assert!(error.to_string().contains("authorities"), "{error}");
        }
    }
}

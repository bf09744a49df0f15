//! A test certificate authority and the kinds of certificate, sound and unsound, that it hands to services.
//!
//! Keys are ECDSA P-256: signing one costs some 20 µs, so handshakes stay cheap. Nothing here is fit for anything but
//! tests: the root key lives in memory only and is gone with the process.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::Deserialize;

const DAY: Duration = Duration::from_hours(24);
/// What a `wrong-name` certificate is issued for. `.invalid` never resolves (RFC 2606).
const WRONG_NAME: &str = "wrong-name.invalid";
const TRUSTED_NAME: &str = "Vantage test authority";

/// What is right or wrong with a service's certificate. Each unsound kind has exactly one fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Issued by the authority for the service's names and addresses, from a day ago for a year.
    #[default]
    Valid,
    /// Was valid until a day ago.
    Expired,
    /// Becomes valid in a day.
    NotYetValid,
    /// Issued for `wrong-name.invalid` and for no address.
    WrongName,
    /// Signed by its own key.
    SelfSigned,
    /// Issued by an authority that no client trusts.
    Untrusted,
    /// Issued for clients: its extended key usage does not name servers (RFC 5280 §4.2.1.12).
    WrongPurpose,
    /// Says that it is an authority's own (RFC 5280 §4.2.1.9), and is shown as a server's.
    Authority,
    /// Names the authority as its issuer and bears the signature of another key.
    Forged,
}

/// A certificate chain and its private key, as a TLS server needs them.
#[derive(Debug)]
pub struct Identity {
    /// The leaf certificate; no intermediate is involved.
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The time given lies before 1970.
    #[error("certificate time lies before 1970")]
    Time,
    /// A name is no host name, or signing failed.
    #[error("certificate could not be issued")]
    Issue(#[from] rcgen::Error),
}

/// A root that clients trust, and beside it two that they do not.
pub struct Authority {
    trusted: CertifiedIssuer<'static, KeyPair>,
    untrusted: CertifiedIssuer<'static, KeyPair>,
    // Has the name of the trusted one.
    namesake: CertifiedIssuer<'static, KeyPair>,
    now_since_epoch: Duration,
}

impl Authority {
    /// Makes new roots. `now` is the wall-clock time that every validity is counted from; clients check certificates
    /// against their own clock, so it should be the real time.
    ///
    /// # Errors
    ///
    /// When `now` lies before 1970, or the system has no randomness to make keys from.
    pub fn generate(now: SystemTime) -> Result<Self, AuthorityError> {
        let now_since_epoch = now.duration_since(UNIX_EPOCH).map_err(|_| AuthorityError::Time)?;
        Ok(Self {
            trusted: root(TRUSTED_NAME, now_since_epoch)?,
            untrusted: root("An authority nobody trusts", now_since_epoch)?,
            namesake: root(TRUSTED_NAME, now_since_epoch)?,
            now_since_epoch,
        })
    }

    /// The trusted root as PEM, to be given to clients.
    pub fn ca_pem(&self) -> String {
        self.trusted.pem()
    }

    /// The trusted root as DER, to be added to a `rustls::RootCertStore`.
    pub fn ca_der(&self) -> &CertificateDer<'static> {
        self.trusted.der()
    }

    /// Issues a certificate of `kind` for `names` and `addresses`, with a key of its own.
    ///
    /// # Errors
    ///
    /// When a name is not an ASCII host name.
    pub fn issue(
        &self,
        kind: CertificateKind,
        names: &[String],
        addresses: &[IpAddr],
    ) -> Result<Identity, AuthorityError> {
        let subjects = match kind {
            CertificateKind::WrongName => vec![WRONG_NAME.to_owned()],
            _ => names.iter().cloned().chain(addresses.iter().map(IpAddr::to_string)).collect(),
        };
        let now = self.now_since_epoch;
        let (from, until) = match kind {
            CertificateKind::Expired => (now.saturating_sub(60 * DAY), now.saturating_sub(DAY)),
            CertificateKind::NotYetValid => (now + DAY, now + 366 * DAY),
            _ => (now.saturating_sub(DAY), now + 365 * DAY),
        };
        let mut params = params("Vantage test service", subjects, from, until)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match kind {
            CertificateKind::WrongPurpose => ExtendedKeyUsagePurpose::ClientAuth,
            _ => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        if kind == CertificateKind::Authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        }
        let key = KeyPair::generate()?;
        let leaf = match kind {
            CertificateKind::SelfSigned => params.self_signed(&key)?,
            CertificateKind::Untrusted => params.signed_by(&key, &self.untrusted)?,
            CertificateKind::Forged => params.signed_by(&key, &self.namesake)?,
            _ => params.signed_by(&key, &self.trusted)?,
        };
        Ok(Identity {
            chain: vec![leaf.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        })
    }
}

fn root(name: &str, now: Duration) -> Result<CertifiedIssuer<'static, KeyPair>, AuthorityError> {
    let mut params = params(name, Vec::new(), now.saturating_sub(90 * DAY), now + 3650 * DAY)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}

fn params(
    common_name: &str,
    subjects: Vec<String>,
    from: Duration,
    until: Duration,
) -> Result<CertificateParams, AuthorityError> {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = epoch + from;
    params.not_after = epoch + until;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

//! What a certificate says of itself.

use x509_parser::prelude::{FromDer, X509Certificate};

/// What a certificate says of itself, whether or not anybody vouches for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// When it becomes valid, in seconds since the Unix epoch.
    pub begins_unix_s: i64,
    /// When it expires, in seconds since the Unix epoch.
    pub expires_unix_s: i64,
    /// Whether it names itself as its issuer.
    pub self_signed: bool,
}

impl Certificate {
    /// Reads a certificate (DER, RFC 5280); `None` where these bytes are none.
    pub fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Self {
            begins_unix_s: validity.not_before.timestamp(),
            expires_unix_s: validity.not_after.timestamp(),
            self_signed: certificate.issuer().as_raw() == certificate.subject().as_raw(),
        })
    }
}

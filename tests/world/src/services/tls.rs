//! TLS server configurations. The crypto provider is always given explicitly: a process may have no default one.

use std::sync::Arc;

use rustls::crypto::{ActiveKeyExchange, CryptoProvider, SupportedKxGroup, ring};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{NamedGroup, ServerConfig, SupportedProtocolVersion};
use serde::Deserialize;

use super::ca::Identity;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    /// TLS 1.2
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3
    #[serde(rename = "1.3")]
    Tls13,
}

/// An application protocol to be negotiated by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Alpn {
    /// HTTP/2
    #[serde(rename = "h2")]
    H2,
    /// HTTP/1.1
    #[serde(rename = "http/1.1")]
    Http11,
}

impl Alpn {
    /// The protocol's name on the wire.
    pub fn id(self) -> &'static [u8] {
        match self {
            Self::H2 => b"h2",
            Self::Http11 => b"http/1.1",
        }
    }
}

/// Whether handshakes can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// They can.
    Sound,
    /// Client and server never have a key exchange group in common, so the server sends `handshake_failure`.
    NoCommonGroup,
}

/// A server configuration without client authentication, with session tickets and without 0-RTT.
///
/// # Errors
///
/// When the certificate and key do not fit, or `versions` is empty.
pub fn server_config(
    identity: &Identity,
    versions: &[TlsVersion],
    alpn: Vec<Vec<u8>>,
    handshake: Handshake,
) -> Result<ServerConfig, rustls::Error> {
    let mut provider = ring::default_provider();
    if handshake == Handshake::NoCommonGroup {
        provider = CryptoProvider { kx_groups: vec![&UnknownGroup], ..provider };
    }
    let versions: Vec<&'static SupportedProtocolVersion> = versions
        .iter()
        .map(|version| match version {
            TlsVersion::Tls12 => &rustls::version::TLS12,
            TlsVersion::Tls13 => &rustls::version::TLS13,
        })
        .collect();
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions)?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())?;
    config.alpn_protocols = alpn;
    Ok(config)
}

/// A key exchange group from the range for private use (RFC 8446 §4.2.7), which no client offers.
#[derive(Debug)]
struct UnknownGroup;

impl SupportedKxGroup for UnknownGroup {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, rustls::Error> {
        Err(rustls::Error::General("this group only exists to be missing".to_owned()))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::Unknown(0xfe00)
    }
}

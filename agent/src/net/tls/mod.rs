//! TLS as probes speak it, over TCP and QUIC: rustls with the provider *ring*, webpki's verification,
//! no session resumption, no client certificate.
//!
//! Root certificates cost memory and parsing, so [`TlsClients`] keeps one configuration per set of
//! parameters and one set of roots per authority, shared by all probes. A chain that was found good is
//! not verified again while it is valid and the same (`verdicts`). What a single connection
//! shows (its certificate, whether it asked for one of ours) goes to that connection's [`Witness`].

mod certificate;
mod classify;
mod clients;
mod handshake;
mod verdicts;
mod witness;

use rustls::pki_types::ServerName;

use crate::spec::{Host, SpecError, TlsParameters};

pub use certificate::Certificate;
pub use classify::{alert_name, classify_handshake, classify_tls};
pub use clients::{TlsClient, TlsClients};
pub use handshake::{Negotiated, handshake};
pub use witness::Witness;

/// The name to ask for and to expect in the certificate: the parameters', or else the host. An
/// address is not asked for (RFC 6066 §3) but must be in the certificate.
///
/// # Errors
/// When it is no name that TLS can ask for.
pub fn server_name(
    host: &Host,
    parameters: &TlsParameters,
) -> Result<ServerName<'static>, SpecError> {
    let name = match (&parameters.server_name, host) {
        (Some(name), _) | (None, Host::Name(name)) => name,
        (None, Host::Address(address)) => return Ok(ServerName::IpAddress((*address).into())),
    };
    // DNS knows a final dot, certificates and SNI do not.
    let bare = name.strip_suffix('.').unwrap_or(name);
    ServerName::try_from(bare.to_owned())
        .map_err(|_| SpecError::Parameter(format!("{name:?} is no server name")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_parameters_before_the_host() {
        let name = |host: &str, asked: Option<&str>| {
            let parameters =
                TlsParameters { server_name: asked.map(Into::into), ..TlsParameters::default() };
            server_name(&host.parse().unwrap(), &parameters).map(|name| name.to_str().into_owned())
        };
        assert_eq!(name("shop.test.", None).unwrap(), "shop.test");
        assert_eq!(name("192.0.2.1", Some("shop.test")).unwrap(), "shop.test");
        assert_eq!(name("[2001:db8::1]", None).unwrap(), "2001:db8::1");
        assert!(name("no name", None).is_err());
    }
}

//! Certificates, versions and protocols as a TLS client judges them.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, HandshakeKind, ProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::client::{NAME, Served, http1, quic, read_body, serve, serve_on, tls_error};

async fn certificate(kind: &str) -> Served {
    serve(&format!("kind = 'https'\nport = 0\nnames = ['shop.test']\ncertificate = '{kind}'")).await
}

async fn verdict(served: &Served) -> CertificateError {
    let error = served.tls(&[]).await.unwrap_err();
    match tls_error(&error) {
        rustls::Error::InvalidCertificate(verdict) => verdict.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_valid_one_is_accepted_by_name_and_by_address() {
    let served = certificate("valid").await;
    let stream = served.tls(&[]).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    served.tls_as(served.trusting(&[]), "127.0.0.1").await.unwrap();
    let error = served.tls_as(served.trusting(&[]), "other.test").await.unwrap_err();
    assert!(matches!(
        tls_error(&error),
        rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
    ));
}

#[tokio::test]
async fn the_authority_as_pem_is_the_authority() {
    let served = certificate("valid").await;
    let pem = served.authority.ca_pem();
    assert_eq!(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap(), *served.authority.ca_der());
}

#[tokio::test]
async fn an_expired_one_is_told() {
    let verdict = verdict(&certificate("expired").await).await;
    assert!(matches!(verdict, CertificateError::ExpiredContext { .. }), "{verdict:?}");
}

#[tokio::test]
async fn one_from_the_future_is_told() {
    let verdict = verdict(&certificate("not-yet-valid").await).await;
    assert!(matches!(verdict, CertificateError::NotValidYetContext { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_wrong_name_is_told() {
    let verdict = verdict(&certificate("wrong-name").await).await;
    assert!(matches!(verdict, CertificateError::NotValidForNameContext { .. }), "{verdict:?}");
}

#[tokio::test]
async fn unknown_issuers_are_told() {
    for kind in ["self-signed", "untrusted"] {
        let verdict = verdict(&certificate(kind).await).await;
        assert_eq!(verdict, CertificateError::UnknownIssuer, "{kind}");
    }
}

#[tokio::test]
async fn what_is_not_for_servers_is_told() {
    let wrong_purpose = verdict(&certificate("wrong-purpose").await).await;
    assert!(
        matches!(wrong_purpose, CertificateError::InvalidPurposeContext { .. }),
        "{wrong_purpose:?}"
    );
    let authority = verdict(&certificate("authority").await).await;
    assert!(authority.to_string().contains("CaUsedAsEndEntity"), "{authority:?}");
}

#[tokio::test]
async fn a_signature_of_another_key_is_told() {
    assert_eq!(verdict(&certificate("forged").await).await, CertificateError::BadSignature);
}

#[tokio::test]
async fn quic_shows_the_same_certificates() {
    for (kind, accepted) in [("valid", true), ("expired", false), ("wrong-name", false)] {
        let toml = format!("kind = 'h3'\nport = 0\nnames = ['shop.test']\ncertificate = '{kind}'");
        let outcome = quic(&serve(&toml).await).await;
        assert_eq!(outcome.is_ok(), accepted, "{kind}: {:?}", outcome.err());
    }
}

#[tokio::test]
async fn only_the_versions_asked_for_are_spoken() {
    for (version, expected) in
        [("1.2", ProtocolVersion::TLSv1_2), ("1.3", ProtocolVersion::TLSv1_3)]
    {
        let toml = format!("kind = 'https'\nport = 0\nnames = ['shop.test']\ntls = ['{version}']");
        let stream = serve(&toml).await.tls(&[]).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(expected));
    }
}

#[tokio::test]
async fn the_server_prefers_protocols_in_its_own_order() {
    for (alpn, expected) in [
        ("['h2', 'http/1.1']", Some("h2")),
        ("['http/1.1', 'h2']", Some("http/1.1")),
        ("['http/1.1']", Some("http/1.1")),
        ("[]", None),
    ] {
        let toml = format!("kind = 'https'\nport = 0\nnames = ['shop.test']\nalpn = {alpn}");
        let stream = serve(&toml).await.tls(&["h2", "http/1.1"]).await.unwrap();
        let protocol = stream.get_ref().1.alpn_protocol();
        assert_eq!(protocol, expected.map(str::as_bytes), "{alpn}");
    }
}

#[tokio::test]
async fn sessions_resume_without_early_data() {
    let served = certificate("valid").await;
    let mut config = served.trusting(&["http/1.1"]);
    config.enable_early_data = true;
    let stream = served.tls_as(config.clone(), NAME).await.unwrap();
    // The tickets come with the response.
    let response = http1(stream, "/").await.unwrap();
    read_body(response.into_body()).await.1.unwrap();
    let stream = served.tls_as(config, NAME).await.unwrap();
    assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(!stream.get_ref().1.is_early_data_accepted());
}

#[tokio::test]
async fn both_families_are_served_on_one_port() {
    let bind = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
    let served = serve_on("kind = 'https'\nport = 0\nnames = ['shop.test']", &bind).await;
    let addresses = served.handle.local_addrs();
    assert_eq!(addresses[0].port(), addresses[1].port());
    for &address in addresses {
        let name = ServerName::from(address.ip());
        let connector = TlsConnector::from(Arc::new(served.trusting(&[])));
        let stream = TcpStream::connect(address).await.unwrap();
        connector.connect(name, stream).await.unwrap();
    }
}

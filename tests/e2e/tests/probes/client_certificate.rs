//! A target that demands a certificate of ours.

use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};

use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion};
use vantage_agent::Attempt;
use vantage_agent::spec::{Action, HttpSpec, TlsParameters, TlsSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::clock;
use vantage_world::services::{Authority, CertificateKind};

use crate::stage;

const PORT: u16 = 8443;

fn demanding(authority: &Authority, version: &'static SupportedProtocolVersion) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.ca_der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let names = ["shop.test".to_owned()];
    let identity = authority.issue(CertificateKind::Valid, &names, &[]).unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(identity.chain, identity.key)
        .unwrap()
}

/// Attempts an action against a server at the site that demands a certificate.
fn attempt(
    version: &'static SupportedProtocolVersion,
    action: impl FnOnce(TlsParameters) -> Action,
) -> Attempt {
    let authority = Authority::generate(clock::wall()).unwrap();
    let world = stage::world("", "");
    let config = Arc::new(demanding(&authority, version));
    let (listens, listening) = mpsc::channel();
    let server = world.host("site").unwrap().spawn(move || {
        let listener = TcpListener::bind(("0.0.0.0", PORT)).unwrap();
        listens.send(()).unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        let mut session = ServerConnection::new(config).unwrap();
        // It fails once the client has shown no certificate, and says so by an alert.
        while session.complete_io(&mut stream).is_ok_and(|done| done != (0, 0)) {}
        // A socket closed with something unread would reset the connection before that is read.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let server = server.unwrap();
    listening.recv().unwrap();
    let tls = TlsParameters {
        server_name: Some("shop.test".into()),
        ca_pem: Some(authority.ca_pem()),
        ..TlsParameters::default()
    };
    let attempt = stage::attempt(&world, stage::spec(action(tls)));
    server.join().unwrap().unwrap();
    attempt
}

fn handshake(tls: TlsParameters) -> Action {
    Action::Tls(TlsSpec { host: "192.0.2.2".parse().unwrap(), port: PORT, tls })
}

fn request(tls: TlsParameters) -> Action {
    let url = format!("https://192.0.2.2:{PORT}/").parse().unwrap();
    Action::Http(HttpSpec { tls, ..HttpSpec::get(url) })
}

#[test]
fn a_demand_for_our_certificate_is_a_matter_of_configuration() {
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    for attempt in [attempt(tls12, handshake), attempt(tls12, request), attempt(tls13, request)] {
        stage::assert_fails(&attempt, FailureCode::TlsClientCert, Phase::Tls, Attribution::Config);
    }
}

#[test]
fn a_tls_1_3_handshake_is_over_before_the_demand_shows() {
    let attempt = attempt(&rustls::version::TLS13, handshake);
    assert!(attempt.is_ok(), "{attempt:?}");
}

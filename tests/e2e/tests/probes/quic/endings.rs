//! HTTP/3 answers that end too early, each by what the target does to the stream.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use quinn::crypto::rustls::QuicServerConfig;
use quinn::{Endpoint, ServerConfig, VarInt};
use rustls::crypto::ring;
use vantage_agent::Attempt;
use vantage_agent::spec::{Action, HttpSpec, QuicSpec, TlsParameters};
use vantage_wire::Attribution::{Path, Target};
use vantage_wire::Phase::{Request, Transfer};
use vantage_wire::{Attribution, FailureCode as Code, Phase};
use vantage_world::clock;
use vantage_world::services::{Authority, CertificateKind};

use crate::stage;

const PORT: u16 = 8443;
/// A `HEADERS` frame (RFC 9114 §7.2.2) with `:status: 200` of QPACK's static table (RFC 9204).
const HEAD: [u8; 5] = [0x01, 0x03, 0x00, 0x00, 0xd9];
/// A `DATA` frame of ten bytes, three of which are there.
const PART_OF_A_FRAME: [u8; 5] = [0x00, 0x0a, b'a', b'b', b'c'];
/// Round trips after which what was sent has arrived.
const ARRIVED: Duration = Duration::from_millis(100);

/// How a stream ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Finish,
    Reset,
}

fn config(authority: &Authority) -> ServerConfig {
    let identity = authority.issue(CertificateKind::Valid, &["shop.test".to_owned()], &[]).unwrap();
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(identity.chain, identity.key)
        .unwrap();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()))
}

/// An attempt at a target that sends these bytes on the request's stream and ends it.
fn attempt(answer: Vec<u8>, end: End) -> Attempt {
    let authority = Authority::generate(clock::wall()).unwrap();
    let world = stage::world("", "");
    let config = config(&authority);
    let (listens, listening) = mpsc::channel();
    let server = world.host("site").unwrap().spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let address = ([0, 0, 0, 0], PORT).into();
            let endpoint = Endpoint::server(config, address).unwrap();
            listens.send(()).unwrap();
            let connection = endpoint.accept().await.unwrap().await.unwrap();
            let (mut stream, _request) = connection.accept_bi().await.unwrap();
            stream.write_all(&answer).await.unwrap();
            match end {
                End::Finish => stream.finish().unwrap(),
                End::Reset => {
                    // A reset overtakes what was not delivered yet.
                    tokio::time::sleep(ARRIVED).await;
                    // H3_INTERNAL_ERROR (RFC 9114 §8.1).
                    stream.reset(VarInt::from_u32(0x102)).unwrap();
                }
            }
            connection.closed().await;
        });
    });
    let server = server.unwrap();
    listening.recv().unwrap();
    let tls = TlsParameters {
        server_name: Some("shop.test".into()),
        ca_pem: Some(authority.ca_pem()),
        ..TlsParameters::default()
    };
    let get = HttpSpec::get(format!("https://shop.test:{PORT}/").parse().unwrap());
    let host = "192.0.2.2".parse().unwrap();
    let spec = QuicSpec { host, port: PORT, tls, request: Some(Box::new(get)) };
    let attempt = stage::attempt(&world, stage::spec(Action::Quic(spec)));
    server.join().unwrap().unwrap();
    attempt
}

fn assert_ends(answer: &[&[u8]], end: End, code: Code, phase: Phase, by: Attribution) {
    let attempt = attempt(answer.concat(), end);
    println!("{} bytes, {end:?}: {}", answer.concat().len(), attempt.failure.as_ref().unwrap());
    stage::assert_fails(&attempt, code, phase, by);
}

#[test]
fn a_stream_that_ends_before_the_answer_is_an_early_end() {
    assert_ends(&[], End::Finish, Code::HttpEof, Request, Target);
}

#[test]
fn a_stream_that_ends_within_the_body_is_truncated() {
    assert_ends(&[&HEAD, &PART_OF_A_FRAME], End::Finish, Code::HttpTruncated, Transfer, Path);
}

#[test]
fn a_stream_that_is_reset_is_reset_wherever_that_comes() {
    assert_ends(&[], End::Reset, Code::HttpReset, Request, Path);
    assert_ends(&[&HEAD, &PART_OF_A_FRAME], End::Reset, Code::HttpReset, Transfer, Path);
}

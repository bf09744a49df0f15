//! HTTP/2 servers that take their leave (GOAWAY, RFC 9113 §6.8) before, during and after a request.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};

use rustls::crypto::ring;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use vantage_agent::Attempt;
use vantage_agent::spec::{HttpSpec, HttpVersion};
use vantage_wire::Attribution::{Path, Target};
use vantage_wire::FailureCode as Code;
use vantage_wire::Phase::{Request, Transfer};
use vantage_world::clock;
use vantage_world::services::{Authority, CertificateKind};

use super::attempts;
use crate::stage;

const PORT: u16 = 8080;
const NO_ERROR: u32 = 0x0;
const INTERNAL_ERROR: u32 = 0x2;
const ENHANCE_YOUR_CALM: u32 = 0xb;
/// No stream is beyond this one: the first of the two notices of a server that leaves gracefully.
const EVERY_STREAM: u32 = 0x7fff_ffff;

/// What a server does on a connection, one after the other. At its end it waits for the client's.
#[derive(Debug, Clone)]
enum Step {
    Send(Vec<u8>),
    AwaitRequest,
    Close,
}
use Step::{AwaitRequest, Close, Send};

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn settings() -> Step {
    Send(frame(4, 0, 0, &[]))
}

fn goaway(last_stream: u32, code: u32) -> Step {
    Send(frame(7, 0, 0, &[last_stream.to_be_bytes(), code.to_be_bytes()].concat()))
}

/// `:status: 200`, `content-length: 6` (RFC 7541).
fn head(stream: u32) -> Step {
    Send(frame(1, 0x4, stream, &[0x88, 0x0f, 0x0d, 0x01, b'6']))
}

fn half_a_body(stream: u32) -> Step {
    Send(frame(0, 0, stream, b"abc"))
}

fn end_of_body(stream: u32) -> Step {
    Send(frame(0, 0x1, stream, b"def"))
}

/// Reads up to and including the next frame of request headers.
fn read_request(stream: &mut impl Read) -> io::Result<()> {
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header)?;
        let [high, middle, low, kind, ..] = header;
        let length = u32::from_be_bytes([0, high, middle, low]);
        io::copy(&mut stream.take(length.into()), &mut io::sink())?;
        if kind == 1 {
            return Ok(());
        }
    }
}

/// Takes the steps until the client goes.
fn serve<S: Read + Write>(
    stream: &mut S,
    steps: &[Step],
    close: impl Fn(&mut S),
) -> io::Result<()> {
    let mut greeted = false;
    for step in steps {
        match step {
            Send(bytes) => stream.write_all(bytes)?,
            AwaitRequest => {
                if !greeted {
                    stream.read_exact(&mut [0; 24])?;
                    greeted = true;
                }
                read_request(stream)?;
            }
            Close => close(stream),
        }
    }
    io::copy(stream, &mut io::sink()).map(|_| ())
}

/// How connections are carried.
enum Carrier {
    Plain,
    Tls(Arc<ServerConfig>),
}

impl Carrier {
    fn serve(&self, mut tcp: TcpStream, steps: &[Step]) {
        tcp.set_nodelay(true).unwrap();
        // A client that goes early ends the service, which is no matter here.
        let _ = match self {
            Self::Plain => serve(&mut tcp, steps, |tcp| tcp.shutdown(Shutdown::Write).unwrap()),
            Self::Tls(config) => {
                let mut session = ServerConnection::new(Arc::clone(config)).unwrap();
                // What is said first goes with the server's part of the handshake.
                let mut steps = steps;
                while let [Send(bytes), rest @ ..] = steps {
                    session.writer().write_all(bytes).unwrap();
                    steps = rest;
                }
                serve(&mut StreamOwned::new(session, tcp), steps, |stream| {
                    stream.flush().unwrap();
                    stream.conn.send_close_notify();
                    stream.flush().unwrap();
                    stream.sock.shutdown(Shutdown::Write).unwrap();
                })
            }
        };
    }
}

/// What a probe meets at a server that takes these steps on its first, second … connection.
fn meet(
    carrier: Carrier,
    spec: HttpSpec,
    connections: Vec<Vec<Step>>,
    count: usize,
) -> Vec<Attempt> {
    let world = stage::world("", "");
    let (listens, listening) = mpsc::channel();
    let server = world.host("site").unwrap().spawn(move || {
        let listener = TcpListener::bind(("0.0.0.0", PORT)).unwrap();
        listens.send(()).unwrap();
        for steps in connections {
            carrier.serve(listener.accept().unwrap().0, &steps);
        }
    });
    let server = server.unwrap();
    listening.recv().unwrap();
    let attempts = attempts(&world, spec, &|_| {}, count);
    server.join().unwrap().unwrap();
    attempts
}

fn plain() -> HttpSpec {
    let spec = HttpSpec::get(format!("http://192.0.2.2:{PORT}/").parse().unwrap());
    HttpSpec { version: HttpVersion::Http2, ..spec }
}

fn attempt(steps: Vec<Step>) -> Attempt {
    meet(Carrier::Plain, plain(), vec![steps], 1).remove(0)
}

#[test]
fn leave_taken_without_an_answer_is_an_early_end_or_a_reset() {
    for (last, code, then, expected, by) in [
        (0, NO_ERROR, vec![Close], Code::HttpEof, Target),
        (0, NO_ERROR, vec![], Code::HttpEof, Target),
        (1, NO_ERROR, vec![Close], Code::HttpEof, Target),
        (EVERY_STREAM, NO_ERROR, vec![goaway(0, NO_ERROR)], Code::HttpEof, Target),
        (0, ENHANCE_YOUR_CALM, vec![Close], Code::HttpReset, Path),
        (1, INTERNAL_ERROR, vec![Close], Code::HttpReset, Path),
    ] {
        let leave = [settings(), AwaitRequest, goaway(last, code)];
        let attempt = attempt([&leave[..], &then].concat());
        stage::assert_fails(&attempt, expected, Request, by);
    }
}

#[test]
fn leave_taken_within_an_answer_ends_it_or_not() {
    let begun = [settings(), AwaitRequest, head(1), half_a_body(1)];
    for (then, expected) in [
        (vec![goaway(1, NO_ERROR), Close], Some((Code::HttpTruncated, Path))),
        (vec![goaway(1, INTERNAL_ERROR), Close], Some((Code::HttpReset, Path))),
        (vec![goaway(1, NO_ERROR), end_of_body(1), Close], None),
        (vec![goaway(EVERY_STREAM, NO_ERROR), end_of_body(1), goaway(1, NO_ERROR), Close], None),
    ] {
        let attempt = attempt([&begun[..], &then].concat());
        match expected {
            Some((code, by)) => stage::assert_fails(&attempt, code, Transfer, by),
            None => assert!(attempt.is_ok(), "{attempt:?}"),
        }
    }
}

#[test]
fn leave_taken_before_the_request_is_an_early_end() {
    // As the connection is made, while the request is on its way.
    for then in [vec![], vec![Close]] {
        let attempt = attempt([&[settings(), goaway(0, NO_ERROR)][..], &then].concat());
        stage::assert_fails(&attempt, Code::HttpEof, Request, Target);
    }
    // With the server's part of the handshake, so that it is there before the request is made.
    for then in [vec![], vec![Close]] {
        let authority = Authority::generate(clock::wall()).unwrap();
        let names = ["shop.test".to_owned()];
        let identity = authority.issue(CertificateKind::Valid, &names, &[]).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.send_half_rtt_data = true;
        let mut spec = HttpSpec::get(format!("https://192.0.2.2:{PORT}/").parse().unwrap());
        spec.tls.server_name = Some("shop.test".into());
        spec.tls.ca_pem = Some(authority.ca_pem());
        let steps = [&[settings(), goaway(0, NO_ERROR)][..], &then].concat();
        let attempt = meet(Carrier::Tls(Arc::new(config)), spec, vec![steps], 1).remove(0);
        stage::assert_fails(&attempt, Code::HttpEof, Request, Target);
    }
}

/// The answer to a connection's first request, whole.
fn answered() -> Vec<Step> {
    vec![settings(), AwaitRequest, head(1), half_a_body(1), end_of_body(1)]
}

fn kept(connections: Vec<Vec<Step>>) -> Vec<Attempt> {
    let spec = HttpSpec { reuse: true, ..plain() };
    let attempts = meet(Carrier::Plain, spec, connections, 2);
    assert!(attempts[0].is_ok() && !attempts[0].warm, "{attempts:?}");
    attempts
}

#[test]
fn a_kept_connection_whose_server_took_its_leave_is_made_anew() {
    for leave in [
        vec![Close],
        vec![goaway(1, NO_ERROR), Close],
        vec![goaway(1, NO_ERROR)],
        vec![goaway(EVERY_STREAM, NO_ERROR)],
        vec![goaway(1, ENHANCE_YOUR_CALM), Close],
        vec![goaway(1, ENHANCE_YOUR_CALM)],
    ] {
        let attempts = kept(vec![[answered(), leave].concat(), answered()]);
        assert!(attempts[1].is_ok() && !attempts[1].warm, "{attempts:?}");
    }
}

#[test]
fn a_kept_connection_whose_server_leaves_under_a_request_is_made_anew() {
    for leave in [
        vec![AwaitRequest, Close],
        vec![AwaitRequest, goaway(1, NO_ERROR), Close],
        vec![AwaitRequest, goaway(1, NO_ERROR)],
        vec![AwaitRequest, goaway(1, ENHANCE_YOUR_CALM), Close],
    ] {
        let attempts = kept(vec![[answered(), leave].concat(), answered()]);
        assert!(attempts[1].is_ok() && !attempts[1].warm, "{attempts:?}");
    }
}

#[test]
fn a_server_that_leaves_under_the_repeated_request_too_has_not_answered() {
    let leave = [settings(), AwaitRequest, goaway(0, NO_ERROR)];
    let first = [answered(), vec![AwaitRequest, goaway(1, NO_ERROR)]].concat();
    let attempts = kept(vec![first, leave.to_vec()]);
    stage::assert_fails(&attempts[1], Code::HttpEof, Request, Target);
}

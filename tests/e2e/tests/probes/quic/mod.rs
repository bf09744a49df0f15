//! QUIC handshakes and HTTP/3 requests.

mod connect;
mod request;
mod times;

use std::time::Duration;

use vantage_agent::spec::{Action, Expectations, HttpSpec, HttpVersion, QuicSpec, TlsParameters};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::Phase;
use vantage_world::World;

use crate::stage;

const H3: &str = "[[host.service]]\nkind = \"h3\"\nnames = [\"site.test\"]";
const SITE: &str = "192.0.2.2";
const BOTH: [&str; 2] = [SITE, "2001:db8::2"];

/// A handshake with a host and, with a path, a request.
fn spec(world: &World, host: &str, path: Option<&str>) -> ProbeSpec {
    let tls = TlsParameters { ca_pem: Some(world.ca_pem().to_owned()), ..TlsParameters::default() };
    let request = path.map(|path| Box::new(get(path, &tls)));
    let host = host.parse().unwrap();
    stage::spec(Action::Quic(QuicSpec { host, port: 443, tls, request }))
}

fn get(path: &str, tls: &TlsParameters) -> HttpSpec {
    HttpSpec {
        url: format!("https://site.test{path}").parse().unwrap(),
        method: "GET".parse().unwrap(),
        headers: Vec::new(),
        tls: tls.clone(),
        version: HttpVersion::Best,
        expect: Expectations::default(),
        follow_redirects: 0,
        body_limit_bytes: 1 << 20,
        reuse: false,
    }
}

fn phases(attempt: &Attempt) -> Vec<Phase> {
    attempt.phases.iter().map(|(phase, _)| phase).collect()
}

fn took(attempt: &Attempt, phase: Phase) -> Duration {
    attempt.phases.get(phase).unwrap().into()
}

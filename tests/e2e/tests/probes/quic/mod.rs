//! QUIC handshakes and HTTP/3 requests.

mod connect;
mod endings;
mod request;
mod times;

use vantage_agent::ProbeSpec;
use vantage_agent::spec::{Action, HttpSpec, QuicSpec, TlsParameters};
use vantage_world::World;

use crate::stage;

const H3: &str = "[[host.service]]\nkind = \"h3\"\nnames = [\"site.test\"]";
const SITE: &str = "192.0.2.2";
const BOTH: [&str; 2] = [SITE, "2001:db8::2"];

/// A handshake with a host and, with a path, a request.
fn spec(world: &World, host: &str, path: Option<&str>) -> ProbeSpec {
    let tls = TlsParameters { ca_pem: Some(world.ca_pem().to_owned()), ..TlsParameters::default() };
    let request = path.map(|path| {
        let url = format!("https://site.test{path}").parse().unwrap();
        Box::new(HttpSpec::get(url))
    });
    let host = host.parse().unwrap();
    stage::spec(Action::Quic(QuicSpec { host, port: 443, tls, request }))
}

//! Any bytes as what a target of an HTTP probe sends, by HTTP/1.1 or HTTP/2 (the first byte
//! chooses): the attempt ends, and its record holds together. This runs the stamps and frames,
//! `Location`, `Retry-After`, lengths and bodies as they are run in earnest.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tokio::time::Instant;
use vantage_agent::net::Resolver;
use vantage_agent::net::tls::TlsClients;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, HttpSpec, HttpVersion, PhaseTimeouts};
use vantage_agent::{Guard, ProbeSpec, Surroundings};
use vantage_agent_fuzz::{Answering, runtime};
use vantage_wire::report::Family;
use vantage_wire::{FailureCode, Phase};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let mut http = HttpSpec::get("http://192.0.2.1/".parse().expect("a URL"));
    http.version = if first & 1 == 1 { HttpVersion::Http2 } else { HttpVersion::Http1 };
    http.body_limit_bytes = if first & 2 == 2 { 16 } else { 1 << 20 };
    http.expect.body_contains = (first & 4 == 4).then(|| "ok".to_owned());
    http.reuse = first & 8 == 8;
    let spec = ProbeSpec {
        action: Action::Http(http),
        family: Family::Any,
        timeout: Duration::from_secs(1),
        phase_timeouts: PhaseTimeouts::default(),
    };
    let surroundings = Surroundings {
        network: Arc::new(Answering::new(bytes, Resolver::new(Vec::new(), 1))),
        guard: Guard::PUBLIC_ONLY,
        tls: TlsClients::new(),
        contact: None,
    };
    let probe = Probe::new(spec, surroundings).expect("a sound specification");
    // Twice, as the second may be on the connection of the first.
    for _ in 0..2 {
        let attempt = RUNTIME.block_on(async { probe.attempt(Instant::now()).await });
        assert_eq!(attempt.is_ok(), attempt.phases.get(Phase::Total).is_some());
        if let Some(failure) = &attempt.failure {
            assert!(failure.code != FailureCode::Unknown, "{failure:?}");
            assert!(!failure.detail.is_empty(), "{failure:?}");
        }
        let http = attempt.facts.http.unwrap_or_default();
        assert!(http.body_bytes <= 1 << 20);
    }
});

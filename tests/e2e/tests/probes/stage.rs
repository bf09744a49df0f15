//! A market and a site, and probes at the market.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::net::{SystemResolver, TcpNetwork};
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, PhaseTimeouts};
use vantage_agent::{Attempt, Guard, ProbeSpec, Surroundings};
use vantage_wire::report::Family;
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

/// Round-trip time between market and site.
pub const RTT: Duration = Duration::from_millis(20);

/// A world of `market` (192.0.2.1, 2001:db8::1) and `site` (192.0.2.2, 2001:db8::2), 20 ms apart.
/// `services` are `[[host.service]]` tables of the site, `path` are further keys of `[[path]]`
/// from market to site, in that direction only.
pub fn world(services: &str, path: &str) -> World {
    World::start_toml(&format!(
        r#"
        [[host]]
        name = "market"
        [[host]]
        name = "site"
        {services}
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = 20
        [[path]]
        from = ["market"]
        to = ["site"]
        one-way = true
        {path}
        "#
    ))
    .unwrap()
}

/// Runs asynchronous work at a host, on one thread, as the agent does.
pub fn at<T: Send, F: Future<Output = T>>(
    world: &World,
    host: &str,
    work: impl FnOnce() -> F + Send,
) -> T {
    world
        .host(host)
        .unwrap()
        .run(|| {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(work())
        })
        .unwrap()
}

/// The kernel's network, names asked of the site's DNS server, every address allowed.
pub fn surroundings(world: &World) -> Surroundings<TcpNetwork> {
    let server = SocketAddr::new(world.host("site").unwrap().ipv4().into(), 53);
    surroundings_asking(vec![server])
}

/// The kernel's network, names asked of these servers, every address allowed.
pub fn surroundings_asking(servers: Vec<SocketAddr>) -> Surroundings<TcpNetwork> {
    Surroundings {
        network: Arc::new(TcpNetwork::new(SystemResolver::new(servers))),
        guard: Guard::ALLOW_PRIVATE,
    }
}

/// A specification with a timeout of two seconds and nothing else set.
pub fn spec(action: Action) -> ProbeSpec {
    ProbeSpec {
        action,
        family: Family::Any,
        timeout: Duration::from_secs(2),
        phase_timeouts: PhaseTimeouts::default(),
    }
}

/// Carries a probe out once at the market.
pub fn attempt(world: &World, spec: ProbeSpec) -> Attempt {
    let surroundings = surroundings(world);
    at(world, "market", || async {
        let probe = Probe::new(spec, surroundings).unwrap();
        probe.attempt(Instant::now()).await
    })
}

/// Asserts that an attempt failed in exactly this way.
pub fn assert_fails(attempt: &Attempt, code: FailureCode, phase: Phase, by: Attribution) {
    let failure = attempt.failure.as_ref().unwrap_or_else(|| panic!("it succeeded: {attempt:?}"));
    assert_eq!(
        (failure.code, failure.phase, failure.attribution()),
        (code, phase, by),
        "{failure:?}"
    );
    assert!(!failure.detail.as_str().is_empty(), "a person would want to know more");
}

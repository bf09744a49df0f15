//! A market and a site, and probes at the market.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::net::tls::TlsClients;
use vantage_agent::net::{Resolver, TcpNetwork};
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, PhaseTimeouts};
use vantage_agent::{Attempt, Guard, ProbeSpec, Surroundings};
use vantage_wire::report::Family;
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;
use vantage_world::clock::Nanos;
use vantage_world::truth::{Flow, PacketKey, TcpFlags, Truth};

/// Round-trip time between market and site.
pub const RTT: Duration = Duration::from_millis(20);

/// A world of `market` (192.0.2.1, `2001:db8::1`) and `site` (192.0.2.2, `2001:db8::2`), 20 ms apart.
/// `services` are `[[host.service]]` tables of the site, `path` are further keys of `[[path]]`
/// from market to site, in that direction only.
pub fn world(services: &str, path: &str) -> World {
    World::start_toml(&text(services, path)).unwrap()
}

/// The world file of [`world`], with further keys of the market.
pub fn text_of_market(market: &str, services: &str, path: &str) -> String {
    format!(
        r#"
        [[host]]
        name = "market"
        {market}
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
    )
}

/// The world file of [`world`].
pub fn text(services: &str, path: &str) -> String {
    text_of_market("", services, path)
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
        network: Arc::new(TcpNetwork::new(Resolver::new(servers, 1))),
        guard: Guard::ALLOW_PRIVATE,
        tls: TlsClients::new(),
        contact: None,
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

/// Carries a probe out once at a market that has neither a link nor a route.
pub fn attempt_offline(world: &World, spec: ProbeSpec) -> Attempt {
    let surroundings = surroundings(world);
    at(world, "market", || async {
        // An empty namespace, in which this user may open any socket.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let probe = Probe::new(spec, surroundings).unwrap();
        probe.attempt(Instant::now()).await
    })
}

/// Carries a probe out once at the market when no descriptor is left.
pub fn attempt_without_descriptors(world: &World, spec: ProbeSpec) -> Attempt {
    let surroundings = surroundings(world);
    at(world, "market", || async {
        // A table of this thread's own, filled to the limit.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_FILES).unwrap();
        let probe = Probe::new(spec, surroundings).unwrap();
        let mut taken = Vec::new();
        while let Ok(another) = nix::unistd::dup(std::io::stderr()) {
            taken.push(another);
        }
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

/// Asserts that exactly these phases were completed.
pub fn assert_phases(attempt: &Attempt, expected: &[Phase]) {
    let completed: Vec<_> = attempt.phases.iter().map(|(phase, _)| phase).collect();
    assert_eq!(completed, expected, "{attempt:?}");
}

/// How long a completed phase took.
pub fn took(attempt: &Attempt, phase: Phase) -> Duration {
    attempt.phases.get(phase).unwrap_or_else(|| panic!("no {phase}: {attempt:?}")).into()
}

/// The connections from market to a port of the site, in the order of their SYNs.
pub fn flows(truth: &Truth, server_port: u16) -> Vec<Flow> {
    let mut flows = Vec::new();
    for record in truth.between(0, 1) {
        if let PacketKey::Tcp { source_port, destination_port, flags, .. } = record.key
            && destination_port == server_port
            && flags == TcpFlags::SYN
        {
            flows.push(Flow { client: 0, client_port: source_port, server: 1, server_port });
        }
    }
    flows
}

/// When the segments with data of one end passed the client (its own when they left it, the
/// server's when they reached it), and how many bytes each held.
pub fn data_segments(truth: &Truth, flow: Flow, by_client: bool) -> Vec<(Nanos, u64)> {
    let mut seen: Vec<_> = truth
        .tcp_segments(flow)
        .into_iter()
        .filter(|record| (record.from == flow.client) == by_client)
        .filter_map(|record| match record.key {
            PacketKey::Tcp { payload_bytes: bytes @ 1.., .. } => {
                let at = if by_client { record.arrival } else { record.sent? };
                Some((at, bytes.into()))
            }
            _ => None,
        })
        .collect();
    seen.sort_unstable();
    seen
}

/// How much longer a phase was measured than its packets took.
#[derive(Debug, Default)]
pub struct OverTruth {
    excess_us: Vec<f64>,
}

impl OverTruth {
    /// Adds a time that must not be shorter than its packets took. The clocks of the two differ by
    /// less than 2 µs.
    pub fn add(&mut self, measured: Duration, truth: Duration) {
        assert!(
            measured + Duration::from_micros(2) >= truth,
            "{measured:?} was measured of what took {truth:?}"
        );
        self.add_between(measured, truth);
    }

    /// Adds the time between two moments, either of which may have been noticed late.
    pub fn add_between(&mut self, measured: Duration, truth: Duration) {
        self.excess_us.push((measured.as_secs_f64() - truth.as_secs_f64()) * 1e6);
    }

    /// Prints the excess, and asserts that half of the measurements are near the truth. The bound is
    /// not the budget, which only a machine that does nothing else can keep.
    pub fn judge(self, what: &str, count: usize) {
        let p50 = self.print(what, count);
        assert!(p50.abs() <= 5_000.0, "{what}: p50 {p50:.0} µs");
    }

    /// Prints the excess, and gives that of half of the measurements, in µs.
    pub fn print(mut self, what: &str, count: usize) -> f64 {
        assert_eq!(self.excess_us.len(), count, "{what}: every attempt was joined");
        self.excess_us.sort_by(f64::total_cmp);
        let (p50, p99) = (self.excess_us[count / 2], self.excess_us[count * 99 / 100]);
        println!("{what}: measured − truth: p50 {p50:.0} µs, p99 {p99:.0} µs of {count}");
        p50
    }
}

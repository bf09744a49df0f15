//! How true the agent's figures are to the packets: `cargo bench -p vantage-bench --bench accuracy`.
//! It needs the privileges of the emulated world, root's or those of a user namespace.
//!
//! An agent at a market probes a site, 20 ms away, in the emulated world, open loop, every probe
//! on its schedule. Every figure is held against the same exchange as two others saw it:
//!
//! - **capture**: a packet capture on the agent's own interface, as `tcpdump` there would stamp it
//!   (kernel stamps). The budgets are about this one.
//! - **router**: the world's truth log, stamped at the other end of the agent's link. What lies
//!   between the two is the host's own queue, driver and interrupt.
//!
//! ICMP and TCP are also measured while the same agent makes 100 TLS handshakes a second beside.
//! Attempts that failed, were missed, or whose packets cannot be told from those of others (a
//! local port used twice) are not compared; the table says how many were, the lines before it why.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use vantage_agent::runner::Outcome;
use vantage_agent::spec::{
    Action, HttpSpec, HttpVersion, IcmpSpec, QuicSpec, TcpSpec, TlsParameters, TlsSpec,
};
use vantage_bench::packets::Packets;
use vantage_bench::stage::{Load, SITE, TCP_PORT, market_and_site, run_agent};
use vantage_bench::{Deviations, Table, seconds};
use vantage_wire::Phase;
use vantage_world::World;
use vantage_world::privilege::{self, Privilege};

const RTT_MS: u32 = 20;
/// What the site waits before it answers over HTTP/3, so that acknowledgements and answer lie apart.
const QUIC_WAIT: Duration = Duration::from_millis(100);
/// A run may not use all local ports: their order in the kernel is half of them, then the others.
const MOST_ATTEMPTS: u64 = 20_000;
const TLS_BESIDE: u32 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tcp,
    Icmp,
    Tls,
    Http1,
    Http2,
    Quic,
}

/// What is measured of a kind of probe.
struct Plan {
    kind: Kind,
    /// The names of its [`figures`].
    names: &'static [&'static str],
    /// Attempts per second.
    rates: &'static [u32],
    /// How far half of the figures, and nearly all, may be out: µs.
    p50: f64,
    p99: Option<f64>,
}

impl Plan {
    const fn new(
        kind: Kind,
        names: &'static [&'static str],
        rates: &'static [u32],
        p50: f64,
        p99: Option<f64>,
    ) -> Self {
        Self { kind, names, rates, p50, p99 }
    }
}

const PLANS: [Plan; 6] = [
    Plan::new(Kind::Tcp, &["TCP connect"], &[10, 200, 1_000], 5.0, Some(50.0)),
    Plan::new(Kind::Icmp, &["ICMP rtt"], &[10, 200, 1_000], 10.0, Some(50.0)),
    Plan::new(Kind::Tls, &["TLS handshake"], &[50], 150.0, None),
    Plan::new(Kind::Http1, &["HTTP/1.1 request", "HTTP/1.1 transfer"], &[50], 150.0, None),
    Plan::new(Kind::Http2, &["HTTP/2 request", "HTTP/2 transfer"], &[50], 150.0, None),
    Plan::new(Kind::Quic, &["QUIC connect", "HTTP/3 request"], &[20], 150.0, None),
];

fn main() -> ExitCode {
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("accuracy: {error}");
            return ExitCode::from(3);
        }
    }
    let length = match seconds(30) {
        Ok(length) => length,
        Err(problem) => {
            eprintln!("accuracy: {problem}");
            return ExitCode::from(2);
        }
    };
    let mut table = Table::new(&[
        "figure (|agent − packets|, p50 / p99 in µs)",
        "per second",
        "TLS beside",
        "compared",
        "not",
        "capture",
        "router",
        "capture, signed p50",
        "budget",
        "kept",
    ]);
    for Plan { kind, names, rates, p50, p99 } in PLANS {
        for &rate in rates {
            let alone = matches!(kind, Kind::Tcp | Kind::Icmp).then_some(TLS_BESIDE);
            for beside in [0].into_iter().chain(alone) {
                let measured = measure(kind, rate, beside, length);
                for (name, Against { capture, router }) in names.iter().zip(&measured.phases) {
                    let kept = capture.size_us(50).is_some_and(|us| us <= p50)
                        && p99.is_none_or(|p99| capture.size_us(99).is_some_and(|us| us <= p99));
                    table.row([
                        (*name).to_owned(),
                        rate.to_string(),
                        beside.to_string(),
                        capture.count().to_string(),
                        (measured.slots - capture.count()).to_string(),
                        capture.cell(),
                        router.cell(),
                        capture.signed_us(50).map_or("–".to_owned(), |us| format!("{us:+.1}")),
                        p99.map_or(format!("{p50} / –"), |p99| format!("{p50} / {p99}")),
                        if kept { "yes" } else { "MISSED" }.to_owned(),
                    ]);
                }
                let left_out = measured.left_out.iter();
                let left_out: Vec<_> =
                    left_out.map(|(why, count)| format!("{count} {why}")).collect();
                let left_out =
                    if left_out.is_empty() { "none".into() } else { left_out.join(", ") };
                eprintln!(
                    "accuracy: {kind:?} at {rate}/s beside {beside} TLS/s is done; not compared: {left_out}"
                );
            }
        }
    }
    println!("{table}");
    ExitCode::SUCCESS
}

/// What one phase is held against.
#[derive(Default)]
struct Against {
    capture: Deviations,
    router: Deviations,
}

struct Measured {
    slots: usize,
    /// How many attempts are not compared, by why.
    left_out: BTreeMap<&'static str, usize>,
    phases: Vec<Against>,
}

fn measure(kind: Kind, per_second: u32, tls_beside: u32, length: Duration) -> Measured {
    let world = World::start_toml(&market_and_site(RTT_MS)).expect("a world");
    let most = Duration::from_secs(MOST_ATTEMPTS / u64::from(per_second));
    let mut loads = vec![Load { action: action(kind, &world), per_second }];
    if tls_beside > 0 {
        loads.push(Load { action: action(Kind::Tls, &world), per_second: tls_beside });
    }
    let capture = world.capture("market").expect("a capture");
    let market = world.host("market").expect("the market");
    let outcomes = market.run(|| run_agent(&loads, length.min(most))).expect("the agent");
    // The last packets are there once they have arrived.
    std::thread::sleep(Duration::from_millis(100));
    let capture = Packets::new(capture.finish().expect("the capture"));
    let router = Packets::new(world.take_truth().expect("the truth log"));
    for (who, packets) in [("capture", &capture), ("router", &router)] {
        if packets.missing() > 0 {
            eprintln!("accuracy: {who}: {} packets are missing", packets.missing());
        }
    }
    let outcomes = &outcomes[0];
    let by_capture = references(kind, outcomes, &capture);
    let by_router = references(kind, outcomes, &router);
    let mut phases: Vec<Against> = figures(kind).iter().map(|_| Against::default()).collect();
    let mut left_out = BTreeMap::new();
    for (outcome, references) in outcomes.iter().zip(by_capture.iter().zip(&by_router)) {
        if let Some(failure) = &outcome.attempt.failure {
            *left_out.entry(failure.code.name()).or_default() += 1;
            continue;
        }
        let (Some(capture), Some(router)) = references else {
            *left_out.entry("with packets that cannot be told from others").or_default() += 1;
            continue;
        };
        for (number, phase) in figures(kind).iter().enumerate() {
            let measured = outcome.attempt.phases.get(*phase).expect("it succeeded").into();
            phases[number].capture.add(measured, capture[number]);
            phases[number].router.add(measured, router[number]);
        }
    }
    Measured { slots: outcomes.len(), left_out, phases }
}

fn action(kind: Kind, world: &World) -> Action {
    let host = SITE.parse().expect("an address");
    let tls = TlsParameters { ca_pem: Some(world.ca_pem().to_owned()), ..TlsParameters::default() };
    let get = |url: String| HttpSpec::get(url.parse().expect("a URL"));
    match kind {
        Kind::Tcp => Action::Tcp(TcpSpec { host, port: TCP_PORT }),
        Kind::Icmp => Action::Icmp(IcmpSpec { host, payload_bytes: 16, ttl: 64 }),
        Kind::Tls => Action::Tls(TlsSpec { host, port: 443, tls }),
        // Plain, because a capture cannot see where an encrypted answer begins.
        Kind::Http1 | Kind::Http2 => Action::Http(HttpSpec {
            version: if kind == Kind::Http1 { HttpVersion::Http1 } else { HttpVersion::Http2 },
            ..get(format!("http://{SITE}/drip/3/10"))
        }),
        Kind::Quic => {
            let wait = QUIC_WAIT.as_millis();
            let request = Some(Box::new(get(format!("https://{SITE}/wait/{wait}"))));
            Action::Quic(QuicSpec { host, port: 443, tls, request })
        }
    }
}

fn figures(kind: Kind) -> &'static [Phase] {
    match kind {
        Kind::Tcp => &[Phase::Connect],
        Kind::Icmp => &[Phase::Rtt],
        Kind::Tls => &[Phase::Tls],
        Kind::Http1 | Kind::Http2 => &[Phase::Request, Phase::Transfer],
        Kind::Quic => &[Phase::Connect, Phase::Request],
    }
}

/// What the figures of each attempt should have been.
fn references(kind: Kind, outcomes: &[Outcome], packets: &Packets) -> Vec<Option<Vec<Duration>>> {
    let reference = |outcome: &Outcome| {
        let facts = &outcome.attempt.facts;
        if kind == Kind::Icmp {
            let icmp = facts.icmp?;
            return packets.icmp_rtt((icmp.identifier, icmp.sequence)).map(|one| vec![one]);
        }
        let port = facts.local_port?;
        let pair = |pair: [Duration; 2]| pair.to_vec();
        match kind {
            Kind::Tcp => packets.tcp_connect(port, TCP_PORT).map(|one| vec![one]),
            Kind::Tls => packets.tls_handshake(port, 443).map(|one| vec![one]),
            // Three bytes of body, one at a time.
            Kind::Http1 => packets.http_exchange(port, 80, 0, 3).map(pair),
            // Each byte has a frame with nine bytes of header, and a preface goes before.
            Kind::Http2 => packets.http_exchange(port, 80, 1, 30).map(pair),
            Kind::Quic => {
                let rtt = Duration::from_millis(RTT_MS.into());
                let connection = packets.quic_connection(port)?;
                connection.handshake_and_exchange(rtt, QUIC_WAIT).map(pair)
            }
            Kind::Icmp => None,
        }
    };
    outcomes.iter().map(reference).collect()
}

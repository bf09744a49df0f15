//! Programs in a world measure the path that their packets really took.

use std::net::IpAddr;
use std::thread;
use std::time::Duration;

use crate::clients::{connect, fetch, ping, resolve, tls_config};
use vantage_world::truth::{Flow, Verdict};
use vantage_world::{Host, World, WorldConfig};

const MARKETS: [&str; 6] = ["hk-1", "tw-1", "in-1", "ru-1", "mx-1", "id-1"];
const SITES: [&str; 6] = ["beijing", "oregon", "california", "singapore", "mumbai", "sao-paulo"];

/// One measurement: who measured what, by itself and by the truth.
#[derive(Debug)]
struct Pair {
    kind: &'static str,
    between: (u16, u16),
    measured: Duration,
    truth: Duration,
}

struct Measured {
    between: (u16, u16),
    echo: crate::clients::Echo,
    fetched: crate::clients::Fetched,
    answered: crate::clients::Answered,
}

fn measure(
    market: &Host,
    site: &Host,
    seq: u16,
    tls: &std::sync::Arc<rustls::ClientConfig>,
) -> Measured {
    let name = format!("{}.test", site.name());
    let address = IpAddr::V4(site.ipv4());
    let echo = ping(site.ipv4(), seq).unwrap();
    let answered = resolve(address, &name, 1).unwrap().remove(0);
    assert_eq!(answered.addresses, [address]);
    let fetched = fetch(address, &name, tls).unwrap();
    assert!(fetched.text.starts_with("HTTP/1.1 200"), "{}", fetched.text);
    Measured { between: (market.position(), site.position()), echo, fetched, answered }
}

/// Six markets measure six sites at once over ICMP, DNS, TCP, TLS 1.3 and HTTP. Nothing may come
/// out shorter than its packets took, and user space may add little to them.
#[test]
fn every_protocol_takes_the_emulated_path() {
    let config = WorldConfig::from_toml(include_str!("../../worlds/six-markets.toml")).unwrap();
    let world = World::start(&config).unwrap();
    let tls = tls_config(&world);
    let sites: Vec<&Host> = SITES.iter().map(|site| world.host(site).unwrap()).collect();
    let measured: Vec<Measured> = thread::scope(|scope| {
        let workers: Vec<_> = MARKETS
            .iter()
            .map(|market| {
                let market = world.host(market).unwrap();
                let (sites, tls) = (&sites, &tls);
                scope.spawn(move || {
                    let work = || {
                        let numbered = sites.iter().zip(1..);
                        numbered.map(|(site, seq)| measure(market, site, seq, tls)).collect()
                    };
                    market.run(work).unwrap()
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker: thread::ScopedJoinHandle<Vec<_>>| worker.join().unwrap())
            .collect()
    });
    assert_eq!(measured.len(), 36);

    let truth = world.truth().unwrap();
    assert_eq!(truth.not_kept(), 0);
    assert_eq!(truth.count(Verdict::Delivered), truth.records().len(), "this world loses nothing");
    let mut pairs = Vec::new();
    for Measured { between: (market, site), echo, fetched, answered } in measured {
        let flow = Flow {
            client: market,
            client_port: fetched.client_port,
            server: site,
            server_port: 443,
        };
        let exchanges = truth.tcp_exchanges(flow);
        assert_eq!(exchanges.len(), 2, "a TLS 1.3 handshake and a request: {exchanges:?}");
        let dns = truth.dns_answers(market, answered.client_port, answered.id)[0].0;
        for (kind, measured, truth) in [
            ("icmp", echo.took, truth.icmp_echo(market, echo.id, echo.seq).unwrap()),
            ("dns", answered.took, dns),
            ("connect", fetched.connect, truth.tcp_handshake(flow).unwrap()),
            ("tls", fetched.tls, exchanges[0].last_byte),
            ("http", fetched.answer, exchanges[1].last_byte),
        ] {
            pairs.push(Pair { kind, between: (market, site), measured, truth });
        }
    }
    for kind in ["icmp", "dns", "connect", "tls", "http"] {
        judge(kind, pairs.iter().filter(|pair| pair.kind == kind), &config);
    }
}

fn judge<'a>(kind: &str, pairs: impl Iterator<Item = &'a Pair>, config: &WorldConfig) {
    let table = vantage_world::config::PathTable::new(config);
    let mut excess_us = Vec::new();
    for pair in pairs {
        let (market, site) = (usize::from(pair.between.0), usize::from(pair.between.1));
        // The router may be late but is never early: no packet is faster than its path's base delay.
        let nominal = table.path(market, site).delay + table.path(site, market).delay;
        assert!(pair.truth >= nominal, "{kind}: faster than light: {pair:?}, base {nominal:?}");
        // The two clocks of the join differ by less than a microsecond. By the truth an HTTP
        // exchange begins when the end of the handshake leaves, a moment before its request.
        assert!(
            pair.measured + Duration::from_micros(2) >= pair.truth || kind == "http",
            "{kind}: measured less than the packets took: {pair:?}"
        );
        let excess = pair.measured.as_secs_f64() - pair.truth.as_secs_f64();
        excess_us.push(excess * 1e6);
    }
    excess_us.sort_by(f64::total_cmp);
    let p50 = excess_us[excess_us.len() / 2];
    println!(
        "{kind}: measured − truth: p50 {p50:.0} µs, worst {:.0} µs",
        excess_us[excess_us.len() - 1]
    );
    // What user space adds on a busy two-core machine; the shortest path here takes 15 ms.
    assert!(p50.abs() < 3_000.0, "{kind}: {excess_us:?}");
}

/// The same, over IPv6 and on a path without any delay: what is emulated is the kernel's own.
#[test]
fn ipv6_takes_the_path_too() {
    let world = World::start_toml(
        r#"
        [[host]]
        name = "hk-1"
        [[host]]
        name = "singapore"
        [[host.service]]
        kind = "tcp"
        port = 7
        behaviour = "echo"
        [[path]]
        from = ["hk-1"]
        to = ["singapore"]
        rtt-ms = 44
        "#,
    )
    .unwrap();
    let (market, site) = (world.host("hk-1").unwrap(), world.host("singapore").unwrap());
    let connected = market.run(|| connect(site.ipv6(), 7)).unwrap().unwrap();
    let truth = world.truth().unwrap();
    let flow = Flow {
        client: market.position(),
        client_port: connected.client_port,
        server: site.position(),
        server_port: 7,
    };
    let handshake = truth.tcp_handshake(flow).unwrap();
    assert!(truth.tcp_segments(flow).iter().all(|record| record.ipv6));
    assert!(handshake >= Duration::from_millis(44) && connected.took >= handshake);
}

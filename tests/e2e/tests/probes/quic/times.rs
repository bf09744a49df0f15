//! Measured times beside those of the packets.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::probe::Probe;
use vantage_wire::Phase;
use vantage_world::truth::{PacketKey, PacketRecord, Truth};

use super::{H3, SITE, spec};
use crate::stage;

const ATTEMPTS: usize = 40;

/// The datagrams of each attempt, in the order of the attempts. Each has a port of its own.
fn by_attempt(truth: &Truth, market: u16) -> Vec<Vec<PacketRecord>> {
    let mut by_port: BTreeMap<u16, Vec<PacketRecord>> = BTreeMap::new();
    for record in truth.records() {
        if let PacketKey::Udp { source_port, destination_port, .. } = record.key {
            let port = if record.from == market { source_port } else { destination_port };
            by_port.entry(port).or_default().push(*record);
        }
    }
    let mut attempts: Vec<_> = by_port.into_values().collect();
    for datagrams in &mut attempts {
        datagrams.sort_by_key(|record| record.arrival);
    }
    attempts.sort_by_key(|datagrams| datagrams[0].arrival);
    attempts
}

/// The handshake and the exchange as the packets had them, and the least that either may be.
#[derive(Debug)]
struct Times {
    /// To the arrival of the last datagram that the handshake needs.
    handshake: Duration,
    handshake_at_least: Duration,
    /// To our `Finished` leaving upon it.
    finished: Duration,
    exchange: Duration,
    exchange_at_least: Duration,
}

/// The site waits 100 ms before it answers, so that handshake, acknowledgements and answer lie
/// apart in time.
fn of_packets(datagrams: &[PacketRecord], market: u16) -> Times {
    let first = datagrams[0].arrival;
    let after = |record: &&PacketRecord| record.arrival.since(first);
    let from_site = |record: &&PacketRecord| record.from != market;
    let from_market = |record: &&PacketRecord| record.from == market;
    // The site's first flight leaves it after one way and arrives after a round trip; what it
    // sends upon our second flight leaves it later.
    let flight = datagrams.iter().filter(from_site).filter(|r| after(r) < stage::RTT);
    let last = flight.max_by_key(|record| record.due).unwrap();
    let arrived = last.sent.unwrap();
    let finished = datagrams.iter().filter(from_market).find(|r| r.arrival >= last.due).unwrap();
    // The last that leaves the market in the wake of the handshake is the request.
    let asked = datagrams.iter().filter(from_market).filter(|r| after(r) < stage::RTT * 2);
    let asked = asked.max_by_key(|record| record.arrival).unwrap();
    let answered = datagrams.iter().filter(from_site).find(|r| after(r) > stage::RTT * 6).unwrap();
    Times {
        handshake: arrived.since(first),
        handshake_at_least: last.due.since(first),
        finished: finished.arrival.since(first),
        exchange: answered.sent.unwrap().since(asked.arrival),
        exchange_at_least: answered.due.since(asked.arrival),
    }
}

#[test]
fn phases_are_those_of_the_packets() {
    let world = stage::world(H3, "");
    let surroundings = stage::surroundings(&world);
    let spec = spec(&world, SITE, Some("/wait/100"));
    let attempts = stage::at(&world, "market", || async {
        let probe = Probe::new(spec, surroundings).unwrap();
        let mut attempts = Vec::new();
        for _ in 0..ATTEMPTS {
            attempts.push(probe.attempt(Instant::now()).await);
        }
        attempts
    });
    let market = world.host("market").unwrap().position();
    let truth = by_attempt(&world.truth().unwrap(), market);
    assert_eq!(truth.len(), ATTEMPTS, "each attempt has a socket of its own");
    let (mut arrival_off, mut finished_off, mut request_off) = (vec![], vec![], vec![]);
    for (attempt, datagrams) in attempts.iter().zip(&truth) {
        assert!(attempt.is_ok(), "{attempt:?}");
        let (connect, request) =
            (stage::took(attempt, Phase::Connect), stage::took(attempt, Phase::Request));
        let times = of_packets(datagrams, market);
        assert!(connect >= times.handshake_at_least, "{connect:?} {times:?}");
        assert!(request >= times.exchange_at_least, "{request:?} {times:?}");
        arrival_off.push(connect.saturating_sub(times.handshake));
        finished_off.push(connect.abs_diff(times.finished));
        request_off.push(request.abs_diff(times.exchange));
    }
    print("QUIC connect − (first Initial leaves … last handshake datagram arrives)", arrival_off);
    print("QUIC connect, distance to (first Initial leaves … our Finished leaves)", finished_off);
    print(
        "HTTP/3 request, distance to (request leaves … first datagram of the answer arrives)",
        request_off,
    );
}

fn print(what: &str, mut off: Vec<Duration>) {
    off.sort_unstable();
    let (half, most) = (off[off.len() / 2], off[off.len() - 1]);
    println!("{what}: p50 {half:?}, most {most:?} of {}", off.len());
}

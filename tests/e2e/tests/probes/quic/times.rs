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

/// What the site waits before it answers, so that acknowledgements and answer lie apart.
const WAIT: Duration = Duration::from_millis(100);

/// The handshake and the exchange as the packets had them.
#[derive(Debug)]
struct Times {
    /// To the arrival of the site's first datagram.
    arrived: Duration,
    /// To our `Finished` leaving upon it.
    finished: Duration,
    /// From the request leaving to the answer's first datagram arriving.
    exchange: Duration,
}

/// Tells the datagrams, which are encrypted, by what can have caused them. `None` where one was
/// sent again, which a busy machine brings about.
fn of_packets(datagrams: &[PacketRecord], market: u16) -> Option<Times> {
    let (ours, theirs): (Vec<&PacketRecord>, Vec<&PacketRecord>) =
        datagrams.iter().partition(|record| record.from == market);
    let first = ours.first()?.arrival;
    let reply = theirs.first()?.sent?;
    // The site's part of the handshake, with its one small certificate, is all in its first datagram. Nobody
    // waits for what follows that (connection ids), which may come later than our `Finished` leaves.
    let finished = ours.iter().find(|record| record.arrival >= reply)?;
    let answerable = finished.sent?;
    let mut later = theirs.into_iter().filter(|record| record.arrival >= answerable);
    // The request follows `Finished` before anything else is heard of the site.
    let heard = later.next()?.sent?;
    let asked = ours.iter().rfind(|record| record.arrival < heard)?;
    let answered = later.find(|record| record.arrival >= asked.due + WAIT)?;
    Some(Times {
        arrived: reply.since(first),
        finished: finished.arrival.since(first),
        exchange: answered.sent?.since(asked.arrival),
    })
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
        let connect = stage::took(attempt, Phase::Connect);
        let request = stage::took(attempt, Phase::Request);
        assert!(connect >= stage::RTT && request >= stage::RTT + WAIT, "{attempt:?}");
        let Some(times) = of_packets(datagrams, market) else { continue };
        arrival_off.push(connect.saturating_sub(times.arrived));
        finished_off.push(connect.abs_diff(times.finished));
        request_off.push(request.abs_diff(times.exchange));
    }
    assert!(!request_off.is_empty(), "no attempt could be told from its packets");
    print("QUIC connect − (first Initial leaves … the site's first datagram arrives)", arrival_off);
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

//! Packets are lost as often as the world says, and in the direction it says.

use std::net::{IpAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use crate::clients::{connect, ping};
use vantage_world::truth::Verdict;
use vantage_world::{Host, World, WorldConfig};

/// Bounds within which a binomial count falls with probability 99.9 %, from the exact distribution.
fn binomial_bounds(trials: u64, chance: f64) -> (u64, u64) {
    let mut probability = (1.0 - chance).powf(trials as f64);
    let (mut cumulated, mut low) = (0.0, None);
    for successes in 0..=trials {
        cumulated += probability;
        if low.is_none() && cumulated > 0.0005 {
            low = Some(successes);
        }
        if cumulated >= 0.9995 {
            return (low.unwrap_or(0), successes);
        }
        probability *=
            (trials - successes) as f64 / (successes + 1) as f64 * chance / (1.0 - chance);
    }
    (low.unwrap_or(0), trials)
}

#[test]
fn the_bounds_are_those_of_the_binomial_distribution() {
    // scipy.stats.binom.ppf([0.0005, 0.9995], 3000, 0.05)
    assert_eq!(binomial_bounds(3_000, 0.05), (112, 191));
}

/// Sends datagrams to a port and returns how many its host received.
fn send_datagrams(from: &Host, to: &Host, count: u64) -> u64 {
    let sink = to.run(|| UdpSocket::bind((to.ipv4(), 9)).unwrap()).unwrap();
    // No packet of these worlds is under way for so long.
    sink.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    thread::scope(|scope| {
        let received = scope.spawn(|| {
            let mut received = 0;
            while sink.recv(&mut [0; 8]).is_ok() {
                received += 1;
            }
            received
        });
        let send = || {
            let socket = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
            for number in 0..count {
                socket.send_to(b"x", (to.ipv4(), 9)).unwrap();
                if number % 20 == 19 {
                    // The receiver's buffer takes a burst of these, not all of them at once.
                    thread::sleep(Duration::from_millis(1));
                }
            }
        };
        from.run(send).unwrap();
        received.join().unwrap()
    })
}

#[test]
fn five_percent_are_lost() {
    const PACKETS: u64 = 3_000;
    let world = World::start_toml(
        r#"
        seed = 5
        host = [{ name = "a" }, { name = "b" }]
        [[path]]
        from = ["a"]
        to = ["b"]
        one-way = true
        delay-ms = 3
        loss = 0.05
        "#,
    )
    .unwrap();
    let (a, b) = (world.host("a").unwrap(), world.host("b").unwrap());
    let received = send_datagrams(a, b, PACKETS);
    let truth = world.truth().unwrap();
    assert_eq!(world.report().unwrap().frames_missed, 0);
    let lost = truth.count(Verdict::Lost) as u64;
    assert_eq!(received + lost, PACKETS, "what was not lost has arrived");
    let (low, high) = binomial_bounds(PACKETS, 0.05);
    assert!((low..=high).contains(&lost), "{lost} of {PACKETS} lost; 99.9 % bounds {low}…{high}");
}

#[test]
fn a_full_queue_drops_and_a_narrow_link_delays() {
    let world = World::start_toml(
        r#"
        host = [{ name = "a" }, { name = "b" }]
        [[path]]
        from = ["a"]
        to = ["b"]
        one-way = true
        bandwidth = { rate-kbps = 1000, queue-bytes = 4000 }
        "#,
    )
    .unwrap();
    let (a, b) = (world.host("a").unwrap(), world.host("b").unwrap());
    // 43 bytes each, as frames; at 125 000 bytes/s one takes 344 µs, and 93 fit the queue.
    let received = send_datagrams(a, b, 400);
    let truth = world.truth().unwrap();
    let delivered: Vec<_> =
        truth.between(0, 1).filter(|record| record.verdict == Verdict::Delivered).collect();
    assert_eq!(received, delivered.len() as u64);
    assert!(truth.count(Verdict::QueueFull) > 0);
    for pair in delivered.windows(2) {
        let apart = pair[1].due.since(pair[0].due);
        assert!(apart >= Duration::from_micros(343), "{apart:?}");
        assert!(pair[1].due.since(pair[1].arrival) <= Duration::from_millis(33));
    }
}

#[test]
fn a_blackhole_in_one_direction_leaves_the_other_up() {
    let world = |blackhole_from: &str, blackhole_to: &str| {
        let text = format!(
            r#"
            host = [{{ name = "a" }}, {{ name = "b" }}]
            [[path]]
            from = ["{blackhole_from}"]
            to = ["{blackhole_to}"]
            one-way = true
            blackhole = true
            "#
        );
        World::start(&WorldConfig::from_toml(&text).unwrap()).unwrap()
    };
    for (from, to) in [("a", "b"), ("b", "a")] {
        let world = world(from, to);
        let (down, up) = (world.host(from).unwrap(), world.host(to).unwrap());
        let into_the_hole = send_datagrams(down, up, 50);
        let the_other_way = send_datagrams(up, down, 50);
        assert_eq!((into_the_hole, the_other_way), (0, 50));
        let truth = world.truth().unwrap();
        assert_eq!(truth.count(Verdict::Blackholed), 50);
        assert!(truth.between(up.position(), down.position()).all(|r| r.sent.is_some()));
    }
}

#[test]
fn an_address_nobody_has_is_unreachable() {
    let world = World::start_toml("host = [{ name = 'a' }, { name = 'b' }]").unwrap();
    let a = world.host("a").unwrap();
    let nobody: IpAddr = "203.0.113.77".parse().unwrap();
    let error = a.run(|| connect(nobody, 443).map(|_| ())).unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NetworkUnreachable, "{error}");
    // A host that exists answers.
    let b = world.host("b").unwrap().ipv4();
    a.run(|| ping(b, 1)).unwrap().unwrap();
}

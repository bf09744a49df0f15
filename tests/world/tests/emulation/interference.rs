//! What stands on a path hits what it is aimed at, in the way it says, and nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::time::Duration;

use crate::clients::{connect, fetch, ping, resolve, tls_config};
use vantage_world::World;
use vantage_world::truth::{Flow, PacketKey, TcpFlags, Verdict};

/// A market and a site behind 44 ms, with rules on the way out.
fn world(interference: &str) -> World {
    World::start_toml(&format!(
        r#"
        [[host]]
        name = "market"
        [[host]]
        name = "site"
        [[host.service]]
        kind = "https"
        names = ["open.test", "blocked.test"]
        [[host.service]]
        kind = "dns"
        records = {{ "open.test" = ["192.0.2.2"], "blocked.test" = ["192.0.2.2"] }}
        [[host.service]]
        kind = "tcp"
        port = 7
        behaviour = "echo"
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = 44
        hops = 6
        [[path]]
        from = ["market"]
        to = ["site"]
        one-way = true
        interference = [{interference}]
        "#
    ))
    .unwrap()
}

fn site(world: &World) -> IpAddr {
    world.host("site").unwrap().ipv4().into()
}

#[test]
fn a_reset_on_the_server_name_hits_only_the_named_host() {
    let world =
        world(r#"{ protocol = "tcp", ports = [443], names = ["blocked.test"], action = "reset" }"#);
    let tls = tls_config(&world);
    let site = site(&world);
    let (open, blocked) = world
        .host("market")
        .unwrap()
        .run(|| (fetch(site, "open.test", &tls), fetch(site, "blocked.test", &tls)))
        .unwrap();
    assert!(open.unwrap().text.starts_with("HTTP/1.1 200"));
    assert_eq!(blocked.unwrap_err().kind(), ErrorKind::ConnectionReset);

    // Both ends were told, and the ClientHello did not get through.
    let truth = world.truth().unwrap();
    let resets: Vec<_> =
        truth.records().iter().filter(|record| record.verdict == Verdict::Injected).collect();
    assert!(resets.iter().any(|reset| reset.to == 0) && resets.iter().any(|reset| reset.to == 1));
    assert_eq!(truth.count(Verdict::Interfered), 1);
}

#[test]
fn a_server_name_spread_over_two_segments_is_seen() {
    let world = world(r#"{ protocol = "tcp", names = ["*.test"], action = "reset" }"#);
    let tls = tls_config(&world);
    let target = site(&world);
    let error = world
        .host("market")
        .unwrap()
        .run(|| {
            let mut client = rustls::ClientConnection::new(
                tls.clone(),
                "blocked.test".to_owned().try_into().unwrap(),
            )
            .unwrap();
            let mut hello = Vec::new();
            client.write_tls(&mut hello).unwrap();
            let mut connection = connect(target, 443).unwrap();
            let (first, second) = hello.split_at(40);
            connection.stream.write_all(first).unwrap();
            // Without a pause the kernel would send one segment.
            std::thread::sleep(Duration::from_millis(60));
            connection.stream.write_all(second).unwrap();
            connection.stream.read(&mut [0; 100]).unwrap_err()
        })
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let truth = world.truth().unwrap();
    let data: Vec<_> = truth
        .between(0, 1)
        .filter(|record| matches!(record.key, PacketKey::Tcp { payload_bytes: 1.., .. }))
        .map(|record| record.verdict)
        .collect();
    assert_eq!(data, [Verdict::Delivered, Verdict::Interfered], "the first half told nothing");
}

#[test]
fn a_dropped_server_name_is_silence() {
    let world = world(r#"{ protocol = "tcp", names = ["blocked.test"], action = "drop" }"#);
    let tls = tls_config(&world);
    let target = site(&world);
    world
        .host("market")
        .unwrap()
        .run(|| {
            let mut connection = connect(target, 443).unwrap();
            connection.stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
            let mut client = rustls::ClientConnection::new(
                tls.clone(),
                "blocked.test".to_owned().try_into().unwrap(),
            )
            .unwrap();
            client.write_tls(&mut connection.stream).unwrap();
            let error = connection.stream.read(&mut [0; 100]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "nothing comes back");
        })
        .unwrap();
    assert!(world.truth().unwrap().count(Verdict::Interfered) >= 1);
}

#[test]
fn a_forged_answer_arrives_before_the_true_one() {
    let world = world(
        r#"{ protocol = "udp", ports = [53], names = ["blocked.test"], action = "forge-dns", answers = ["203.0.113.9"], at = 0.2 }"#,
    );
    let server = site(&world);
    let (forged, open) = world
        .host("market")
        .unwrap()
        .run(|| {
            (
                resolve(server, "blocked.test.", 2).unwrap(),
                resolve(server, "open.test.", 1).unwrap(),
            )
        })
        .unwrap();
    let answers: Vec<_> = forged.iter().map(|answer| answer.addresses[0].to_string()).collect();
    assert_eq!(answers, ["203.0.113.9", "192.0.2.2"]);
    assert_eq!(open[0].addresses[0].to_string(), "192.0.2.2");

    let truth = world.truth().unwrap();
    let by_truth = truth.dns_answers(0, forged[0].client_port, forged[0].id);
    assert_eq!(by_truth.iter().map(|(_, forged)| *forged).collect::<Vec<_>>(), [true, false]);
    // A fifth of the way there and back, but for the router's own lateness.
    assert!(by_truth[0].0 >= Duration::from_micros(8_800) && by_truth[0].0 < by_truth[1].0);
    assert!(
        truth.dns_answers(0, open[0].client_port, open[0].id).iter().all(|(_, forged)| !forged)
    );
}

#[test]
fn a_delayed_kill_cuts_a_connection_that_works() {
    let world = world(r#"{ protocol = "tcp", ports = [7], action = "kill", after-ms = 300 }"#);
    let target = site(&world);
    let port = world
        .host("market")
        .unwrap()
        .run(|| {
            let mut connection = connect(target, 7).unwrap();
            let mut echoes = 0;
            let error = loop {
                let mut byte = [b'x'];
                let exchange = connection
                    .stream
                    .write_all(&byte)
                    .and_then(|()| connection.stream.read_exact(&mut byte));
                match exchange {
                    Ok(()) => echoes += 1,
                    Err(error) => break error,
                }
            };
            // 44 ms each, within 300 ms.
            assert!(echoes >= 1, "it worked at first");
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
            connection.client_port
        })
        .unwrap();
    let truth = world.truth().unwrap();
    let flow = Flow { client: 0, client_port: port, server: 1, server_port: 7 };
    let segments = truth.tcp_segments(flow);
    let first = segments[0].arrival;
    let cut = segments.iter().find(|segment| segment.verdict == Verdict::Injected).unwrap();
    assert!(cut.arrival.since(first) >= Duration::from_millis(300));
    // An idle connection is cut as well: nobody has to speak first.
    let idle = world
        .host("market")
        .unwrap()
        .run(|| connect(target, 7).unwrap().stream.read(&mut [0]).unwrap_err())
        .unwrap();
    assert_eq!(idle.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_of_the_handshake_is_a_refusal() {
    let world = world(r#"{ protocol = "tcp", ports = [7], action = "reset" }"#);
    let target = site(&world);
    let error =
        world.host("market").unwrap().run(|| connect(target, 7).map(|_| ()).unwrap_err()).unwrap();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    // The site never heard of it.
    assert_eq!(world.truth().unwrap().between(0, 1).filter(|r| r.sent.is_some()).count(), 0);
}

#[test]
fn a_rule_may_hit_a_share_of_the_connections() {
    let rule = r#"{ protocol = "tcp", ports = [7], action = "reset", share = 0.5 }"#;
    let attempts = || -> Vec<bool> {
        let world = world(rule);
        let target = site(&world);
        let market = world.host("market").unwrap();
        market.run(|| (0..20).map(|_| connect(target, 7).is_ok()).collect()).unwrap()
    };
    let first = attempts();
    // Of 20 tosses, fewer than 3 of a kind are one case in 2500, and the seed has settled them.
    let spared = first.iter().filter(|ok| **ok).count();
    assert!((3..=17).contains(&spared), "{spared}");
    assert_eq!(attempts(), first, "the same seed and the same connections meet the same fate");
}

#[test]
fn refusals_reach_the_program_as_what_they_are() {
    for (code, kind) in [
        ("net", ErrorKind::NetworkUnreachable),
        ("host", ErrorKind::HostUnreachable),
        ("prohibited", ErrorKind::HostUnreachable),
        ("port", ErrorKind::ConnectionRefused),
    ] {
        let world = world(&format!(
            r#"{{ protocol = "tcp", ports = [7], action = "reject", code = "{code}" }}"#
        ));
        let target = site(&world);
        let error = world
            .host("market")
            .unwrap()
            .run(|| connect(target, 7).map(|_| ()).unwrap_err())
            .unwrap();
        assert_eq!(error.kind(), kind, "{code}: {error}");
        // Other ports are left alone.
        let open = world.host("market").unwrap().run(|| connect(target, 443).is_ok()).unwrap();
        assert!(open);
    }
}

#[test]
fn a_throttle_slows_down_its_own_traffic() {
    let rule = r#"{ protocol = "tcp", ports = [7], action = "throttle", rate-kbps = 256 }"#;
    let world = world(rule);
    let target = site(&world);
    let port = world
        .host("market")
        .unwrap()
        .run(|| {
            let mut connection = connect(target, 7).unwrap();
            connection.stream.write_all(&[0; 8_000]).unwrap();
            connection.stream.read_exact(&mut [0; 8_000]).unwrap();
            connection.client_port
        })
        .unwrap();
    let truth = world.truth().unwrap();
    let flow = Flow { client: 0, client_port: port, server: 1, server_port: 7 };
    let data: Vec<_> = truth
        .tcp_segments(flow)
        .into_iter()
        .filter(|segment| segment.from == 0 && segment.verdict == Verdict::Delivered)
        .filter(|segment| matches!(segment.key, PacketKey::Tcp { payload_bytes: 1.., .. }))
        .collect();
    let bytes: u32 = data.iter().skip(1).map(|segment| u32::from(segment.frame_bytes)).sum();
    let took = data[data.len() - 1].due.since(data[0].due);
    // 256 kbit/s are 32 bytes a millisecond; due times are whole nanoseconds.
    let least = Duration::from_secs_f64(f64::from(bytes) / 32_000.0);
    assert!(took + Duration::from_micros(1) >= least, "{took:?} for {bytes} bytes");
}

#[test]
fn a_ttl_that_ends_on_the_way_is_answered_by_its_hop() {
    let world = world("");
    let market = world.host("market").unwrap();
    let target = world.host("site").unwrap().ipv4();
    for ttl in 1..=7 {
        market
            .run(|| {
                let socket = std::net::UdpSocket::bind(("0.0.0.0", 0)).unwrap();
                socket.set_ttl(ttl).unwrap();
                socket.send_to(b"where", (target, 33_434)).unwrap();
            })
            .unwrap();
        // The answer is on its way for at most a round trip.
        market.run(|| ping(target, 1).unwrap()).unwrap();
    }
    let truth = world.truth().unwrap();
    assert_eq!(truth.count(Verdict::TtlExceeded), 6, "the path has six hops");
    let answers: Vec<Duration> = truth
        .records()
        .iter()
        .filter(|record| matches!(record.key, PacketKey::Icmp { kind: 11, code: 0, .. }))
        .map(|record| record.due.since(record.arrival))
        .collect();
    assert_eq!(answers.len(), 6);
    assert!(answers.is_sorted(), "the further the hop, the later its answer: {answers:?}");
}

#[test]
fn interference_can_kill_echoes_alone() {
    let world = world(r#"{ protocol = "icmp", action = "drop" }"#);
    let market = world.host("market").unwrap();
    let target = site(&world);
    let echo = market.run(|| connect(target, 7).map(|connected| connected.took)).unwrap();
    assert!(echo.is_ok());
    let IpAddr::V4(address) = target else { unreachable!("the site's IPv4 address") };
    let silent = market.spawn(move || ping(address, 1).is_err()).unwrap().join().unwrap().unwrap();
    assert!(silent);
    let syns = |record: &&vantage_world::truth::PacketRecord| matches!(record.key, PacketKey::Tcp { flags, .. } if flags.contains(TcpFlags::SYN));
    assert!(world.truth().unwrap().records().iter().filter(syns).all(|r| r.sent.is_some()));
}

//! The DNS probe, and names in other probes.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::attempt::DnsFacts;
use vantage_agent::net::dns::RecordType;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, DnsSpec, DnsTransport, TcpSpec};
use vantage_agent::{Attempt, Guard, ProbeSpec};
use vantage_wire::report::Family;
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;
use vantage_world::truth::PacketKey;

use crate::stage;

const SERVER: &str = r#"
[[host.service]]
kind = "dns"
[host.service.records]
"shop.test" = ["192.0.2.2", "2001:db8::2"]
"www.test" = { cname = "shop.test", ttl-s = 5 }
"six.test" = ["2001:db8::2"]
"four.test" = ["192.0.2.2"]
"text.test" = { txt = ["hello"] }
"broken.test" = "servfail"
"closed.test" = "refused"
"silent.test" = "silent"
"large.test" = { addresses = ["192.0.2.2"], fate = "truncate" }
"rubbish.test" = "garbage"
"stranger.test" = { addresses = ["192.0.2.2"], fate = "wrong-id" }
"slow.test" = { addresses = ["192.0.2.2"], delay-ms = 90 }
[[host.service]]
kind = "tcp"
port = 7
behaviour = "echo"
"#;

const V4: &str = "192.0.2.2:53";

fn query(name: &str) -> DnsSpec {
    DnsSpec {
        name: name.into(),
        record_type: RecordType::A,
        server: Some(V4.parse().unwrap()),
        transport: DnsTransport::Udp,
        expected_addresses: Vec::new(),
    }
}

fn spec(query: DnsSpec) -> ProbeSpec {
    stage::spec(Action::Dns(query))
}

fn ask(world: &World, query: DnsSpec) -> Attempt {
    stage::attempt(world, spec(query))
}

/// An attempt with 300 ms for phase `dns`.
fn ask_briefly(world: &World, query: DnsSpec) -> Attempt {
    let mut spec = spec(query);
    spec.phase_timeouts.dns = Some(Duration::from_millis(300));
    stage::attempt(world, spec)
}

fn facts(attempt: &Attempt) -> &DnsFacts {
    attempt.facts.dns.as_ref().unwrap()
}

fn took(attempt: &Attempt, phase: Phase) -> Duration {
    assert!(attempt.is_ok(), "{attempt:?}");
    attempt.phases.get(phase).unwrap().into()
}

fn assert_dns_fails(attempt: &Attempt, code: FailureCode, by: Attribution) {
    stage::assert_fails(attempt, code, Phase::Dns, by);
    assert_eq!(attempt.phases.get(Phase::Dns), None, "the phase was not completed");
}

/// By the truth, how long the market's only question took to its first answer.
fn truth_of_first_answer(world: &World) -> Duration {
    let truth = world.truth().unwrap();
    let market = world.host("market").unwrap().position();
    let questions: Vec<_> = truth
        .records()
        .iter()
        .filter_map(|record| match record.key {
            PacketKey::Udp { source_port, destination_port: 53, dns_id }
                if record.from == market =>
            {
                Some((source_port, dns_id))
            }
            _ => None,
        })
        .collect();
    let [(port, id)] = questions[..] else { panic!("one question was asked: {questions:?}") };
    truth.dns_answers(market, port, id)[0].0
}

#[test]
fn the_time_is_that_of_the_packets() {
    let world = stage::world(SERVER, "");
    let mut excess_us = Vec::new();
    for server in [V4, "[2001:db8::2]:53"] {
        for _ in 0..25 {
            world.take_truth().unwrap();
            let server: SocketAddr = server.parse().unwrap();
            let attempt = ask(&world, DnsSpec { server: Some(server), ..query("shop.test") });
            let measured = took(&attempt, Phase::Dns);
            let truth = truth_of_first_answer(&world);
            assert!(truth >= stage::RTT);
            assert!(measured + Duration::from_micros(2) >= truth, "{measured:?} of {truth:?}");
            assert!(measured <= took(&attempt, Phase::Total));
            excess_us.push((measured.as_secs_f64() - truth.as_secs_f64()) * 1e6);
            assert_eq!(attempt.address, Some(server.ip()));
            assert_eq!(facts(&attempt).rcode.as_deref(), Some("NOERROR"));
            assert_eq!(facts(&attempt).answers, ["shop.test. 60 IN A 192.0.2.2"]);
            assert_eq!(facts(&attempt).strays, 0);
        }
    }
    excess_us.sort_by(f64::total_cmp);
    println!("dns: measured − truth: p50 {:.0} µs, worst {:.0} µs", excess_us[25], excess_us[49]);
}

#[test]
fn a_slow_servers_time_is_the_phases() {
    let world = stage::world(SERVER, "");
    let attempt = ask(&world, query("slow.test"));
    assert!(took(&attempt, Phase::Dns) >= stage::RTT + Duration::from_millis(90));
}

#[test]
fn aliases_and_other_types_are_answers() {
    let world = stage::world(SERVER, "");
    let attempt = ask(&world, query("www.test"));
    assert!(attempt.is_ok(), "{attempt:?}");
    assert_eq!(
        facts(&attempt).answers,
        ["www.test. 5 IN CNAME shop.test.", "shop.test. 60 IN A 192.0.2.2"]
    );
    for (name, record_type) in [("text.test", RecordType::TXT), ("six.test", RecordType::AAAA)] {
        let attempt = ask(&world, DnsSpec { record_type, ..query(name) });
        assert!(attempt.is_ok(), "{attempt:?}");
    }
}

#[test]
fn response_codes_are_failures() {
    let world = stage::world(SERVER, "");
    for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
        for (name, rcode, code, by) in [
            ("gone.test", "NXDOMAIN", FailureCode::DnsNxdomain, Attribution::Target),
            ("six.test", "NOERROR", FailureCode::DnsNodata, Attribution::Target),
            ("broken.test", "SERVFAIL", FailureCode::DnsServfail, Attribution::Resolver),
            ("closed.test", "REFUSED", FailureCode::DnsRefused, Attribution::Resolver),
        ] {
            let transport = transport.clone();
            let attempt = ask(&world, DnsSpec { transport, ..query(name) });
            assert_dns_fails(&attempt, code, by);
            assert_eq!(facts(&attempt).rcode.as_deref(), Some(rcode));
        }
    }
}

#[test]
fn a_silent_server_times_out() {
    let world = stage::world(SERVER, "");
    for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
        let attempt = ask_briefly(&world, DnsSpec { transport, ..query("silent.test") });
        assert_dns_fails(&attempt, FailureCode::DnsTimeout, Attribution::Resolver);
        assert_eq!(facts(&attempt).strays, 0);
    }
}

#[test]
fn a_dropped_query_times_out() {
    let world = stage::world(SERVER, "blackhole = true");
    let attempt = ask_briefly(&world, query("shop.test"));
    assert_dns_fails(&attempt, FailureCode::DnsTimeout, Attribution::Resolver);
}

#[test]
fn strays_are_counted_and_no_answers() {
    let world = stage::world(SERVER, "");
    for name in ["rubbish.test", "stranger.test"] {
        for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
            let attempt = ask_briefly(&world, DnsSpec { transport, ..query(name) });
            assert_dns_fails(&attempt, FailureCode::DnsTimeout, Attribution::Resolver);
            assert_eq!(facts(&attempt).strays, 1, "{name}");
        }
    }
}

#[test]
fn a_closed_port_is_unreachable() {
    let world = stage::world("", "");
    for server in [V4, "[2001:db8::2]:53"] {
        let server = Some(server.parse().unwrap());
        let attempt = ask(&world, DnsSpec { server, ..query("shop.test") });
        assert_dns_fails(&attempt, FailureCode::DnsUnreachable, Attribution::Resolver);
        // Over TCP it is the connection that fails.
        let transport = DnsTransport::Tcp;
        let attempt = ask(&world, DnsSpec { server, transport, ..query("shop.test") });
        stage::assert_fails(&attempt, FailureCode::TcpRefused, Phase::Connect, Attribution::Target);
    }
}

#[test]
fn what_routers_say_is_unreachable() {
    for code in ["net", "host", "port", "prohibited", "ttl-exceeded"] {
        let rule = format!("interference = [{{ action = \"reject\", code = \"{code}\" }}]");
        let world = stage::world(SERVER, &rule);
        for server in [V4, "[2001:db8::2]:53"] {
            let server = Some(server.parse().unwrap());
            let attempt = ask(&world, DnsSpec { server, ..query("shop.test") });
            assert_dns_fails(&attempt, FailureCode::DnsUnreachable, Attribution::Resolver);
        }
    }
}

#[test]
fn a_reset_connection_is_unreachable() {
    let world = stage::world(
        SERVER,
        "interference = [{ protocol = \"tcp\", action = \"kill\", after-ms = 60 }]",
    );
    let attempt = ask(&world, DnsSpec { transport: DnsTransport::Tcp, ..query("silent.test") });
    assert_dns_fails(&attempt, FailureCode::DnsUnreachable, Attribution::Resolver);
    assert!(attempt.phases.get(Phase::Connect).is_some());
}

#[test]
fn without_a_route_the_agent_is_offline() {
    let world = stage::world("", "");
    let surroundings = stage::surroundings(&world);
    let attempt = stage::at(&world, "market", || async {
        // An empty namespace: no link, no route.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let probe = Probe::new(spec(query("shop.test")), surroundings).unwrap();
        probe.attempt(Instant::now()).await
    });
    assert_dns_fails(&attempt, FailureCode::AgentOffline, Attribution::Agent);
}

#[test]
fn without_a_server_to_ask_the_probe_is_not_configured() {
    let world = stage::world(SERVER, "");
    let surroundings = stage::surroundings_asking(Vec::new());
    let tcp = Action::Tcp(TcpSpec { host: "shop.test".parse().unwrap(), port: 7 });
    let attempt = stage::at(&world, "market", || async {
        Probe::new(stage::spec(tcp), surroundings).unwrap().attempt(Instant::now()).await
    });
    stage::assert_fails(&attempt, FailureCode::ConfigInvalid, Phase::Total, Attribution::Config);
}

#[test]
fn over_tcp_connecting_is_a_phase_of_its_own() {
    let world = stage::world(SERVER, "");
    let attempt = ask(&world, DnsSpec { transport: DnsTransport::Tcp, ..query("shop.test") });
    let (connect, dns) = (took(&attempt, Phase::Connect), took(&attempt, Phase::Dns));
    assert!(connect >= stage::RTT && dns >= stage::RTT);
    assert!(took(&attempt, Phase::Total) >= connect + dns);
}

#[test]
fn an_answer_cut_short_is_fetched_over_tcp() {
    let world = stage::world(SERVER, "");
    let attempt = ask(&world, query("large.test"));
    // One round trip for the query, one for the handshake, one for the query again.
    assert!(took(&attempt, Phase::Dns) >= 3 * stage::RTT);
    assert_eq!(attempt.phases.get(Phase::Connect), None);
    assert_eq!(facts(&attempt).answers.len(), 1);
    let no_tcp = "interference = [{ protocol = \"tcp\", action = \"reject\", code = \"port\" }]";
    let attempt = ask(&stage::world(SERVER, no_tcp), query("large.test"));
    assert_dns_fails(&attempt, FailureCode::DnsUnreachable, Attribution::Resolver);
}

#[test]
fn a_forged_answer_is_bogus() {
    let world = stage::world(
        SERVER,
        r#"interference = [{ protocol = "udp", ports = [53], names = ["shop.test"], action = "forge-dns", answers = ["203.0.113.9"], at = 0.2 }]"#,
    );
    let expected_addresses = vec!["192.0.2.2".parse().unwrap()];
    let expecting =
        |name| DnsSpec { expected_addresses: expected_addresses.clone(), ..query(name) };
    let attempt = ask(&world, expecting("shop.test"));
    assert_dns_fails(&attempt, FailureCode::DnsBogus, Attribution::Path);
    assert_eq!(facts(&attempt).answers, ["shop.test. 300 IN A 203.0.113.9"]);
    let attempt = ask(&world, expecting("four.test"));
    assert!(attempt.is_ok(), "{attempt:?}");
    let attempt = ask(&world, query("shop.test"));
    assert!(attempt.is_ok(), "without expectations nobody can tell: {attempt:?}");
}

#[test]
fn without_a_server_the_systems_first_of_the_family_is_asked() {
    let world = stage::world(SERVER, "");
    let attempt = ask(&world, DnsSpec { server: None, ..query("shop.test") });
    assert!(attempt.is_ok(), "{attempt:?}");
    assert_eq!(attempt.address.unwrap().to_string(), "192.0.2.2");
    let mut v6 = spec(DnsSpec { server: None, ..query("shop.test") });
    v6.family = Family::V6;
    let error = Probe::new(v6, stage::surroundings(&world)).unwrap_err();
    assert!(error.to_string().contains("no DNS server of this address family"), "{error}");
}

#[test]
fn the_guard_is_for_servers_too() {
    let world = stage::world(SERVER, "");
    for transport in [DnsTransport::Udp, DnsTransport::Tcp] {
        let mut surroundings = stage::surroundings(&world);
        surroundings.guard = Guard::PUBLIC_ONLY;
        let server = Some("10.0.0.1:53".parse().unwrap());
        let query = DnsSpec { server, transport, ..query("shop.test") };
        let attempt = stage::at(&world, "market", || async {
            Probe::new(spec(query), surroundings).unwrap().attempt(Instant::now()).await
        });
        stage::assert_fails(&attempt, FailureCode::TargetDenied, Phase::Total, Attribution::Config);
        assert_eq!(attempt.facts.dns, None, "nobody was asked");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_before() {
    let world = stage::world("", "");
    let nowhere = Some("192.0.2.2:0".parse().unwrap());
    for (query, says) in [
        (query("a..b"), "is no domain name"),
        (DnsSpec { server: nowhere, ..query("shop.test") }, "port is 0"),
    ] {
        let error = Probe::new(spec(query), stage::surroundings(&world)).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}

fn connect_by_name(world: &World, name: &str, family: Family) -> Attempt {
    let host = name.parse().unwrap();
    let mut spec = stage::spec(Action::Tcp(TcpSpec { host, port: 7 }));
    spec.family = family;
    spec.phase_timeouts.dns = Some(Duration::from_millis(300));
    stage::attempt(world, spec)
}

#[test]
fn names_of_other_probes_are_looked_up_in_a_phase_of_their_own() {
    let world = stage::world(SERVER, "");
    for (name, family, address) in [
        ("shop.test", Family::Any, "192.0.2.2"),
        ("shop.test", Family::V4, "192.0.2.2"),
        ("shop.test", Family::V6, "2001:db8::2"),
        ("www.test", Family::V6, "2001:db8::2"),
        ("six.test", Family::Any, "2001:db8::2"),
        ("large.test.", Family::V4, "192.0.2.2"),
    ] {
        let attempt = connect_by_name(&world, name, family);
        assert!(took(&attempt, Phase::Dns) >= stage::RTT);
        assert_eq!(attempt.address.unwrap().to_string(), address, "{name} {family:?}");
    }
}

#[test]
fn a_look_up_takes_as_long_as_its_packets_and_asks_once() {
    let world = stage::world(SERVER, "");
    world.take_truth().unwrap();
    let attempt = connect_by_name(&world, "shop.test", Family::V4);
    let measured = took(&attempt, Phase::Dns);
    assert!(measured + Duration::from_micros(2) >= truth_of_first_answer(&world));
}

#[test]
fn look_ups_fail_as_the_dns_probe_does() {
    let world = stage::world(SERVER, "");
    for (name, family, code, by) in [
        ("gone.test", Family::Any, FailureCode::DnsNxdomain, Attribution::Target),
        ("text.test", Family::Any, FailureCode::DnsNodata, Attribution::Target),
        ("six.test", Family::V4, FailureCode::DnsNodata, Attribution::Target),
        ("four.test", Family::V6, FailureCode::DnsNodata, Attribution::Target),
        ("broken.test", Family::Any, FailureCode::DnsServfail, Attribution::Resolver),
        ("closed.test", Family::V6, FailureCode::DnsRefused, Attribution::Resolver),
        ("silent.test", Family::Any, FailureCode::DnsTimeout, Attribution::Resolver),
        ("stranger.test", Family::V4, FailureCode::DnsTimeout, Attribution::Resolver),
    ] {
        let attempt = connect_by_name(&world, name, family);
        assert_dns_fails(&attempt, code, by);
        assert_eq!(attempt.address, None);
    }
    let attempt = connect_by_name(&stage::world("", ""), "shop.test", Family::Any);
    assert_dns_fails(&attempt, FailureCode::DnsUnreachable, Attribution::Resolver);
}

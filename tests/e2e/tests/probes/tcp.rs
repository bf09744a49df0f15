//! The TCP handshake.

use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, TcpSpec};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

use crate::stage;

const ECHO: &str = "[[host.service]]\nkind = \"tcp\"\nport = 7\nbehaviour = \"echo\"";

fn spec(host: &str, port: u16) -> ProbeSpec {
    stage::spec(Action::Tcp(TcpSpec { host: host.parse().unwrap(), port }))
}

fn attempt(world: &World) -> Attempt {
    stage::attempt(world, spec("192.0.2.2", 7))
}

fn assert_connect_fails(attempt: &Attempt, code: FailureCode, by: Attribution) {
    stage::assert_fails(attempt, code, Phase::Connect, by);
    assert_eq!(attempt.phases.iter().count(), 0, "no phase was completed");
}

#[test]
fn the_handshake_is_the_kernels() {
    let world = stage::world(ECHO, "");
    for host in ["192.0.2.2", "2001:db8::2"] {
        let attempt = stage::attempt(&world, spec(host, 7));
        assert!(attempt.is_ok(), "{attempt:?}");
        let connect = Duration::from(attempt.phases.get(Phase::Connect).unwrap());
        let total = Duration::from(attempt.phases.get(Phase::Total).unwrap());
        let user_space = Duration::from(attempt.facts.connect_user_space.unwrap());
        assert!(stage::RTT <= connect && connect <= user_space && user_space <= total);
        assert_eq!(attempt.facts.syn_retransmits, Some(0));
        assert_eq!(attempt.address.unwrap().to_string(), host);
    }
}

#[test]
fn a_closed_port_refuses() {
    let world = stage::world("", "");
    assert_connect_fails(&attempt(&world), FailureCode::TcpRefused, Attribution::Target);
}

#[test]
fn a_reset_that_answers_the_syn_is_a_refusal_whoever_sent_it() {
    let world = stage::world(ECHO, "interference = [{ protocol = \"tcp\", action = \"reset\" }]");
    assert_connect_fails(&attempt(&world), FailureCode::TcpRefused, Attribution::Target);
}

/// The kernel has such a connection for open until the reset comes: an agent that was not on the
/// spot in between finds it reset.
#[test]
fn a_reset_that_follows_the_answer_to_the_syn_is_a_reset() {
    let rule = "interference = [{ protocol = \"tcp\", action = \"kill\", after-ms = 25 }]";
    let world = stage::world(ECHO, rule);
    let surroundings = stage::surroundings(&world);
    let attempt = stage::at(&world, "market", || async {
        let probe = Probe::new(spec("192.0.2.2", 7), surroundings).unwrap();
        // Holds up the run-time as soon as the SYN has left.
        let held_up = async { std::thread::sleep(5 * stage::RTT) };
        tokio::join!(biased; probe.attempt(Instant::now()), held_up).0
    });
    assert_connect_fails(&attempt, FailureCode::TcpReset, Attribution::Path);
}

#[test]
fn a_dropped_syn_times_out() {
    let world = stage::world(ECHO, "blackhole = true");
    assert_connect_fails(&attempt(&world), FailureCode::TcpTimeout, Attribution::Path);
}

#[test]
fn what_routers_say_is_unreachable() {
    for code in ["net", "host", "prohibited"] {
        let rule = format!("interference = [{{ action = \"reject\", code = \"{code}\" }}]");
        let world = stage::world(ECHO, &rule);
        assert_connect_fails(&attempt(&world), FailureCode::TcpUnreachable, Attribution::Path);
    }
}

#[test]
fn a_repeated_syn_takes_as_long_as_the_user_waited() {
    // The first SYN is lost to a queue that a second of silence empties again.
    let world =
        stage::world(ECHO, "gilbert-elliott = { enter = 1.0, leave = 1.0, loss-good = 0.0 }");
    let attempt = attempt(&world);
    assert!(attempt.is_ok(), "{attempt:?}");
    assert!(attempt.facts.syn_retransmits >= Some(1));
    assert!(Duration::from(attempt.phases.get(Phase::Connect).unwrap()) >= Duration::from_secs(1));
}

#[test]
fn without_a_route_the_agent_is_offline() {
    let world = stage::world("", "");
    for host in ["192.0.2.2", "2001:db8::2"] {
        let attempt = stage::attempt_offline(&world, spec(host, 7));
        assert_connect_fails(&attempt, FailureCode::AgentOffline, Attribution::Agent);
    }
}

#[test]
fn out_of_descriptors_the_agent_lacks_a_resource() {
    let world = stage::world("", "");
    let attempt = stage::attempt_without_descriptors(&world, spec("192.0.2.2", 7));
    assert_connect_fails(&attempt, FailureCode::AgentResource, Attribution::Agent);
}

/// The kernel reports the want of a port as it does that of an address.
#[test]
fn out_of_ports_the_agent_lacks_a_resource() {
    let world = stage::world(ECHO, "");
    for host in ["192.0.2.2", "2001:db8::2"] {
        let surroundings = stage::surroundings(&world);
        let attempts = stage::at(&world, "market", || async {
            // One port for each target, in this namespace only.
            let range = "/proc/sys/net/ipv4/ip_local_port_range";
            std::fs::write(range, "40000 40000").unwrap();
            let _taken = std::net::TcpStream::connect((host, 7)).unwrap();
            let probe = Probe::new(spec(host, 7), surroundings).unwrap();
            probe.attempt(Instant::now()).await
        });
        assert_connect_fails(&attempts, FailureCode::AgentResource, Attribution::Agent);
    }
}

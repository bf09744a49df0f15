//! The ICMP echo.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use vantage_agent::net::icmp::{SocketKind, access};
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, IcmpSpec};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

use crate::stage;

const SITE: [&str; 2] = ["192.0.2.2", "2001:db8::2"];
const BOTH_KINDS: [SocketKind; 2] = [SocketKind::Datagram, SocketKind::Raw];

fn spec(host: &str) -> ProbeSpec {
    icmp(IcmpSpec { host: host.parse().unwrap(), payload_bytes: 16, ttl: 64 })
}

fn icmp(spec: IcmpSpec) -> ProbeSpec {
    stage::spec(Action::Icmp(spec))
}

/// The stage's world, whose market has ICMP sockets of one kind only; `path` as there.
fn world(kind: SocketKind, path: &str) -> World {
    let datagram = kind == SocketKind::Datagram;
    let sockets = format!("ping-sockets = {datagram}");
    let world = World::start_toml(&stage::text_of_market(&sockets, "", path)).unwrap();
    for ipv6 in [false, true] {
        let found = world.host("market").unwrap().run(|| access(ipv6)).unwrap().unwrap();
        assert_eq!(found, kind);
    }
    world
}

fn rtt(attempt: &Attempt) -> Duration {
    attempt.phases.get(Phase::Rtt).unwrap_or_else(|| panic!("it failed: {attempt:?}")).into()
}

/// The round trip of an attempt's echo by the router's stamps.
fn truth(world: &World, attempt: &Attempt) -> Duration {
    let facts = attempt.facts.icmp.unwrap();
    let market = world.host("market").unwrap().position();
    world.truth().unwrap().icmp_echo(market, facts.identifier, facts.sequence).unwrap()
}

fn assert_rtt_fails(attempt: &Attempt, code: FailureCode, by: Attribution) {
    stage::assert_fails(attempt, code, Phase::Rtt, by);
    assert_eq!(attempt.phases.iter().count(), 0, "no phase was completed");
}

#[test]
fn the_round_trip_is_the_kernels() {
    for kind in BOTH_KINDS {
        let world = world(kind, "hops = 5");
        for host in SITE {
            for payload_bytes in [0, 16, 1400] {
                let host = host.parse().unwrap();
                let spec = icmp(IcmpSpec { host, payload_bytes, ttl: 64 });
                let attempt = stage::attempt(&world, spec);
                let facts = attempt.facts.icmp.unwrap_or_else(|| panic!("{attempt:?}"));
                assert!(facts.stamped && facts.socket == kind, "{facts:?}");
                let (rtt, truth) = (rtt(&attempt), truth(&world, &attempt));
                // What is recorded is cut to whole microseconds, and the router's reading of two
                // clocks is out by half a microsecond at either end.
                assert!(truth <= rtt + Duration::from_micros(2), "{rtt:?} of {truth:?}");
                assert!(rtt <= Duration::from(facts.rtt_user_space));
                // The request passes five routers, the reply none.
                assert_eq!(attempt.facts.ttl, Some(64));
                let times: Vec<_> = attempt.phases.iter().map(|(phase, _)| phase).collect();
                assert_eq!(times, [Phase::Rtt]);
            }
        }
    }
}

#[test]
fn the_ttl_of_the_reply_is_kept() {
    for kind in BOTH_KINDS {
        // Back from the site, too.
        let world = world(kind, "[[path]]\nfrom = [\"site\"]\nto = [\"market\"]\nhops = 7");
        for host in SITE {
            assert_eq!(stage::attempt(&world, spec(host)).facts.ttl, Some(57), "{kind} {host}");
        }
    }
}

#[test]
fn routers_say_what_is_wrong() {
    use FailureCode::{IcmpProhibited, IcmpTtlExceeded, IcmpUnreachable};
    for (said, code) in [
        ("net", IcmpUnreachable),
        ("host", IcmpUnreachable),
        ("port", IcmpUnreachable),
        ("prohibited", IcmpProhibited),
        ("ttl-exceeded", IcmpTtlExceeded),
    ] {
        let rule = format!("interference = [{{ action = \"reject\", code = \"{said}\" }}]");
        for kind in BOTH_KINDS {
            let world = world(kind, &rule);
            for host in SITE {
                let attempt = stage::attempt(&world, spec(host));
                assert_rtt_fails(&attempt, code, Attribution::Path);
            }
        }
    }
}

#[test]
fn a_request_runs_out_of_hops() {
    for kind in BOTH_KINDS {
        let world = world(kind, "hops = 5");
        for host in SITE {
            let with_ttl = |ttl| {
                let spec = IcmpSpec { host: host.parse().unwrap(), payload_bytes: 16, ttl };
                stage::attempt(&world, icmp(spec))
            };
            let attempt = with_ttl(5);
            assert_rtt_fails(&attempt, FailureCode::IcmpTtlExceeded, Attribution::Path);
            let router = attempt.failure.unwrap().detail;
            assert!(router.as_str().contains("from"), "who said so? {router}");
            assert!(with_ttl(6).is_ok());
        }
    }
}

#[test]
fn no_reply_times_out() {
    for path in ["blackhole = true", "interference = [{ action = \"drop\", protocol = \"icmp\" }]"]
    {
        let world = stage::world("", path);
        for host in SITE {
            let spec = ProbeSpec { timeout: Duration::from_millis(200), ..spec(host) };
            let attempt = stage::attempt(&world, spec);
            assert_rtt_fails(&attempt, FailureCode::IcmpTimeout, Attribution::Path);
        }
    }
}

/// The reply to an echo that has timed out comes in while later ones wait for theirs.
#[test]
fn a_late_reply_is_nobody_elses() {
    for kind in BOTH_KINDS {
        let world = world(kind, "");
        for host in SITE {
            let surroundings = stage::surroundings(&world);
            let [early, late] = stage::at(&world, "market", || async move {
                let impatient = ProbeSpec { timeout: Duration::from_millis(12), ..spec(host) };
                let impatient = Probe::new(impatient, surroundings.clone()).unwrap();
                let patient = Probe::new(spec(host), surroundings).unwrap();
                [impatient.attempt(Instant::now()).await, patient.attempt(Instant::now()).await]
            });
            assert_rtt_fails(&early, FailureCode::IcmpTimeout, Attribution::Path);
            assert!(rtt(&late) + Duration::from_micros(2) >= truth(&world, &late), "{late:?}");
        }
    }
}

#[test]
fn each_of_many_gets_its_own_reply() {
    for kind in BOTH_KINDS {
        let world = world(kind, "");
        let surroundings = stage::surroundings(&world);
        let attempts = stage::at(&world, "market", || async move {
            let mut in_flight = JoinSet::new();
            for number in 0..200 {
                let probe = Probe::new(spec(SITE[number % 2]), surroundings.clone()).unwrap();
                in_flight.spawn(async move { probe.attempt(Instant::now()).await });
            }
            in_flight.join_all().await
        });
        for attempt in attempts {
            let (rtt, truth) = (rtt(&attempt), truth(&world, &attempt));
            assert!(truth <= rtt + Duration::from_micros(2), "{rtt:?} of {truth:?}");
        }
    }
}

#[test]
fn without_a_route_the_agent_is_offline() {
    let world = stage::world("", "");
    for host in SITE {
        let attempt = stage::attempt_offline(&world, spec(host));
        assert_rtt_fails(&attempt, FailureCode::AgentOffline, Attribution::Agent);
    }
}

#[test]
fn out_of_descriptors_the_agent_lacks_a_resource() {
    let world = stage::world("", "");
    let attempt = stage::attempt_without_descriptors(&world, spec(SITE[0]));
    assert_rtt_fails(&attempt, FailureCode::AgentResource, Attribution::Agent);
}

/// Set in a process that plays an agent without privileges.
const WITHOUT_PRIVILEGES: &str = "VANTAGE_TEST_WITHOUT_PRIVILEGES";

#[test]
fn without_any_socket_the_agent_says_what_would_help() {
    if std::env::var_os(WITHOUT_PRIVILEGES).is_some() {
        return attempt_without_privileges();
    }
    let world = stage::world("", "");
    let status = world.host("market").unwrap().run(|| {
        // A new namespace, in which nobody may open datagram sockets yet; and even root may not
        // open raw sockets without this capability.
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        std::process::Command::new("setpriv")
            .args(["--bounding-set=-net_raw", "--inh-caps=-net_raw"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "icmp::without_any_socket_the_agent_says_what_would_help"])
            .env(WITHOUT_PRIVILEGES, "1")
            .status()
    });
    assert!(status.unwrap().unwrap().success());
}

fn attempt_without_privileges() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for host in SITE {
        let probe = Probe::new(spec(host), stage::surroundings_asking(Vec::new())).unwrap();
        let attempt = runtime.block_on(probe.attempt(Instant::now()));
        assert_rtt_fails(&attempt, FailureCode::AgentPermission, Attribution::Agent);
        let detail = attempt.failure.unwrap().detail;
        assert!(detail.as_str().contains("net.ipv4.ping_group_range"), "{detail}");
        assert!(detail.as_str().contains("CAP_NET_RAW"), "{detail}");
    }
}

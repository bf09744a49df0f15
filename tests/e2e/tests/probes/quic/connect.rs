//! The handshake, and how it fails.

use vantage_agent::Attempt;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, TlsVersions};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

use super::{BOTH, H3, SITE, spec};
use crate::stage;

fn attempt(world: &World) -> Attempt {
    stage::attempt(world, spec(world, SITE, None))
}

fn assert_connect_fails(attempt: &Attempt, code: FailureCode, by: Attribution) {
    stage::assert_fails(attempt, code, Phase::Connect, by);
    stage::assert_phases(attempt, &[]);
}

fn detail(attempt: &Attempt) -> &str {
    attempt.failure.as_ref().unwrap().detail.as_str()
}

#[test]
fn a_handshake_is_timed_and_described() {
    let world = stage::world(H3, "");
    for host in BOTH {
        let attempt = stage::attempt(&world, spec(&world, host, None));
        assert!(attempt.is_ok(), "{attempt:?}");
        stage::assert_phases(&attempt, &[Phase::Connect, Phase::Total]);
        assert!(stage::RTT <= stage::took(&attempt, Phase::Connect));
        assert!(stage::took(&attempt, Phase::Connect) <= stage::took(&attempt, Phase::Total));
        assert_eq!(attempt.address.unwrap().to_string(), host);
        let tls = attempt.facts.tls.unwrap();
        assert_eq!((tls.version.as_deref(), tls.alpn.as_deref()), (Some("TLSv1.3"), Some("h3")));
        assert!(tls.expires_unix_s > Some(1_700_000_000));
    }
}

#[test]
fn a_closed_port_refuses() {
    let closed = stage::world("", "");
    let refusing = stage::world(&format!("{H3}\nadmission = \"refuse\""), "");
    for world in [closed, refusing] {
        for host in BOTH {
            let attempt = stage::attempt(&world, spec(&world, host, None));
            assert_connect_fails(&attempt, FailureCode::QuicRefused, Attribution::Target);
        }
    }
}

#[test]
fn a_target_may_refuse_in_words() {
    let world = stage::world(&format!("{H3}\nadmission = \"reset\""), "");
    let attempt = attempt(&world);
    assert_connect_fails(&attempt, FailureCode::QuicRefused, Attribution::Target);
}

#[test]
fn blocked_udp_times_out() {
    let drop = r#"interference = [{ protocol = "udp", ports = [443], action = "drop" }]"#;
    let world = stage::world(H3, drop);
    for host in BOTH {
        let attempt = stage::attempt(&world, spec(&world, host, None));
        assert_connect_fails(&attempt, FailureCode::QuicTimeout, Attribution::Path);
    }
}

#[test]
fn silence_times_out() {
    let world = stage::world(&format!("{H3}\nadmission = \"silence\""), "");
    assert_connect_fails(&attempt(&world), FailureCode::QuicTimeout, Attribution::Path);
}

#[test]
fn what_routers_say_ends_the_wait() {
    for (code, said) in [("net", "unreachable"), ("host", "route"), ("prohibited", "")] {
        let rule = format!("interference = [{{ action = \"reject\", code = \"{code}\" }}]");
        let world = stage::world(H3, &rule);
        for host in BOTH {
            let attempt = stage::attempt(&world, spec(&world, host, None));
            assert_connect_fails(&attempt, FailureCode::QuicTimeout, Attribution::Path);
            assert!(detail(&attempt).contains(said), "{code}: {attempt:?}");
            assert!(!detail(&attempt).contains("no answer"), "it was told: {attempt:?}");
        }
    }
}

#[test]
fn without_a_common_version_there_is_no_connection() {
    let world = stage::world(&format!("{H3}\nadmission = \"version-negotiation\""), "");
    assert_connect_fails(&attempt(&world), FailureCode::QuicVersion, Attribution::Target);
}

#[test]
fn a_tls_alert_ends_the_handshake() {
    let world = stage::world(&format!("{H3}\nadmission = \"handshake-failure\""), "");
    let attempt = attempt(&world);
    assert_connect_fails(&attempt, FailureCode::QuicHandshake, Attribution::Target);
    assert_eq!(detail(&attempt), "received alert handshake_failure");
}

#[test]
fn no_common_protocol_is_an_alert() {
    let world = stage::world(H3, "");
    let mut spec = spec(&world, SITE, None);
    let Action::Quic(quic) = &mut spec.action else { unreachable!() };
    quic.tls.alpn = vec!["doq".to_owned()];
    let attempt = stage::attempt(&world, spec);
    assert_connect_fails(&attempt, FailureCode::QuicHandshake, Attribution::Target);
    assert_eq!(detail(&attempt), "received alert no_application_protocol");
}

#[test]
fn certificates_are_judged_as_over_tcp() {
    for (kind, code) in [
        ("expired", FailureCode::TlsCertExpired),
        ("not-yet-valid", FailureCode::TlsCertExpired),
        ("wrong-name", FailureCode::TlsCertName),
        ("self-signed", FailureCode::TlsCertUntrusted),
        ("untrusted", FailureCode::TlsCertUntrusted),
        ("wrong-purpose", FailureCode::TlsCertOther),
        ("authority", FailureCode::TlsCertOther),
        ("forged", FailureCode::TlsCertOther),
    ] {
        let world = stage::world(&format!("{H3}\ncertificate = \"{kind}\""), "");
        let attempt = attempt(&world);
        assert_connect_fails(&attempt, code, Attribution::Target);
        assert!(attempt.facts.tls.unwrap().expires_unix_s.is_some(), "{kind}");
    }
}

#[test]
fn a_name_is_asked_for_and_expected() {
    let world = stage::world(H3, "");
    let named = |name: &str| {
        let mut spec = spec(&world, SITE, None);
        let Action::Quic(quic) = &mut spec.action else { unreachable!() };
        quic.tls.server_name = Some(name.to_owned());
        stage::attempt(&world, spec)
    };
    assert!(named("site.test").is_ok());
    assert_connect_fails(&named("other.test"), FailureCode::TlsCertName, Attribution::Target);
}

#[test]
fn without_a_route_the_agent_is_offline() {
    let world = stage::world("", "");
    for host in BOTH {
        let attempt = stage::attempt_offline(&world, spec(&world, host, None));
        assert_connect_fails(&attempt, FailureCode::AgentOffline, Attribution::Agent);
    }
}

#[test]
fn impossible_parameters_are_said_before_the_first_attempt() {
    let world = stage::world("", "");
    let refused = |change: &dyn Fn(&mut vantage_agent::spec::QuicSpec)| {
        let mut spec = spec(&world, SITE, Some("/ok"));
        let Action::Quic(quic) = &mut spec.action else { unreachable!() };
        change(quic);
        Probe::new(spec, stage::surroundings(&world)).unwrap_err().to_string()
    };
    assert!(refused(&|quic| quic.tls.versions = Some(TlsVersions::Only12)).contains("TLS 1.3"));
    assert!(refused(&|quic| quic.tls.alpn = vec!["doq".to_owned()]).contains("h3"));
    assert!(refused(&|quic| quic.tls.server_name = Some("a b".to_owned())).contains("a b"));
}

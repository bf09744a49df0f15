//! The TLS handshake.

use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::attempt::TlsFacts;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, TlsParameters, TlsSpec, TlsVersions};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::World;

use crate::stage;

const HTTPS: &str = "[[host.service]]\nkind = \"https\"\nnames = [\"shop.test\"]";

fn spec(world: &World) -> TlsSpec {
    let tls = TlsParameters {
        server_name: Some("shop.test".into()),
        ca_pem: Some(world.ca_pem().into()),
        ..TlsParameters::default()
    };
    TlsSpec { host: "192.0.2.2".parse().unwrap(), port: 443, tls }
}

fn attempt_with(world: &World, change: impl FnOnce(&mut TlsSpec)) -> Attempt {
    let mut spec = spec(world);
    change(&mut spec);
    stage::attempt(world, probe(spec))
}

fn probe(spec: TlsSpec) -> ProbeSpec {
    ProbeSpec { timeout: Duration::from_millis(500), ..stage::spec(Action::Tls(spec)) }
}

fn attempt(world: &World) -> Attempt {
    attempt_with(world, |_| {})
}

fn service(more: &str) -> World {
    stage::world(&format!("{HTTPS}\n{more}"), "")
}

fn assert_tls_fails(attempt: &Attempt, code: FailureCode, by: Attribution) {
    stage::assert_fails(attempt, code, Phase::Tls, by);
    stage::assert_phases(attempt, &[Phase::Connect]);
}

fn facts(attempt: &Attempt) -> &TlsFacts {
    attempt.facts.tls.as_ref().unwrap()
}

#[test]
fn a_handshake_shows_what_was_negotiated() {
    let world = service("");
    for (versions, alpn, version, rtts) in [
        (None, vec!["h2".to_owned()], "TLSv1.3", 1),
        (Some(TlsVersions::Only12), Vec::new(), "TLSv1.2", 2),
        (Some(TlsVersions::Only13), Vec::new(), "TLSv1.3", 1),
    ] {
        let attempt = attempt_with(&world, |spec| {
            spec.tls.versions = versions;
            spec.tls.alpn.clone_from(&alpn);
        });
        assert!(attempt.is_ok(), "{attempt:?}");
        stage::assert_phases(&attempt, &[Phase::Connect, Phase::Tls, Phase::Total]);
        assert!(stage::took(&attempt, Phase::Tls) >= rtts * stage::RTT);
        let facts = facts(&attempt);
        assert_eq!(facts.version.as_deref(), Some(version));
        assert_eq!(facts.alpn.as_ref(), alpn.first());
        assert!(facts.cipher.is_some() && facts.expires_unix_s.is_some());
    }
}

#[test]
fn an_address_is_a_name_too() {
    let world = service("");
    for host in ["192.0.2.2", "2001:db8::2"] {
        let attempt = attempt_with(&world, |spec| {
            spec.host = host.parse().unwrap();
            spec.tls.server_name = None;
        });
        assert!(attempt.is_ok(), "{attempt:?}");
    }
}

#[test]
fn every_fault_of_a_certificate_has_its_code() {
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
        let world = service(&format!("certificate = \"{kind}\""));
        let attempt = attempt(&world);
        assert_tls_fails(&attempt, code, Attribution::Target);
        assert!(
            facts(&attempt).expires_unix_s.is_some(),
            "{kind}: its expiry is known all the same"
        );
    }
}

#[test]
fn a_certificate_that_the_system_does_not_know_is_untrusted() {
    let world = service("");
    let attempt = attempt_with(&world, |spec| spec.tls.ca_pem = None);
    assert_tls_fails(&attempt, FailureCode::TlsCertUntrusted, Attribution::Target);
}

#[test]
fn every_end_of_a_handshake_has_its_code() {
    use Attribution::{Path, Target};
    for (admission, code, by) in [
        ("silence", FailureCode::TlsTimeout, Path),
        ("reset", FailureCode::TlsReset, Path),
        ("close", FailureCode::TlsEof, Path),
        ("close-after-client-hello", FailureCode::TlsEof, Path),
        ("garbage", FailureCode::TlsHandshake, Target),
        ("handshake-failure", FailureCode::TlsHandshake, Target),
    ] {
        let attempt = attempt(&service(&format!("admission = \"{admission}\"")));
        assert_tls_fails(&attempt, code, by);
        if admission == "handshake-failure" {
            let failure = attempt.failure.unwrap();
            assert!(failure.detail.as_str().ends_with("handshake_failure"), "{failure}");
        }
    }
}

#[test]
fn a_version_that_the_target_does_not_speak_ends_the_handshake() {
    let world = service("tls = [\"1.2\"]");
    let attempt = attempt_with(&world, |spec| spec.tls.versions = Some(TlsVersions::Only13));
    assert_tls_fails(&attempt, FailureCode::TlsHandshake, Attribution::Target);
}

#[test]
fn protocols_without_overlap_end_the_handshake() {
    let attempt = attempt_with(&service(""), |spec| spec.tls.alpn = vec!["imap".into()]);
    assert_tls_fails(&attempt, FailureCode::TlsHandshake, Attribution::Target);
}

#[test]
fn names_are_interfered_with_on_the_path() {
    for (action, code) in [("reset", FailureCode::TlsReset), ("drop", FailureCode::TlsTimeout)] {
        let rule = format!(
            "interference = [{{ protocol = \"tcp\", names = [\"shop.test\"], action = \"{action}\" }}]"
        );
        let world = stage::world(HTTPS, &rule);
        assert_tls_fails(&attempt(&world), code, Attribution::Path);
        // The address is free, it is the name that is not.
        assert!(attempt_with(&world, |spec| spec.tls.server_name = None).is_ok());
    }
}

#[test]
fn handshakes_last_as_long_as_their_packets() {
    let world = service("");
    let surroundings = stage::surroundings(&world);
    let spec = probe(spec(&world));
    let attempts = stage::at(&world, "market", || async {
        let probe = Probe::new(spec, surroundings).unwrap();
        let mut attempts = Vec::new();
        for _ in 0..60 {
            attempts.push(probe.attempt(Instant::now()).await);
        }
        // The last packets are in the log once they have arrived.
        tokio::time::sleep(stage::RTT).await;
        attempts
    });
    let truth = world.truth().unwrap();
    let mut over = stage::OverTruth::default();
    for (attempt, flow) in attempts.iter().zip(stage::flows(&truth, 443)) {
        let ours = stage::data_segments(&truth, flow, true);
        // From our ClientHello to the segment with our Finished.
        over.add(stage::took(attempt, Phase::Tls), ours[1].0.since(ours[0].0));
    }
    over.judge("tls, to our Finished", 60);
}

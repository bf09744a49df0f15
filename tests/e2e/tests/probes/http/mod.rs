//! HTTP over TCP and TLS.

mod faults;
mod goaway;
mod kept;
mod times;

use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, Expectations, HttpSpec, HttpVersion};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::Attribution::Target;
use vantage_wire::FailureCode as Code;
use vantage_wire::Phase::{Connect, Request, Tls, Total, Transfer};
use vantage_world::World;

use crate::stage;

const SITE: &str = r#"
    [[host.service]]
    kind = "https"
    [[host.service]]
    kind = "http"
    [[host.service]]
    kind = "tcp"
    port = 9
    behaviour = "silence"
"#;
const HTTPS: &str = "https://192.0.2.2";
const HTTP: &str = "http://192.0.2.2";

fn spec(world: &World, url: &str) -> HttpSpec {
    let mut spec = HttpSpec::get(url.parse().unwrap());
    spec.tls.ca_pem = Some(world.ca_pem().into());
    spec
}

fn probe(spec: HttpSpec) -> ProbeSpec {
    ProbeSpec { timeout: Duration::from_millis(500), ..stage::spec(Action::Http(spec)) }
}

fn attempt(world: &World, url: &str, change: impl FnOnce(&mut HttpSpec)) -> Attempt {
    let mut spec = spec(world, url);
    change(&mut spec);
    stage::attempt(world, probe(spec))
}

/// Carries out attempts of one probe after one another, with something done before each.
fn attempts(
    world: &World,
    spec: HttpSpec,
    before: &(dyn Fn(usize) + Sync),
    count: usize,
) -> Vec<Attempt> {
    let surroundings = stage::surroundings(world);
    stage::at(world, "market", || async {
        let probe = Probe::new(probe(spec), surroundings).unwrap();
        let mut attempts = Vec::new();
        for number in 0..count {
            before(number);
            // The run-time hears of what has happened on a kept connection.
            tokio::time::sleep(2 * stage::RTT).await;
            attempts.push(probe.attempt(Instant::now()).await);
        }
        attempts
    })
}

#[test]
fn a_success_has_all_phases_and_says_what_was_spoken() {
    let world = stage::world(SITE, "");
    for (url, version, spoken, phases) in [
        (
            "https://192.0.2.2/ok",
            HttpVersion::Best,
            "HTTP/2.0",
            &[Connect, Tls, Request, Transfer, Total][..],
        ),
        (
            "https://[2001:db8::2]/ok",
            HttpVersion::Http1,
            "HTTP/1.1",
            &[Connect, Tls, Request, Transfer, Total],
        ),
        (
            "http://192.0.2.2/ok",
            HttpVersion::Best,
            "HTTP/1.1",
            &[Connect, Request, Transfer, Total],
        ),
        (
            "http://192.0.2.2/ok",
            HttpVersion::Http2,
            "HTTP/2.0",
            &[Connect, Request, Transfer, Total],
        ),
    ] {
        let attempt = attempt(&world, url, |spec| spec.version = version);
        assert!(attempt.is_ok(), "{attempt:?}");
        stage::assert_phases(&attempt, phases);
        assert!(stage::took(&attempt, Request) >= stage::RTT);
        let facts = attempt.facts.http.as_ref().unwrap();
        assert_eq!(facts.version.as_deref(), Some(spoken));
        assert_eq!((facts.status, facts.body_bytes, facts.body_cut), (Some(200), 3, false));
        assert!(!attempt.warm);
    }
}

#[test]
fn a_body_that_drips_takes_its_time() {
    let world = stage::world(SITE, "");
    let attempt = attempt(&world, &format!("{HTTPS}/drip/10/10"), |_| {});
    assert!(attempt.is_ok(), "{attempt:?}");
    assert!(stage::took(&attempt, Transfer) >= Duration::from_millis(100));
}

#[test]
fn redirects_are_followed_so_far_and_phases_add_up() {
    let world = stage::world(SITE, "");
    let redirected = |follow| {
        attempt(&world, &format!("{HTTPS}/redirect/3"), |spec| spec.follow_redirects = follow)
    };
    let followed = redirected(3);
    assert!(followed.is_ok(), "{followed:?}");
    assert_eq!(followed.facts.http.as_ref().unwrap().redirects, 3);
    for phase in [Connect, Tls, Request] {
        assert!(stage::took(&followed, phase) >= 4 * stage::RTT, "{followed:?}");
    }
    stage::assert_fails(&redirected(2), Code::HttpRedirect, Request, Target);
    let unfollowed = redirected(0);
    assert!(unfollowed.is_ok(), "{unfollowed:?}");
    assert_eq!(unfollowed.facts.http.unwrap().status, Some(302));
}

#[test]
fn expectations_are_judged() {
    let world = stage::world(SITE, "");
    let expecting = |path: &str, expect: Expectations| {
        attempt(&world, &format!("{HTTPS}{path}"), |spec| spec.expect = expect)
    };
    let statuses =
        |statuses: &[u16]| Expectations { statuses: statuses.into(), ..Expectations::default() };
    let contains =
        |text: &str| Expectations { body_contains: Some(text.into()), ..Expectations::default() };
    let matches =
        |text: &str| Expectations { body_matches: Some(text.into()), ..Expectations::default() };
    for (path, expect) in [
        ("/status/404", statuses(&[404])),
        ("/retry-after/1", statuses(&[200, 429])),
        ("/ok", contains("ok")),
        ("/ok", matches("^o.$|^ok\\s$")),
        ("/echo-headers", contains("user-agent: vantage-agent/")),
    ] {
        let attempt = expecting(path, expect);
        assert!(attempt.is_ok(), "{attempt:?}");
    }
    for (path, expect, code, phase) in [
        ("/ok", contains("sold out"), Code::HttpAssert, Transfer),
        ("/ok", matches("^[0-9]+$"), Code::HttpAssert, Transfer),
        ("/ok", statuses(&[204]), Code::HttpAssert, Transfer),
        ("/redirect/1", statuses(&[200]), Code::HttpRedirect, Request),
        ("/status/503", statuses(&[200]), Code::Http5xx, Request),
    ] {
        stage::assert_fails(&expecting(path, expect), code, phase, Target);
    }
}

#[test]
fn a_body_is_read_up_to_its_limit() {
    let world = stage::world(SITE, "");
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        for (limit, read, cut) in [(1_000, 1_000, true), (100_000, 100_000, false), (0, 0, true)] {
            let attempt = attempt(&world, &format!("{HTTPS}/bytes/100000"), |spec| {
                spec.version = version;
                spec.body_limit_bytes = limit;
            });
            assert!(attempt.is_ok(), "{attempt:?}");
            let facts = attempt.facts.http.unwrap();
            assert_eq!((facts.body_bytes, facts.body_cut), (read, cut));
        }
    }
}

#[test]
fn what_makes_no_request_is_refused_beforehand() {
    let world = stage::world("", "");
    for (url, change) in [
        ("ftp://192.0.2.2/", (|_| {}) as fn(&mut HttpSpec)),
        ("http://192.0.2.2:0/", |_| {}),
        ("http://a.test/", |spec| spec.follow_redirects = 21),
        ("http://a.test/", |spec| (spec.reuse, spec.follow_redirects) = (true, 1)),
        ("http://a.test/", |spec| spec.headers = vec![("content-length".into(), "1".into())]),
        ("http://a.test/", |spec| spec.expect.body_matches = Some("[".into())),
        ("https://a.test/", |spec| spec.tls.ca_pem = Some("nonsense".into())),
        ("https://a.test/", |spec| spec.tls.server_name = Some("no name".into())),
    ] {
        let mut spec = spec(&world, url);
        change(&mut spec);
        assert!(Probe::new(probe(spec), stage::surroundings(&world)).is_err(), "{url}");
    }
}

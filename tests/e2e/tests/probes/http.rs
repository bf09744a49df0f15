//! HTTP over TCP and TLS.

use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, Expectations, HttpSpec, HttpVersion};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::Attribution::{Config, Path, Target};
use vantage_wire::FailureCode as Code;
use vantage_wire::Phase::{Connect, Request, Tls, Total, Transfer};
use vantage_wire::{Attribution, Phase};
use vantage_world::World;
use vantage_world::clock::Nanos;
use vantage_world::services::Behaviour;

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

/// What every broken answer is, on any version of HTTP, and which phases were completed after the
/// handshakes.
const FAULTS: [(&str, Code, Phase, Attribution, &[Phase]); 12] = [
    ("/status/404", Code::Http4xx, Request, Target, &[Request, Transfer]),
    ("/status/503", Code::Http5xx, Request, Target, &[Request, Transfer]),
    ("/retry-after/7", Code::Http429, Request, Config, &[Request, Transfer]),
    ("/garbage", Code::HttpProtocol, Request, Target, &[]),
    ("/close", Code::HttpEof, Request, Target, &[]),
    ("/reset-early", Code::HttpReset, Request, Path, &[]),
    ("/reset", Code::HttpReset, Transfer, Path, &[Request]),
    ("/truncate", Code::HttpTruncated, Transfer, Path, &[Request]),
    ("/stall", Code::HttpFirstByteTimeout, Request, Path, &[]),
    ("/stall-body", Code::HttpBodyTimeout, Transfer, Path, &[Request]),
    ("/drip/100/20", Code::HttpBodyTimeout, Transfer, Path, &[Request]),
    ("/redirect-loop", Code::HttpRedirect, Request, Target, &[Request, Transfer]),
];

fn assert_faults(base: &str, version: HttpVersion, handshakes: &[Phase]) {
    let world = stage::world(SITE, "");
    for (path, code, phase, by, completed) in FAULTS {
        let attempt = attempt(&world, &format!("{base}{path}"), |spec| {
            spec.version = version;
            spec.follow_redirects = 3;
        });
        println!("{base}{path} {version:?}: {}", attempt.failure.as_ref().unwrap());
        stage::assert_fails(&attempt, code, phase, by);
        stage::assert_phases(&attempt, &[handshakes, completed].concat());
        if code == Code::Http429 {
            let facts = attempt.facts.http.unwrap();
            assert_eq!(facts.retry_after, Some(Duration::from_secs(7)));
        }
    }
}

#[test]
fn faults_over_tls_and_http1() {
    assert_faults(HTTPS, HttpVersion::Http1, &[Connect, Tls]);
}

#[test]
fn faults_over_tls_and_http2() {
    assert_faults(HTTPS, HttpVersion::Best, &[Connect, Tls]);
}

#[test]
fn faults_over_plain_http1() {
    assert_faults(HTTP, HttpVersion::Best, &[Connect]);
}

#[test]
fn faults_over_plain_http2() {
    assert_faults(HTTP, HttpVersion::Http2, &[Connect]);
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
fn a_request_that_nobody_takes_cannot_be_sent() {
    let world = stage::world(SITE, "");
    // Over TCP, the window is full; over HTTP/2, the stream's is.
    for (url, version) in [
        ("http://192.0.2.2:9/", HttpVersion::Http1),
        ("http://192.0.2.2:9/", HttpVersion::Http2),
        ("https://192.0.2.2/stall", HttpVersion::Http2),
    ] {
        let attempt = attempt(&world, url, |spec| {
            spec.version = version;
            spec.method = "POST".parse().unwrap();
            spec.body = vec![0; 16 << 20].into();
        });
        stage::assert_fails(&attempt, Code::HttpSendTimeout, Request, Path);
    }
}

#[test]
fn a_kept_connection_is_measured_by_itself() {
    let world = stage::world(SITE, "");
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut spec = spec(&world, &format!("{HTTPS}/ok"));
        (spec.reuse, spec.version) = (true, version);
        let before = world.service("site", 0).unwrap().connections();
        let attempts = attempts(&world, spec, &|_| {}, 4);
        assert!(attempts.iter().all(Attempt::is_ok), "{attempts:?}");
        stage::assert_phases(&attempts[0], &[Connect, Tls, Request, Transfer, Total]);
        for warm in &attempts[1..] {
            assert!(warm.warm && warm.address.is_some() && warm.facts.tls.is_some());
            stage::assert_phases(warm, &[Request, Transfer, Total]);
            assert!(stage::took(warm, Request) >= stage::RTT);
        }
        assert_eq!(world.service("site", 0).unwrap().connections() - before, 1);
    }
}

#[test]
fn a_kept_connection_that_the_path_cut_is_made_anew() {
    let rule = "interference = [{ protocol = \"tcp\", action = \"kill\", after-ms = 150 }]";
    let world = stage::world(SITE, rule);
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        let mut spec = spec(&world, &format!("{HTTPS}/ok"));
        (spec.reuse, spec.version) = (true, version);
        let attempts =
            attempts(&world, spec, &|_| std::thread::sleep(Duration::from_millis(200)), 3);
        assert!(attempts.iter().all(|attempt| attempt.is_ok() && !attempt.warm), "{attempts:?}");
    }
}

#[test]
fn a_kept_connection_that_is_closed_under_a_request_is_made_anew() {
    let world = stage::world(SITE, "");
    let service = world.service("site", 0).unwrap();
    for version in [HttpVersion::Http1, HttpVersion::Http2] {
        for end in [Behaviour::Close, Behaviour::ResetEarly] {
            let mut spec = spec(&world, &format!("{HTTPS}/"));
            (spec.reuse, spec.version) = (true, version);
            let before = |number| {
                let behaviour = if number == 1 { end.clone() } else { Behaviour::Ok };
                service.set_behaviour(behaviour).unwrap();
            };
            let attempts = attempts(&world, spec, &before, 4);
            // The second asked twice, and was left without an answer twice.
            let code = if end == Behaviour::Close { Code::HttpEof } else { Code::HttpReset };
            let by = if end == Behaviour::Close { Target } else { Path };
            stage::assert_fails(&attempts[1], code, Request, by);
            stage::assert_phases(&attempts[1], &[Connect, Tls]);
            assert!(attempts[2].is_ok() && !attempts[2].warm, "{attempts:?}");
            assert!(attempts[3].is_ok() && attempts[3].warm, "{attempts:?}");
        }
    }
}

/// The segment in which this byte came, counted from the last one as 1. Segments may have been
/// joined on their way, so their number tells nothing.
fn containing(segments: &[(Nanos, u64)], from_end: u64) -> (Nanos, u64) {
    let mut left = from_end;
    let from_last = segments.iter().rev();
    *from_last
        .take_while(|(_, bytes)| {
            let goes_on = left > 0;
            left = left.saturating_sub(*bytes);
            goes_on
        })
        .last()
        .unwrap()
}

#[test]
fn phases_last_as_long_as_their_packets() {
    let world = stage::world(SITE, "");
    // Over HTTP/2 the client's first segment is a preface, and each byte of the body has a frame.
    for (version, what, preface, body_bytes) in
        [(HttpVersion::Http1, "HTTP/1.1", 0, 3), (HttpVersion::Http2, "HTTP/2", 1, 30)]
    {
        let spec = spec(&world, &format!("{HTTP}/drip/3/10"));
        let attempts = attempts(&world, HttpSpec { version, ..spec }, &|_| {}, 50);
        let truth = world.take_truth().unwrap();
        let mut request = stage::OverTruth::default();
        let mut transfer = stage::OverTruth::default();
        let mut whole = stage::OverTruth::default();
        for (attempt, flow) in attempts.iter().zip(stage::flows(&truth, 80)) {
            let (asked, _) = stage::data_segments(&truth, flow, true)[preface];
            let answer = stage::data_segments(&truth, flow, false);
            let (end, _) = answer[answer.len() - 1];
            let (head, _) = containing(&answer, body_bytes + 1);
            let (first, last) = (head.since(asked), end.since(asked));
            let to_first = stage::took(attempt, Request);
            let to_last = stage::took(attempt, Transfer);
            request.add(to_first, first);
            whole.add(to_first + to_last, last);
            transfer.add_between(to_last, end.since(head));
        }
        request.print(&format!("{what} request"), 50);
        transfer.judge(&format!("{what} transfer"), 50);
        whole.print(&format!("{what} request and transfer"), 50);
    }
}

#[test]
fn a_version_that_was_not_agreed_on_is_not_spoken() {
    for (alpn, code, phase) in
        [("[]", Code::HttpProtocol, Request), ("[\"http/1.1\"]", Code::TlsHandshake, Tls)]
    {
        let site = format!("[[host.service]]\nkind = \"https\"\nalpn = {alpn}");
        let world = stage::world(&site, "");
        let attempt = attempt(&world, HTTPS, |spec| spec.version = HttpVersion::Http2);
        stage::assert_fails(&attempt, code, phase, Target);
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

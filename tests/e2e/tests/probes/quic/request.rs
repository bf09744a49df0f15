//! HTTP/3 requests, and how they fail.

use std::time::Duration;

use tokio::time::Instant;
use vantage_agent::probe::Probe;
use vantage_agent::spec::{Action, HttpSpec};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::{Attribution, FailureCode, Phase};
use vantage_world::{World, WorldConfig};

use super::{BOTH, H3, SITE, spec};
use crate::stage;

fn attempt(world: &World, path: &str) -> Attempt {
    stage::attempt(world, spec(world, SITE, Some(path)))
}

fn changed(spec: ProbeSpec, change: impl FnOnce(&mut HttpSpec)) -> ProbeSpec {
    let mut spec = spec;
    let Action::Quic(quic) = &mut spec.action else { unreachable!() };
    change(quic.request.as_mut().unwrap());
    spec
}

#[test]
fn an_answer_is_timed_and_described() {
    let world = stage::world(H3, "");
    for host in BOTH {
        let attempt = stage::attempt(&world, spec(&world, host, Some("/drip/3/20")));
        assert!(attempt.is_ok(), "{attempt:?}");
        stage::assert_phases(
            &attempt,
            &[Phase::Connect, Phase::Request, Phase::Transfer, Phase::Total],
        );
        assert!(stage::took(&attempt, Phase::Request) >= stage::RTT);
        // The last of three bytes leaves 60 ms after the headers; the packet of headers and that
        // of the last byte take the same path.
        assert!(stage::took(&attempt, Phase::Transfer) >= Duration::from_millis(55), "{attempt:?}");
        let http = attempt.facts.http.unwrap();
        assert_eq!((http.status, http.body_bytes), (Some(200), 3));
        assert_eq!(http.version.as_deref(), Some("HTTP/3.0"));
    }
}

#[test]
fn each_way_to_fail_has_its_code() {
    use Attribution::{Config, Path, Target};
    use FailureCode as Code;
    use Phase::{Request, Transfer};
    let world = stage::world(H3, "");
    for (path, code, phase, by) in [
        ("/status/404", Code::Http4xx, Request, Target),
        ("/status/503", Code::Http5xx, Request, Target),
        ("/retry-after/7", Code::Http429, Request, Config),
        ("/stall", Code::HttpFirstByteTimeout, Request, Path),
        ("/stall-body", Code::HttpBodyTimeout, Transfer, Path),
        ("/drip/10/500", Code::HttpBodyTimeout, Transfer, Path),
        ("/truncate", Code::HttpTruncated, Transfer, Path),
        ("/reset-early", Code::HttpReset, Request, Path),
        ("/close", Code::HttpEof, Request, Target),
        ("/garbage", Code::HttpProtocol, Request, Target),
    ] {
        let attempt = attempt(&world, path);
        stage::assert_fails(&attempt, code, phase, by);
        let judged = matches!(code, Code::Http4xx | Code::Http5xx | Code::Http429);
        let completed: &[Phase] = match phase {
            Request if judged => &[Phase::Connect, Request, Transfer],
            Request => &[Phase::Connect],
            _ => &[Phase::Connect, Request],
        };
        stage::assert_phases(&attempt, completed);
        let tls = attempt.facts.tls.unwrap();
        assert_eq!(tls.alpn.as_deref(), Some("h3"), "the handshake is known: {path}");
    }
}

#[test]
fn a_reset_is_one_wherever_it_comes() {
    let world = stage::world(H3, "");
    let attempt = attempt(&world, "/reset");
    let failure = attempt.failure.as_ref().unwrap();
    assert_eq!(failure.code, FailureCode::HttpReset, "{attempt:?}");
    assert!(matches!(failure.phase, Phase::Request | Phase::Transfer));
}

#[test]
fn a_target_is_left_alone_for_as_long_as_it_asks() {
    let world = stage::world(H3, "");
    let attempt = attempt(&world, "/retry-after/7");
    let http = attempt.facts.http.unwrap();
    assert_eq!((http.status, http.retry_after), (Some(429), Some(Duration::from_secs(7))));
}

#[test]
fn a_phase_has_its_own_limit() {
    let world = stage::world(H3, "");
    let mut spec = spec(&world, SITE, Some("/stall"));
    spec.phase_timeouts.request = Some(Duration::from_millis(100));
    let attempt = stage::attempt(&world, spec);
    let path = Attribution::Path;
    stage::assert_fails(&attempt, FailureCode::HttpFirstByteTimeout, Phase::Request, path);
    assert!(attempt.failure.unwrap().detail.as_str().contains("100ms"));
}

#[test]
fn a_long_body_is_read_to_the_limit() {
    let world = stage::world(H3, "");
    for (length, limit, read) in [(100_000, 1 << 20, 100_000), (65_536, 65_536, 65_536)] {
        let spec = spec(&world, SITE, Some(&format!("/bytes/{length}")));
        let attempt = stage::attempt(&world, changed(spec, |get| get.body_limit_bytes = limit));
        assert!(attempt.is_ok(), "{attempt:?}");
        assert_eq!(attempt.facts.http.unwrap().body_bytes, read);
    }
    let spec = spec(&world, SITE, Some("/bytes/8000000"));
    let attempt = stage::attempt(&world, changed(spec, |get| get.body_limit_bytes = 50_000));
    assert!(attempt.is_ok(), "{attempt:?}");
    let http = attempt.facts.http.unwrap();
    assert_eq!((http.body_bytes, http.body_cut), (50_000, true));
}

#[test]
fn a_head_has_a_length_but_no_body() {
    let world = stage::world(H3, "");
    let spec = spec(&world, SITE, Some("/bytes/0"));
    let attempt = stage::attempt(&world, changed(spec, |get| get.method = "HEAD".parse().unwrap()));
    assert!(attempt.is_ok(), "{attempt:?}");
}

#[test]
fn a_request_carries_headers_and_body() {
    let world = stage::world(H3, "");
    let post = |wanted: &str| {
        let spec = spec(&world, SITE, Some("/echo-headers"));
        let spec = changed(spec, |post| {
            post.method = "POST".parse().unwrap();
            post.headers = vec![("X-Asked-By".to_owned(), "market".to_owned())];
            post.body = b"hello".to_vec().into();
            post.expect.body_contains = Some(wanted.to_owned());
        });
        stage::attempt(&world, spec)
    };
    for wanted in ["vantage-agent/", "x-asked-by: market", "content-length: 5"] {
        assert!(post(wanted).is_ok(), "{wanted}: {:?}", post(wanted));
    }
    let (code, by) = (FailureCode::HttpAssert, Attribution::Target);
    stage::assert_fails(&post("nonsense"), code, Phase::Transfer, by);
}

#[test]
fn a_request_that_does_not_get_away_times_out_as_such() {
    let slow = r#"interference = [{ protocol = "udp", action = "throttle", rate-kbps = 500 }]"#;
    let world = stage::world(H3, slow);
    let spec = spec(&world, SITE, Some("/ok"));
    let attempt = stage::attempt(
        &world,
        changed(spec, |post| {
            post.method = "POST".parse().unwrap();
            post.body = vec![0; 4 << 20].into();
        }),
    );
    let path = Attribution::Path;
    stage::assert_fails(&attempt, FailureCode::HttpSendTimeout, Phase::Request, path);
}

#[test]
fn quinns_tasks_end_with_the_attempt() {
    let world = stage::world(H3, "");
    for path in ["/ok", "/stall", "/close"] {
        let surroundings = stage::surroundings(&world);
        let mut spec = spec(&world, SITE, Some(path));
        spec.timeout = Duration::from_millis(200);
        stage::at(&world, "market", || async {
            let probe = Probe::new(spec, surroundings).unwrap();
            probe.attempt(Instant::now()).await;
            // The runtime buries what was ended when it comes round to it.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
            assert_eq!(alive, 0, "{path}");
        });
    }
}

#[test]
fn a_target_that_vanishes_resets_the_connection() {
    let toml = |rule: &str| stage::text(H3, &format!("interference = [{rule}]"));
    let world = World::start_toml(&toml("")).unwrap();
    // Acknowledgements of the drops go out while the body comes.
    let mut spec = spec(&world, SITE, Some("/drip/1000/20"));
    spec.timeout = Duration::from_secs(20);
    let surroundings = stage::surroundings(&world);
    let market = world.host("market").unwrap();
    let attempting = market
        .spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let probe = Probe::new(spec, surroundings).unwrap();
            runtime.block_on(probe.attempt(Instant::now()))
        })
        .unwrap();
    while world.service("site", 0).unwrap().requests() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // The headers are on their way; let them arrive.
    std::thread::sleep(5 * stage::RTT);
    let reject = r#"{ protocol = "udp", action = "reject", code = "port" }"#;
    world.change(&WorldConfig::from_toml(&toml(reject)).unwrap()).unwrap();
    let attempt = attempting.join().unwrap().unwrap();
    stage::assert_fails(&attempt, FailureCode::QuicReset, Phase::Transfer, Attribution::Path);
}

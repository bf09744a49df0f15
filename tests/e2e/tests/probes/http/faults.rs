//! Every way in which an answer can fail.

use std::time::Duration;

use vantage_agent::spec::HttpVersion;
use vantage_wire::Attribution::{Config, Path, Target};
use vantage_wire::FailureCode as Code;
use vantage_wire::Phase::{Connect, Request, Tls, Transfer};
use vantage_wire::{Attribution, Phase};

use super::{HTTP, HTTPS, SITE, attempt};
use crate::stage;

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
    // The site's HTTP/2 can cut a body short only by resetting its stream, which says more.
    let by_stream = version == HttpVersion::Http2
        || handshakes == [Connect, Tls] && version == HttpVersion::Best;
    for (path, code, phase, by, completed) in FAULTS {
        let reset = by_stream && code == Code::HttpTruncated;
        let code = if reset { Code::HttpReset } else { code };
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

//! What a running agent tells Prometheus.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use nix::sys::signal::Signal;
use vantage_agent::metrics::names;

use crate::agent::{Agent, Place};
use crate::aggregator::{Aggregator, Fault};
use crate::{TOKEN, assignment, served};

/// An address of this machine that was free a moment ago.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// The head and the body of an answer; `None` where nobody listens.
fn ask(address: SocketAddr, path: &str) -> Option<(String, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: agent\r\nconnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.to_owned(), body.to_owned()))
}

fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Looks until every one of these is at least so much.
fn until(address: SocketAddr, wanted: &[(&str, f64)]) -> String {
    for _ in 0..300 {
        if let Some((_, text)) = ask(address, "/metrics")
            && wanted.iter().all(|(name, least)| sample(&text, name) >= Some(*least))
        {
            return text;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("not within 30 s: {wanted:?} in\n{:?}", ask(address, "/metrics"));
}

#[test]
fn attempts_deliveries_and_the_assignment_are_told() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("one", open, closed));
    // Its enrolment, and its first report.
    aggregator.then([Fault::None, Fault::Status(503, "store-busy")]);
    let (place, address) = (Place::new(), free());
    let mut agent = Agent::scraped(&place, &aggregator.url(), TOKEN, &address.to_string());
    let text = until(
        address,
        &[
            (r#"vantage_agent_attempts_total{kind="tcp",outcome="ok",code="none"}"#, 5.0),
            (
                r#"vantage_agent_attempts_total{kind="tcp",outcome="target",code="tcp_refused"}"#,
                5.0,
            ),
            (
                r#"vantage_agent_attempts_total{kind="tls",outcome="config",code="config_invalid"}"#,
                5.0,
            ),
            (r#"vantage_agent_deliveries_total{outcome="stored"}"#, 1.0),
            (r#"vantage_agent_deliveries_total{outcome="busy"}"#, 1.0),
            (r#"vantage_agent_missed_slots_total{kind="tcp"}"#, 0.0),
            (r#"vantage_agent_assignment_info{version="one"}"#, 1.0),
            ("vantage_agent_assignment_age_seconds", 0.1),
            (
                r#"vantage_agent_phase_duration_seconds_count{target="here",probe="open",family="any",phase="total"}"#,
                5.0,
            ),
            ("vantage_agent_clock_bound_seconds", 0.0),
            ("vantage_agent_spool_windows", 0.0),
            ("process_open_fds", 3.0),
        ],
    );
    assert!(sample(&text, "vantage_agent_in_flight_attempts").is_some(), "{text}");
    let (head, _) = ask(address, "/").unwrap();
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert_eq!(ask(address, "/metrics"), None);
}

#[test]
fn an_address_that_is_taken_is_a_mistake_of_the_operator() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("one", open, closed));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = Place::new();
    let mut agent = Agent::scraped(&place, &aggregator.url(), TOKEN, &address);
    assert_eq!(agent.wait(), Some(2));
    assert!(agent.log().contains(&format!("metrics_listen {address}")), "{}", agent.log());
}

#[test]
fn metrics_md_has_every_metric_and_no_other() {
    let page = include_str!("../../METRICS.md");
    for metric in names::all() {
        let row = metric.documentation();
        assert!(page.contains(&row), "METRICS.md lacks\n{row}");
    }
    let known: BTreeSet<_> = names::all().map(|metric| metric.name).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<_> = rows.collect();
    assert_eq!(documented.len(), known.len());
    assert!(documented.iter().all(|name| known.contains(name)), "{documented:?}");
}

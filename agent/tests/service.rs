//! `vantage-agent run` against an aggregator that loses answers, is busy, slow, broken or gone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

#[path = "service/agent.rs"]
mod agent;
#[path = "service/aggregator.rs"]
mod aggregator;
#[path = "service/metrics.rs"]
mod metrics;

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::sync::mpsc;
use std::time::Duration;

use agent::{Agent, Place};
use aggregator::{Aggregator, Fault};
use nix::sys::signal::Signal;

const TOKEN: &str = "sesame-4f1c9";

/// A target on this machine that accepts connections, and none that does.
fn targets() -> (TcpListener, u16, u16) {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = open.local_addr().unwrap().port();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    (open, port, closed)
}

/// The same, where the connections are taken at once.
fn served() -> (u16, u16) {
    let (listener, open, closed) = targets();
    // Ends with the tests.
    std::thread::spawn(move || while listener.accept().is_ok() {});
    (open, closed)
}

/// Probes the open and the closed port, in windows of a second.
fn assignment(version: &str, open: u16, closed: u16) -> String {
    let probe = |id: &str, port: u16| {
        format!(
            r#"{{"id":"{id}","interval_ms":100,"timeout_ms":200,"family":"any",
                "action":{{"tcp":{{"host":"127.0.0.1","port":{port}}}}}}}"#
        )
    };
    let impossible = r#"{"id":"odd","interval_ms":100,"timeout_ms":200,"family":"any",
        "action":{"tls":{"host":"127.0.0.1","port":1,"tls":{"version":"9"}}}}"#;
    format!(
        r#"{{"version":"{version}","vantage":"hk-1","market":"hk","paused":false,"window_s":1,
            "targets":[{{"id":"here","allow_private":true,"probes":[{},{},{impossible}]}}]}}"#,
        probe("open", open),
        probe("closed", closed),
    )
}

/// What every delivery must come to: each sequence number once and none left out, attempts of the
/// kinds that were assigned, and, series by series, as many as there were slots.
fn check(aggregator: &Aggregator, agent: &Agent) {
    let reports = aggregator.reports();
    let mut last = std::collections::BTreeMap::new();
    for report in &reports {
        let last = last.entry(report.boot).or_insert(0_u64);
        assert_eq!(report.sequence.get(), *last + 1, "a gap");
        *last += 1;
        assert_eq!(report.software.as_str(), concat!("vantage-agent ", env!("CARGO_PKG_VERSION")));
    }
    for (series, count) in aggregator.totals() {
        let (probe, failures) = series;
        match probe.as_str() {
            "open" => {
                assert!(failures.iter().all(|code| code.starts_with("agent_")), "{failures:?}");
            }
            "closed" => assert!(failures.contains("tcp_refused"), "{failures:?}"),
            "odd" => assert_eq!(failures, BTreeSet::from(["config_invalid".to_owned()])),
            other => panic!("a probe that nobody assigned: {other}"),
        }
        assert!(count > 0);
    }
    let log = agent.log();
    assert!(!log.contains(TOKEN), "the token is in the log");
    for secret in agent.place.secrets() {
        assert!(!log.contains(&secret), "the key is in the log");
    }
}

#[test]
fn every_attempt_arrives_once_whatever_becomes_of_requests_and_answers() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    aggregator.then([
        // The enrolment.
        Fault::None,
        Fault::LoseAnswer,
        Fault::None,
        Fault::CutBefore,
        Fault::Status(429, "over-capacity"),
        Fault::Status(500, ""),
        Fault::LoseAnswer,
        Fault::Page,
        Fault::Slow,
        Fault::Status(503, "draining"),
    ]);
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("all faults are over", |state| state.faults.is_empty());
    aggregator.wait_until("a few reports more", |state| state.accepted >= 6);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0), "{}", agent.log());
    check(&aggregator, &agent);
    assert!(aggregator.duplicates() >= 2, "the lost answers had it sent again");
    assert_eq!(place.waiting(), 0, "all was delivered before the end");
    // Both probes of the same interval had as many slots, but for the first and the last.
    let of = |name: &str| {
        let totals = aggregator.totals();
        totals.into_iter().filter(|((probe, _), _)| probe == name).map(|(_, n)| n).sum::<u64>()
    };
    assert!(of("open").abs_diff(of("closed")) <= 2, "{} and {}", of("open"), of("closed"));
    assert!(of("open").abs_diff(of("odd")) <= 2, "{} and {}", of("open"), of("odd"));
}

#[test]
fn killed_again_and_again_it_delivers_what_it_had_spooled_and_nothing_twice() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut logs = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    for round in 1..=6_u64 {
        aggregator.then([Fault::LoseAnswer, Fault::None]);
        aggregator.wait_until("some reports", |state| state.boots.len() as u64 >= round);
        logs.stop(Signal::SIGKILL);
        logs = Agent::start(&place, &aggregator.url(), None);
    }
    aggregator.wait_until("the last life", |state| state.boots.len() >= 7);
    assert_eq!(logs.stop(Signal::SIGINT), Some(0), "{}", logs.log());
    check(&aggregator, &logs);
    aggregator.no_window_counts_more_than_its_slots(10);
    assert_eq!(place.waiting(), 0);
}

#[test]
fn enrolment_survives_a_lost_answer_and_the_token_is_used_once() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    aggregator.then([Fault::LoseAnswer]);
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert_eq!(aggregator.enrolments(), 2);
    // With the same token it does not enrol again.
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("another life", |state| state.boots.len() >= 2);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert_eq!(aggregator.enrolments(), 2);
    check(&aggregator, &agent);
}

#[test]
fn a_token_that_is_not_accepted_ends_the_agent_with_the_reason() {
    let aggregator = Aggregator::start("another", "{}");
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    assert_eq!(agent.wait(), Some(2));
    assert!(agent.log().contains("unknown-token"), "{}", agent.log());
    assert!(!agent.log().contains(TOKEN));
    let mut agent = Agent::start(&place, &aggregator.url(), None);
    assert_eq!(agent.wait(), Some(2));
    assert!(agent.log().contains("not enrolled"), "{}", agent.log());
}

#[test]
fn the_last_assignment_is_gone_on_with_when_the_aggregator_is_away() {
    let (listener, open, closed) = targets();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    let before = aggregator.attempts();

    // It probes on, though nobody answers.
    let mut agent = Agent::start(&place, "http://127.0.0.1:1", None);
    listener.set_nonblocking(true).unwrap();
    while listener.accept().is_ok() {}
    listener.set_nonblocking(false).unwrap();
    for _ in 0..25 {
        listener.accept().unwrap();
    }
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert!(agent.log().contains("stay in the spool"), "{}", agent.log());
    assert!(place.waiting() > 0);

    // And delivers later what it measured meanwhile.
    let mut agent = Agent::start(&place, &aggregator.url(), None);
    aggregator.wait_until("two boots more", |state| state.boots.len() >= 2);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert!(aggregator.attempts() >= before + 25);
    assert_eq!(place.waiting(), 0);
    check(&aggregator, &agent);
}

#[test]
fn an_agent_that_is_not_known_any_more_keeps_what_it_measures() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    aggregator.revoke(true);
    aggregator.wait_until("a refusal", |state| state.refused >= 1);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert!(place.waiting() > 0);
    let told = agent.log().matches("enrol the agent anew").count();
    assert_eq!(told, 1, "{}", agent.log());
    aggregator.revoke(false);
    let mut agent = Agent::start(&place, &aggregator.url(), None);
    aggregator.wait_until("another life", |state| state.boots.len() >= 2);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert_eq!(place.waiting(), 0);
    check(&aggregator, &agent);
}

#[test]
fn a_report_that_is_refused_for_good_makes_way_for_the_next() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    aggregator.then([Fault::Status(422, "window-too-old")]);
    aggregator.wait_until("more reports", |state| state.faults.is_empty() && state.accepted >= 4);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    assert!(agent.log().contains("window-too-old"), "{}", agent.log());
    assert_eq!((place.waiting(), place.files("refused")), (0, 1));
}

#[test]
fn pausing_ends_all_probes_and_a_new_assignment_begins_them_again() {
    let (listener, open, closed) = targets();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    let paused = assignment("2", open, closed).replace("\"paused\":false", "\"paused\":true");
    aggregator.assign(&paused);
    aggregator.wait_until("the pause has arrived", |state| state.known == "2");
    // What had been sent before has arrived by then; nothing comes after.
    std::thread::sleep(Duration::from_millis(500));
    listener.set_nonblocking(true).unwrap();
    while listener.accept().is_ok() {}
    std::thread::sleep(Duration::from_secs(1));
    assert!(listener.accept().is_err(), "it probes although it is paused");
    listener.set_nonblocking(false).unwrap();
    aggregator.assign(&assignment("3", open, closed));
    listener.accept().unwrap();
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    check(&aggregator, &agent);
}

#[test]
fn a_dry_run_shows_everything_and_sends_nothing() {
    let (listener, open, closed) = targets();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut agent = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    assert_eq!(agent.stop(Signal::SIGTERM), Some(0));
    let (requests, files) = (aggregator.requests(), place.listing());

    let mut dry = Agent::dry(&place, &aggregator.url());
    for _ in 0..20 {
        listener.accept().unwrap();
    }
    let mut lines = Vec::new();
    // The first window may be all but over when probing begins; the second is whole.
    while lines.len() < 3 {
        lines.push(dry.line());
    }
    assert_eq!(dry.stop(Signal::SIGINT), Some(0), "{}", dry.log());
    assert_eq!(lines[0]["type"], "assignment");
    assert_eq!(lines[0]["assignment"]["version"], "1");
    for report in &lines[1..] {
        assert_eq!(report["type"], "report");
        assert_eq!(report["vantage"], "hk-1");
    }
    assert_eq!(lines[2]["series"].as_array().unwrap().len(), 3);
    assert_eq!((aggregator.requests(), place.listing()), (requests, files));

    let nothing = Place::new();
    let mut dry = Agent::dry(&nothing, &aggregator.url());
    assert_eq!(dry.wait(), Some(3), "{}", dry.log());
    assert!(!nothing.state().exists());
}

#[test]
fn two_agents_never_share_a_state_folder() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let mut first = Agent::start(&place, &aggregator.url(), Some(TOKEN));
    aggregator.wait_until("a report", |state| state.accepted >= 1);
    let mut second = Agent::start(&place, &aggregator.url(), None);
    assert_eq!(second.wait(), Some(2));
    assert!(second.log().contains("another agent works in"), "{}", second.log());
    assert_eq!(first.stop(Signal::SIGTERM), Some(0));
}

#[test]
fn the_service_manager_hears_that_it_works_lives_and_ends_while_it_still_delivers() {
    let (open, closed) = served();
    let aggregator = Aggregator::start(TOKEN, &assignment("1", open, closed));
    let place = Place::new();
    let manager = UnixDatagram::bind(place.notify_socket()).unwrap();
    let (hear, heard) = mpsc::channel();
    // Ends with the tests. Its queue is short, so it is emptied at once.
    std::thread::spawn(move || {
        let mut said = [0; 64];
        while let Ok(length) = manager.recv(&mut said) {
            let _ = hear.send(String::from_utf8_lossy(&said[..length]).into_owned());
        }
    });
    let next = || heard.recv_timeout(Duration::from_mins(1)).unwrap();
    let mut agent = Agent::supervised(&place, &aggregator.url(), Some(TOKEN));
    assert_eq!([next(), next()], ["READY=1", "WATCHDOG=1"]);
    // The report that is under way, and the same when it is sent again for the last time.
    aggregator.then([Fault::Hold, Fault::Hold]);
    aggregator.wait_until("a report is held", |state| state.held == 1);
    agent.tell(Signal::SIGTERM);
    aggregator.wait_until("it is held again", |state| state.held == 2);
    // Told at the very end, this would come when the report had been given up.
    while next() != "STOPPING=1" {}
    aggregator.release();
    assert_eq!(agent.wait(), Some(0), "{}", agent.log());
    assert_eq!(place.waiting(), 0, "{}", agent.log());
    check(&aggregator, &agent);
}

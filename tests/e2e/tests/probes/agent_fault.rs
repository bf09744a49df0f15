//! An agent whose own uplink is gone blames itself; a site that is gone alone is blamed.

use std::thread;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_agent::health::{ANCHOR_INTERVAL, Anchor, Faults};
use vantage_agent::probe::Probe;
use vantage_agent::record::{AgentState, Recorder};
use vantage_agent::runner::{InFlight, Outcome, Runner};
use vantage_agent::spec::{Action, TcpSpec};
use vantage_agent::{Attempt, ProbeSpec};
use vantage_wire::report::{Family, ProbeKey, ProbeKind, Tally};
use vantage_wire::{Attribution, FailureCode, Micros, Phase, UtcMicros, WindowLength};
use vantage_world::{World, WorldConfig};

use crate::stage;

const INTERVAL: Duration = Duration::from_millis(200);
const TIMEOUT: Duration = Duration::from_millis(500);
const ATTEMPTS: u64 = 75;

/// A market, the site it probes and two anchors; packets to these hosts vanish.
fn text(dark: &str) -> String {
    format!(
        r#"
        host = [
            {{ name = "market" }},
            {{ name = "site", service = [{{ kind = "tcp", port = 7, behaviour = "echo" }}] }},
            {{ name = "one" }},
            {{ name = "other" }},
        ]
        [[path]]
        from = ["market"]
        to = ["*"]
        rtt-ms = 20
        [[path]]
        from = ["market"]
        to = {dark}
        one-way = true
        blackhole = true
        "#
    )
}

/// What is recorded of 15 s, from the fourth to the ninth of which packets to `dark` vanish.
fn recorded(dark: &str) -> (Tally, Vec<Attempt>) {
    // A path that nothing takes, so that only its hosts change.
    let [up, down] = [r#"["market"]"#, dark].map(|to| WorldConfig::from_toml(&text(to)).unwrap());
    let world = World::start(&up).unwrap();
    let address = |host: &str| world.host(host).unwrap().ipv4();
    let site = Action::Tcp(TcpSpec { host: address("site").to_string().parse().unwrap(), port: 7 });
    let site = ProbeSpec { timeout: TIMEOUT, ..stage::spec(site) };
    // One is asked by ICMP; nobody listens at the other, which says so.
    let anchors = [address("one").to_string(), format!("{}:9", address("other"))];
    let surroundings = stage::surroundings(&world);
    let outcomes = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(4));
            world.change(&down).unwrap();
            thread::sleep(Duration::from_secs(5));
            world.change(&up).unwrap();
        });
        stage::at(&world, "market", || async {
            let mut runner = Runner::new(InFlight::default());
            let start = Instant::now();
            let probe = Probe::new(site, surroundings.clone()).unwrap();
            runner.add(probe, start, INTERVAL, Some(ATTEMPTS));
            for (number, anchor) in (0..).zip(&anchors) {
                let anchor: Anchor = anchor.parse().unwrap();
                let probe = Probe::new(anchor.spec(), surroundings.clone()).unwrap();
                let first = start + ANCHOR_INTERVAL * number / 2;
                runner.add(probe, first, ANCHOR_INTERVAL, Some(9));
            }
            let (mut faults, mut judged) = (Faults::new(anchors.len()), Vec::new());
            let settled = |outcome: Outcome| {
                match outcome.probe {
                    0 => faults.attempt_ended(outcome, Instant::now()),
                    anchor => faults.anchor_ended(anchor - 1, &outcome, Instant::now()),
                }
                judged.extend(faults.take());
            };
            runner.run(settled, CancellationToken::new()).await;
            assert_eq!(faults.anchors().reachable(), (2, 2));
            judged.extend(faults.take_all());
            judged
        })
    });
    (tally(&outcomes), outcomes.into_iter().map(|outcome| outcome.attempt).collect())
}

/// What the recorder makes of it, in one window.
fn tally(outcomes: &[Outcome]) -> Tally {
    let key = ProbeKey {
        target: "site".parse().unwrap(),
        probe: "tcp".parse().unwrap(),
        kind: ProbeKind::Tcp,
        family: Family::Any,
        warm: false,
        interval: Micros::from_duration_saturating(INTERVAL),
        timeout: Micros::from_duration_saturating(TIMEOUT),
    };
    let mut recorder = Recorder::new(WindowLength::MINUTE, vec![key.clone()]);
    let due = UtcMicros::from_unix_seconds(1_400_000_040).unwrap();
    for outcome in outcomes {
        recorder.record(outcome.probe, due, &outcome.attempt, AgentState::Well);
    }
    recorder.close_all(None).remove(0).tallies.remove(&key).unwrap()
}

/// Failures that count against the site, and those that do not.
fn failures(tally: &Tally) -> (u64, u64) {
    let count = |against: bool| {
        let of =
            |(code, _): &&(FailureCode, Phase)| code.attribution().counts_against_site() == against;
        tally.failures.iter().filter(|(key, _)| of(key)).map(|(_, row)| row.count).sum()
    };
    (count(true), count(false))
}

#[test]
fn an_uplink_that_is_gone_is_the_agents_fault() {
    let (tally, attempts) = recorded(r#"["site", "one", "other"]"#);
    let (by_site, by_agent) = failures(&tally);
    println!("{} ok, {by_site} by site, {by_agent} by agent", tally.ok);
    assert_eq!((tally.due(), by_site), (ATTEMPTS, 0));
    // Five seconds at five attempts a second; one that was half way may fail or not.
    assert!((23..=29).contains(&by_agent), "{by_agent}");
    for attempt in attempts.iter().filter(|attempt| !attempt.is_ok()) {
        let (code, by) = (FailureCode::AgentOffline, Attribution::Agent);
        stage::assert_fails(attempt, code, Phase::Connect, by);
        let detail = attempt.failure.as_ref().unwrap().detail.as_str();
        assert!(detail.contains("no anchor answered; it looked like tcp_timeout"), "{detail}");
    }
}

#[test]
fn a_site_that_is_gone_alone_is_blamed() {
    let (tally, attempts) = recorded(r#"["site"]"#);
    let (by_site, by_agent) = failures(&tally);
    println!("{} ok, {by_site} by site, {by_agent} by agent", tally.ok);
    assert_eq!((tally.due(), by_agent), (ATTEMPTS, 0));
    assert!((23..=29).contains(&by_site), "{by_site}");
    for attempt in attempts.iter().filter(|attempt| !attempt.is_ok()) {
        let (code, by) = (FailureCode::TcpTimeout, Attribution::Path);
        stage::assert_fails(attempt, code, Phase::Connect, by);
    }
}

#[test]
fn one_anchor_that_is_gone_excuses_nobody() {
    let (tally, _) = recorded(r#"["site", "one"]"#);
    assert_eq!(failures(&tally).1, 0);
}

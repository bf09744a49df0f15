//! Telling agents what to probe.

use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_wire::UtcMicros;
use vantage_wire::exchange::assignment::Action;
use vantage_wire::exchange::{ASSIGNMENT, Assignment, RECEIVED_HEADER};

use crate::agent::{Agent, client};
use crate::aggregator::{Aggregator, refusal};

/// One market, one site, one target.
pub(crate) const CATALOGUE: &str = r#"
[[market]]
id = "hk"
weight = 1.0
time_zone = "Asia/Hong_Kong"

[[site]]
id = "oregon"
country = "US"

[[target]]
id = "oregon-web"
site = "oregon"
host = "oregon.example"
[[target.probe]]
id = "https"
kind = "http"
"#;

#[tokio::test]
async fn an_agent_gets_what_the_catalogue_says() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let answer = agent.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    assert_eq!(answer.status(), 200);
    let assignment: Assignment = answer.json().await.unwrap();
    assert_eq!(assignment.targets[0].id.as_str(), "oregon-web");
    assert_eq!(assignment.market.as_str(), "hk");
}

#[tokio::test]
async fn an_agent_that_has_the_latest_waits_until_the_catalogue_changes() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let first = agent.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    let first: Assignment = first.json().await.unwrap();
    let path = format!("{ASSIGNMENT}?version={}", first.version);
    let (answer, ()) = tokio::join!(agent.get(&aggregator, &path, SystemClock.now()), async {
        let changed = CATALOGUE.replace("oregon.example", "other.example");
        std::fs::write(aggregator.folder().join("catalogue.toml"), changed).unwrap();
    });
    assert_eq!(answer.status(), 200);
    let second: Assignment = answer.json().await.unwrap();
    assert_ne!(second.version, first.version);
}

#[tokio::test]
async fn certificate_authorities_that_are_renewed_reach_agents() {
    let authorities = include_str!("../catalogue/ca.pem");
    let catalogue = format!("{CATALOGUE}ca_file = \"ca.pem\"\n");
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.pem"), authorities).unwrap();
    let aggregator = Aggregator::start_in(folder, &catalogue, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let first = agent.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    let first: Assignment = first.json().await.unwrap();
    let path = format!("{ASSIGNMENT}?version={}", first.version);
    let renewed = format!("renewed\n{authorities}");
    let (answer, ()) = tokio::join!(agent.get(&aggregator, &path, SystemClock.now()), async {
        std::fs::write(aggregator.folder().join("ca.pem"), &renewed).unwrap();
    });
    let second: Assignment = answer.json().await.unwrap();
    let Action::Http(request) = &second.targets[0].probes[0].action else { panic!() };
    assert_eq!(request.tls.ca_pem.as_deref(), Some(renewed.as_str()));
}

#[tokio::test]
async fn agents_that_probe_a_target_too_often_together_are_warned_of() {
    // Fits the one vantage point that a market without any listed is taken to have.
    let catalogue = |limit: &str| {
        CATALOGUE.replace("host =", &format!("max_attempts_per_second = {limit}\nhost ="))
            + "interval = \"1s\"\n"
    };
    let aggregator = Aggregator::start_with(&catalogue("2.5"), &[]);
    for name in ["hk-1", "hk-2"] {
        Agent::enrolled(&aggregator, name, "hk").await;
    }
    std::fs::write(aggregator.folder().join("catalogue.toml"), catalogue("1.5")).unwrap();
    let warning = "target \"oregon-web\" sees 2 attempts per second from 2 vantage points, more \
                   than its max_attempts_per_second of 1.5";
    while !aggregator.log().contains(warning) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(aggregator.vantage(&["catalogue", "check"]).status.success());
}

#[tokio::test]
async fn a_catalogue_that_is_broken_while_running_changes_nothing() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    std::fs::write(aggregator.folder().join("catalogue.toml"), "[[market]]\nid = 7").unwrap();
    // Until the log says that it was seen.
    while !aggregator.log().contains("the last sound one stays") {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let answer = agent.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    let assignment: Assignment = answer.json().await.unwrap();
    assert_eq!(assignment.targets.len(), 1);
}

#[tokio::test]
async fn an_unsigned_request_and_a_forged_one_are_refused() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let _agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let client = client();
    let unsigned = client.get(aggregator.url.clone() + ASSIGNMENT).send().await.unwrap();
    assert_eq!(refusal(unsigned).await, (401, "bad-signature".to_owned()));
    let forger = Agent::new("hk-1");
    let forged = forger.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    assert_eq!(refusal(forged).await, (401, "bad-signature".to_owned()));
    let stranger = Agent::new("hk-2");
    let unknown = stranger.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    assert_eq!(refusal(unknown).await, (401, "unknown-agent".to_owned()));
}

#[tokio::test]
async fn an_agent_whose_clock_is_wrong_learns_the_time_and_asks_again() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let wrong = UtcMicros::new(SystemClock.now().get() - 86_400_000_000);
    let refused = agent.get(&aggregator, ASSIGNMENT, wrong).await;
    let right: i64 = refused.headers()[RECEIVED_HEADER].to_str().unwrap().parse().unwrap();
    assert_eq!(refusal(refused).await, (401, "clock-skew".to_owned()));
    let answer = agent.get(&aggregator, ASSIGNMENT, UtcMicros::new(right)).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn without_a_catalogue_there_is_nothing_to_probe() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let answer = agent.get(&aggregator, ASSIGNMENT, SystemClock.now()).await;
    assert!(answer.json::<Assignment>().await.unwrap().targets.is_empty());
}

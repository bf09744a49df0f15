//! Who may read.

use serde_json::Value;

use crate::agent::{Agent, client, minute, window};
use crate::aggregator::{Aggregator, refusal};

const TOKEN: &str = "a-read-token-of-thirty-two-letters";

#[tokio::test]
async fn the_agents_are_listed_alike_by_http_and_on_the_command_line() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(agent.send(&aggregator, envelope).await.status(), 200);
    let _waiting = Agent::enrolled(&aggregator, "tw-1", "tw").await;

    let answer = client().get(aggregator.url.clone() + "/api/v1/agents").send().await.unwrap();
    let listed: Value = answer.json().await.unwrap();
    assert_eq!(listed["agents"][0]["state"], "reporting");
    assert_eq!(listed["agents"][1]["state"], "waiting");
    for arguments in
        [["--format", "json"].as_slice(), &["--format", "json", "--url", &aggregator.url]]
    {
        let output = aggregator.vantage(&[&["agents"], arguments].concat());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(said[0]["last_seen"], listed["agents"][0]["last_seen"]);
    }
    let table = aggregator.vantage(&["agents"]);
    let table = String::from_utf8(table.stdout).unwrap();
    let mut lines = table.lines();
    assert!(lines.next().unwrap().starts_with("agent  market  state"), "{table}");
    assert!(lines.next().unwrap().starts_with("hk-1   hk      reporting"), "{table}");
    assert!(lines.next().unwrap().contains("never"), "{table}");
}

#[tokio::test]
async fn from_elsewhere_a_token_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, format!("# for Grafana\n{TOKEN}\n")).unwrap();
    let aggregator = Aggregator::start(&["--read-token-file", file.to_str().unwrap()]);
    let url = aggregator.url.clone() + "/api/v1/agents";
    // A proxy on this machine passes on what comes from elsewhere, and says so.
    let through_a_proxy = || client().get(&url).header("x-forwarded-for", "203.0.113.7");
    let refused = refusal(through_a_proxy().send().await.unwrap()).await;
    assert_eq!(refused, (401, "reader-unauthorized".to_owned()));
    let wrong = through_a_proxy().bearer_auth("guess").send().await.unwrap();
    assert_eq!(refusal(wrong).await, (401, "reader-unauthorized".to_owned()));
    assert_eq!(through_a_proxy().bearer_auth(TOKEN).send().await.unwrap().status(), 200);
    assert_eq!(client().get(&url).send().await.unwrap().status(), 200);
    assert!(!aggregator.log().contains(TOKEN));
}

#[test]
fn a_token_that_can_be_guessed_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, "hello\n").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_vantage"))
        .current_dir(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--read-token-file", "tokens"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("tokens:1: a read token needs at least 20 characters"), "{said}");
}

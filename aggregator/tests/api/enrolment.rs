//! Letting agents in.

use serde_json::Value;
use vantage_wire::exchange::{ENROLMENTS, Enrolment};

use crate::agent::{Agent, client};
use crate::aggregator::{Aggregator, refusal};

#[tokio::test]
async fn a_token_is_traded_for_a_registration() {
    let aggregator = Aggregator::start(&[]);
    let token = aggregator.token(&["hk-1", "--market", "hk"]);
    let agent = Agent::new("hk-1");
    let answer = agent.enrol(&aggregator, &token).await;
    assert_eq!(answer.status(), 201);
    let Enrolment { vantage, market } = answer.json().await.unwrap();
    assert_eq!((vantage.as_str(), market.as_str()), ("hk-1", "hk"));
}

#[tokio::test]
async fn an_answer_that_was_lost_costs_nothing() {
    let aggregator = Aggregator::start(&[]);
    let token = aggregator.token(&["hk-1", "--market", "hk"]);
    let agent = Agent::new("hk-1");
    assert_eq!(agent.enrol(&aggregator, &token).await.status(), 201);
    assert_eq!(agent.enrol(&aggregator, &token).await.status(), 201);
}

#[tokio::test]
async fn a_token_works_for_one_key_only() {
    let aggregator = Aggregator::start(&[]);
    let token = aggregator.token(&["hk-1", "--market", "hk"]);
    assert_eq!(Agent::new("hk-1").enrol(&aggregator, &token).await.status(), 201);
    let thief = Agent::new("hk-1");
    let refused = refusal(thief.enrol(&aggregator, &token).await).await;
    assert_eq!(refused, (409, "used-token".to_owned()));
}

#[tokio::test]
async fn an_expired_token_and_one_that_never_was_are_refused() {
    let aggregator = Aggregator::start(&[]);
    let token = aggregator.token(&["hk-1", "--market", "hk", "--valid-for", "0s"]);
    let agent = Agent::new("hk-1");
    let refused = refusal(agent.enrol(&aggregator, &token).await).await;
    assert_eq!(refused, (401, "expired-token".to_owned()));
    let refused = refusal(agent.enrol(&aggregator, "vantage-enrol-guess").await).await;
    assert_eq!(refused, (401, "unknown-token".to_owned()));
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_without_quoting_it() {
    let aggregator = Aggregator::start(&[]);
    let client = client();
    for (body, status, name) in [
        ("{\"token\": \"vantage-enrol-secret\"".to_owned(), 400, "bad-request"),
        ("null".to_owned(), 400, "bad-request"),
        (
            r#"{"token":"t","public_key":"AAAA","signature":"","software":""}"#.to_owned(),
            400,
            "bad-request",
        ),
        (" ".repeat(10_000), 413, "too-large"),
    ] {
        let request = client.post(aggregator.url.clone() + ENROLMENTS).body(body);
        let answer = request.send().await.unwrap();
        let text = answer.text().await.unwrap();
        assert!(!text.contains("secret"), "{text}");
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["status"], status, "{text}");
        assert_eq!(document["type"], format!("/problems/{name}"), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_market_is_refused_where_there_is_a_catalogue() {
    let aggregator = Aggregator::start_with(crate::assignment::CATALOGUE, &[]);
    let output = aggregator.vantage(&["enroll", "xx-1", "--market", "xx"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no market xx; it has hk"), "{said}");
}

//! What must be refused, and leaves no trace.

use prost::Message;
use vantage_wire::report::bounds::MAX_ENVELOPE_BYTES;
use vantage_wire::{Window, WindowLength};

use crate::agent::{Agent, client, minute, window};
use crate::aggregator::{Aggregator, refusal};

/// The envelope by its documented fields, to build ones that our own code would not.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RawEnvelope {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(string, tag = "2")]
    pub(crate) vantage: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) body: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) signature: Vec<u8>,
}

/// Sends what must be refused, and sees that the store is as it was.
async fn refused(aggregator: &Aggregator, agent: &Agent, envelope: Vec<u8>) -> (u16, String) {
    let refused = refusal(agent.send(aggregator, envelope).await).await;
    let store = aggregator.store().await;
    for vantage in ["hk-1", "tw-1"] {
        let totals = store.totals(&vantage.parse().unwrap()).await.unwrap();
        assert!(totals.is_empty(), "{totals:?}");
    }
    refused
}

fn named(status: u16, name: &str) -> (u16, String) {
    (status, name.to_owned())
}

#[tokio::test]
async fn an_agent_that_was_never_enrolled_is_refused() {
    let aggregator = Aggregator::start(&[]);
    let stranger = Agent::new("hk-1");
    let envelope = stranger.seal(&stranger.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(refused(&aggregator, &stranger, envelope).await, named(401, "unknown-agent"));
}

#[tokio::test]
async fn a_report_signed_with_another_key_is_refused() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let forger = Agent::new("hk-1");
    let envelope = forger.seal(&forger.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(refused(&aggregator, &agent, envelope).await, named(401, "bad-signature"));
}

#[tokio::test]
async fn an_agent_cannot_report_for_another_market() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let other = Agent::enrolled(&aggregator, "tw-1", "tw").await;
    // Under the other's name, with its own key.
    let mut report = agent.report(1, vec![window(minute(2), 60, 0)]);
    report.vantage = "tw-1".parse().unwrap();
    assert_eq!(
        refused(&aggregator, &agent, agent.seal(&report)).await,
        named(401, "bad-signature")
    );
    // Under its own name, with a report inside that speaks of the other.
    let inner = RawEnvelope::decode(other.seal(&report).as_slice()).unwrap();
    let envelope = agent.seal_body(inner.body);
    assert_eq!(refused(&aggregator, &agent, envelope).await, named(403, "another-vantage"));
}

#[tokio::test]
async fn bytes_that_are_no_report_are_refused() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let malformed = named(400, "malformed-report");
    assert_eq!(refused(&aggregator, &agent, b"\xff\xff\xff".to_vec()).await, malformed);
    assert_eq!(refused(&aggregator, &agent, Vec::new()).await, named(400, "unsupported-version"));
    assert_eq!(refused(&aggregator, &agent, agent.seal_body(Vec::new())).await, malformed);
    let no_protobuf = zstd::bulk::compress(b"\x3a\xff\xff", 1).unwrap();
    assert_eq!(refused(&aggregator, &agent, agent.seal_body(no_protobuf)).await, malformed);
    let mut later = RawEnvelope::decode(agent.seal_body(Vec::new()).as_slice()).unwrap();
    later.version = 2;
    let later = later.encode_to_vec();
    assert_eq!(refused(&aggregator, &agent, later).await, named(400, "unsupported-version"));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_and_after_inflation() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let too_large = named(413, "too-large");
    assert_eq!(refused(&aggregator, &agent, vec![0; MAX_ENVELOPE_BYTES + 1]).await, too_large);
    let bomb = zstd::bulk::compress(&vec![0; 512 << 20], 1).unwrap();
    assert!(bomb.len() < 100_000);
    assert_eq!(refused(&aggregator, &agent, agent.seal_body(bomb)).await, too_large);
}

#[tokio::test]
async fn windows_of_the_future_and_of_long_ago_are_refused() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let report = |window| agent.seal(&agent.report(1, vec![window]));
    let ahead = report(window(minute(-10), 60, 0));
    assert_eq!(refused(&aggregator, &agent, ahead).await, named(422, "future-window"));
    let ancient = report(window(minute(36 * 24 * 60), 60, 0));
    assert_eq!(refused(&aggregator, &agent, ancient).await, named(422, "ancient-window"));
    let epoch = Window::new(0, WindowLength::DAY).unwrap();
    let ancient = report(window(epoch, 60, 0));
    assert_eq!(refused(&aggregator, &agent, ancient).await, named(422, "ancient-window"));
}

#[tokio::test]
async fn one_bad_window_keeps_the_whole_report_out() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let windows = vec![window(minute(2), 60, 0), window(minute(-10), 60, 0)];
    let envelope = agent.seal(&agent.report(1, windows));
    assert_eq!(refused(&aggregator, &agent, envelope).await, named(422, "future-window"));
    // The number is not used up.
    let sound = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(agent.send(&aggregator, sound).await.status(), 200);
}

#[tokio::test]
async fn pages_that_do_not_exist_are_problem_documents_too() {
    let aggregator = Aggregator::start(&[]);
    let client = client();
    let nowhere = client.get(aggregator.url.clone() + "/nowhere").send().await.unwrap();
    assert_eq!(refusal(nowhere).await, named(404, "not-found"));
    let wrong = client.get(aggregator.url.clone() + "/api/v1/reports").send().await.unwrap();
    assert_eq!(refusal(wrong).await, named(405, "method-not-allowed"));
}

#[tokio::test]
async fn no_token_and_no_key_is_ever_logged() {
    let aggregator = Aggregator::start(&["--log", "trace"]);
    let token = aggregator.token(&["hk-1", "--market", "hk"]);
    let agent = Agent::new("hk-1");
    assert_eq!(agent.enrol(&aggregator, &token).await.status(), 201);
    assert_eq!(Agent::new("hk-1").enrol(&aggregator, &token).await.status(), 409);
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(agent.send(&aggregator, envelope).await.status(), 200);
    let log = aggregator.log();
    assert!(log.contains("enrolled"), "the log says what happens\n{log}");
    let secret = token.trim_start_matches("vantage-enrol-");
    for line in log.lines() {
        assert!(!line.contains(secret), "{line}");
    }
}

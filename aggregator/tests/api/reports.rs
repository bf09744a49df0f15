//! Taking reports in.

use vantage_wire::exchange::{ANSWERED_HEADER, Acknowledgement, RECEIVED_HEADER, Stored};

use crate::agent::{Agent, client, minute, window};
use crate::aggregator::{Aggregator, refusal};

async fn outcome(response: reqwest::Response) -> Stored {
    assert_eq!(response.status(), 200);
    response.json::<Acknowledgement>().await.unwrap().outcome
}

#[tokio::test]
async fn a_report_is_stored_once_however_often_it_comes() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 57, 3)]));
    assert_eq!(outcome(agent.send(&aggregator, envelope.clone()).await).await, Stored::Stored);
    for _ in 0..3 {
        let again = agent.send(&aggregator, envelope.clone()).await;
        assert_eq!(outcome(again).await, Stored::Duplicate);
    }
    let store = aggregator.store().await;
    let totals = store.totals(&"hk-1".parse().unwrap()).await.unwrap();
    assert_eq!(totals.len(), 1);
    assert!(totals.values().all(|series| (series.ok, series.due) == (57, 60)), "{totals:?}");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_power_failure() {
    let mut aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    for sequence in 1..=20 {
        let report = agent.report(sequence, vec![window(minute(2), 60, 0)]);
        assert_eq!(
            outcome(agent.send(&aggregator, agent.seal(&report)).await).await,
            Stored::Stored
        );
    }
    aggregator.kill_and_restart();
    let again = agent.seal(&agent.report(20, vec![window(minute(2), 60, 0)]));
    assert_eq!(outcome(agent.send(&aggregator, again).await).await, Stored::Duplicate);
    let totals = aggregator.store().await.totals(&"hk-1".parse().unwrap()).await.unwrap();
    assert_eq!(totals.values().map(|series| series.ok).sum::<u64>(), 1_200);
}

#[tokio::test]
async fn many_agents_at_once_are_all_acknowledged() {
    let aggregator = Aggregator::start(&[]);
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..8 {
        let agent = Agent::enrolled(&aggregator, &format!("hk-{number}"), "hk").await;
        let envelopes: Vec<_> = (1..=25)
            .map(|sequence| agent.seal(&agent.report(sequence, vec![window(minute(3), 59, 1)])))
            .collect();
        let url = aggregator.url.clone();
        senders.spawn(async move {
            let client = client();
            for envelope in envelopes {
                let sent =
                    client.post(url.clone() + vantage_wire::exchange::REPORTS).body(envelope);
                assert_eq!(sent.send().await.unwrap().status(), 200);
            }
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    let store = aggregator.store().await;
    let mut due = 0;
    for number in 0..8 {
        let totals = store.totals(&format!("hk-{number}").parse().unwrap()).await.unwrap();
        due += totals.values().map(|series| series.due).sum::<u64>();
    }
    assert_eq!(due, 8 * 25 * 60);
}

#[tokio::test]
async fn every_answer_bears_the_times_of_the_aggregator() {
    let aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let good = agent.seal(&agent.report(1, vec![window(minute(2), 1, 0)]));
    for envelope in [good, b"rubbish".to_vec()] {
        let answer = agent.send(&aggregator, envelope).await;
        let time =
            |name: &str| -> i64 { answer.headers()[name].to_str().unwrap().parse().unwrap() };
        assert!(time(RECEIVED_HEADER) <= time(ANSWERED_HEADER));
    }
}

#[tokio::test]
async fn a_revoked_agent_is_no_longer_heard() {
    let mut aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let revoked = aggregator.vantage(&["agents", "revoke", "hk-1"]);
    assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
    // Registrations are believed for a moment; a fresh process believes nothing.
    aggregator.kill_and_restart();
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    let refused = refusal(agent.send(&aggregator, envelope).await).await;
    assert_eq!(refused, (401, "revoked-agent".to_owned()));
    let unknown = aggregator.vantage(&["agents", "revoke", "hk-9"]);
    assert_eq!(unknown.status.code(), Some(1));
}

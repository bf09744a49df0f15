//! `GET /metrics`.

use std::collections::BTreeSet;

use serde_json::Value;
use vantage_aggregator::metrics::names;
use vantage_wire::report::WindowReport;
use vantage_wire::{UtcMicros, Window, WindowLength};

use crate::agent::{Agent, client, minute, window};
use crate::aggregator::{Aggregator, refusal};

const TOKEN: &str = "a-read-token-of-thirty-two-letters";
const CATALOGUE: &str = r#"
    [[market]]
    id = "hk"
    name = "Hong Kong"
    weight = 3
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
    url = "https://oregon.example/"
    [[site]]
    id = "singapore"
    country = "SG"
    [[target]]
    id = "singapore-web"
    site = "singapore"
    host = "singapore.example"
    [[target.probe]]
    id = "https"
    kind = "http"
    url = "https://singapore.example/"
"#;

async fn page(aggregator: &Aggregator) -> String {
    let answer = client().get(aggregator.url.clone() + "/metrics").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

/// The value of the one sample whose name and labels are these.
fn sample(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// Looks until the page has a metric.
async fn until(aggregator: &Aggregator, metric: &str) -> String {
    for _ in 0..200 {
        let text = page(aggregator).await;
        if text.contains(metric) {
            return text;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no {metric} within 20 s:\n{}", page(aggregator).await);
}

#[tokio::test]
async fn reports_attempts_and_refusals_are_counted() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 3)]));
    for _ in 0..2 {
        assert_eq!(agent.send(&aggregator, envelope.clone()).await.status(), 200);
    }
    let stranger = Agent::new("xx-1");
    let refused = stranger.seal(&stranger.report(1, vec![window(minute(2), 1, 0)]));
    assert_eq!(stranger.send(&aggregator, refused).await.status(), 401);
    client().get(aggregator.url.clone() + "/of/my/own/making").send().await.unwrap();

    let text = page(&aggregator).await;
    let at = r#"market="hk",site="oregon",kind="http""#;
    for (name, value) in [
        (r#"vantage_reports_total{outcome="stored"}"#.to_owned(), 1.0),
        (r#"vantage_reports_total{outcome="duplicate"}"#.to_owned(), 1.0),
        ("vantage_report_windows_total".to_owned(), 1.0),
        (format!("vantage_attempts_total{{{at},outcome=\"ok\"}}"), 60.0),
        (format!("vantage_attempts_total{{{at},outcome=\"path\"}}"), 3.0),
        (format!("vantage_attempt_duration_seconds_count{{{at}}}"), 60.0),
        // 180 to 239 ms.
        (format!("vantage_attempt_duration_seconds_bucket{{{at},le=\"0.125\"}}"), 0.0),
        (format!("vantage_attempt_duration_seconds_bucket{{{at},le=\"0.25\"}}"), 60.0),
        (
            r#"vantage_http_refusals_total{page="/api/v1/reports",problem="unknown-agent"}"#
                .to_owned(),
            1.0,
        ),
        (r#"vantage_http_requests_total{page="/api/v1/reports",status="200"}"#.to_owned(), 2.0),
        (r#"vantage_http_requests_total{page="other",status="404"}"#.to_owned(), 1.0),
        (r#"vantage_commits_total{outcome="failed"}"#.to_owned(), 0.0),
        ("vantage_queue_reports".to_owned(), 0.0),
        ("vantage_queue_bytes".to_owned(), 0.0),
        ("vantage_store_writable".to_owned(), 1.0),
    ] {
        assert_eq!(sample(&text, &name), Some(value), "{name} in\n{text}");
    }
    let commits = sample(&text, "vantage_commit_duration_seconds_count").unwrap();
    assert!(commits >= 1.0, "{text}");
    assert!(!text.contains("making"), "clients choose no labels: {text}");
}

#[tokio::test]
async fn agents_and_the_store_are_told_of() {
    let aggregator = Aggregator::start_with(CATALOGUE, &[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let _waiting = Agent::enrolled(&aggregator, "hk-2", "hk").await;
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(agent.send(&aggregator, envelope).await.status(), 200);
    // The first look may have come before the report.
    let text = until(&aggregator, "vantage_fleet_agents").await;
    let agents = |state| sample(&text, &format!("vantage_fleet_agents{{state=\"{state}\"}}"));
    let counts = ["reporting", "silent", "waiting", "revoked"].map(|state| agents(state).unwrap());
    assert!((counts.iter().sum::<f64>() - 2.0).abs() < 0.5, "{text}");
    assert!(sample(&text, "vantage_store_size_bytes").unwrap() > 4_096.0, "{text}");
    let backlog = |level| format!("vantage_rollup_backlog_spans{{level=\"{level}\"}}");
    assert!(sample(&text, &backlog("hour")).unwrap() <= 1.0, "{text}");
    assert!(sample(&text, &backlog("day")).unwrap() <= 1.0, "{text}");
}

/// Five days of hours up to now, of both sites.
fn days() -> Vec<WindowReport> {
    let hour = |ago: i64| {
        let start = UtcMicros::new(minute(0).start().get() - ago * 3_600_000_000);
        Window::containing(start, WindowLength::from_seconds(3_600).unwrap())
    };
    let hours = (1..5 * 24).rev().map(|ago| {
        let mut whole = window(hour(ago), 40, 1);
        let mut other = window(hour(ago), 20, 0);
        let (mut key, tally) = other.tallies.pop_first().unwrap();
        key.target = "singapore-web".parse().unwrap();
        whole.tallies.insert(key, tally);
        whole
    });
    hours.collect()
}

#[tokio::test]
async fn the_ranking_is_that_of_the_page_of_rankings() {
    let aggregator = Aggregator::start_with(CATALOGUE, &["--rank-every", "1s"]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let envelope = agent.seal(&agent.report(1, days()));
    assert_eq!(agent.send(&aggregator, envelope).await.status(), 200);
    let store = aggregator.store().await;
    while store.roll_up(100).await.unwrap().is_more {}
    store.close().await;
    let text = until(&aggregator, "vantage_site_rank").await;
    let url = aggregator.url.clone() + "/api/v1/rankings";
    let ranked: Value = client().get(url).send().await.unwrap().json().await.unwrap();
    let mut markets = ranked["markets"].as_object().unwrap().clone();
    markets.insert("all".to_owned(), ranked["overall"].clone());
    assert_eq!(markets.len(), 2);
    for (market, ranking) in &markets {
        for standing in ranking["sites"].as_array().unwrap() {
            let site = standing["site"].as_str().unwrap();
            let at = |metric: &str| {
                sample(&text, &format!("{metric}{{market=\"{market}\",site=\"{site}\"}}"))
            };
            assert_eq!(at("vantage_site_rank"), standing["rank"].as_f64(), "{text}");
            // Either reader may be off in the last digit of a fraction.
            let rate = standing["failures"]["rate"].as_f64().unwrap();
            assert!((at("vantage_site_failure_ratio").unwrap() - rate).abs() < 1e-12, "{text}");
            let score_s = standing["score_us"].as_f64().unwrap() / 1e6;
            assert!((at("vantage_site_score_seconds").unwrap() - score_s).abs() < 1e-9, "{text}");
            let low_s = standing["score_interval_us"]["low"].as_f64().unwrap() / 1e6;
            let low = at("vantage_site_score_low_seconds").unwrap();
            assert!((low - low_s).abs() < 1e-9, "{text}");
            assert!(at("vantage_site_behind_best_seconds").unwrap() >= 0.0);
            let verdict = standing["verdict"].as_str().unwrap();
            let name = format!(
                "vantage_site_verdict{{market=\"{market}\",site=\"{site}\",verdict=\"{verdict}\"}}"
            );
            assert_eq!(sample(&text, &name), Some(1.0), "{name} in\n{text}");
        }
    }
    let by = r#"vantage_ranking_info{probe="http",phase="total",score="p95",blocks="day"}"#;
    assert_eq!(sample(&text, by), Some(1.0), "{text}");
    assert_eq!(sample(&text, r#"vantage_market_share_ratio{market="hk"}"#), Some(1.0));
}

#[tokio::test]
async fn from_elsewhere_a_scraper_needs_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tokens");
    std::fs::write(&file, TOKEN).unwrap();
    let aggregator = Aggregator::start(&["--read-token-file", file.to_str().unwrap()]);
    let url = aggregator.url.clone() + "/metrics";
    let elsewhere = || client().get(&url).header("x-forwarded-for", "203.0.113.7");
    let refused = refusal(elsewhere().send().await.unwrap()).await;
    assert_eq!(refused, (401, "reader-unauthorized".to_owned()));
    let answer = elsewhere().bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    let counted = r#"vantage_http_refusals_total{page="/metrics",problem="reader-unauthorized"}"#;
    assert_eq!(sample(&text, counted), Some(1.0), "{text}");
}

#[test]
fn metrics_md_has_every_metric_and_no_other() {
    let page = include_str!("../../METRICS.md");
    for metric in names::all() {
        assert!(
            page.contains(&metric.documentation()),
            "METRICS.md lacks\n{}",
            metric.documentation()
        );
    }
    let known: BTreeSet<_> = names::all().map(|metric| metric.name).collect();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<_> = rows.collect();
    assert_eq!(documented.len(), known.len());
    assert!(documented.iter().all(|name| known.contains(name)), "{documented:?}");
}

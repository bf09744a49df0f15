//! The same answers over HTTP.

use serde_json::Value;

use crate::season::{SEASON, Served};

const RANGE: &str = "from=2026-03-02&to=2026-03-30";

async fn ask(served: &Served, page: &str) -> reqwest::Response {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(served.url.clone() + page).send().await.unwrap()
}

async fn get(served: &Served, page: &str) -> (u16, Value) {
    let answer = ask(served, page).await;
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap())
}

async fn answer(served: &Served, page: &str) -> Value {
    let (status, answer) = get(served, page).await;
    assert_eq!(status, 200, "{page}: {answer}");
    answer
}

#[tokio::test]
async fn commands_say_the_same_from_the_store_and_over_http() {
    let served = SEASON.serve();
    for (command, page) in [
        (
            ["rank", "--from", "2026-03-02", "--to", "2026-03-30"].as_slice(),
            format!("/api/v1/rankings?{RANGE}"),
        ),
        (
            &["plan", "--from", "2026-03-02", "--to", "2026-03-30", "--sites", "2"],
            format!("/api/v1/plans?{RANGE}&sites=2"),
        ),
        (
            &["compare", "--migration", "shop-2026"],
            "/api/v1/comparisons?migration=shop-2026".to_owned(),
        ),
    ] {
        let local = SEASON.json(command);
        assert_eq!(answer(&served, &page).await, local, "{page}");
        let remote = SEASON.json(&[command, &["--url", &served.url]].concat());
        assert_eq!(remote, local, "{command:?}");
    }
}

#[tokio::test]
async fn the_catalogue_is_told() {
    let served = SEASON.serve();
    let markets = answer(&served, "/api/v1/markets").await;
    assert_eq!(markets["markets"][1]["market"], "in");
    assert_eq!(markets["markets"][1]["share"], 0.5);
    let sites = answer(&served, "/api/v1/sites").await;
    assert_eq!(sites["sites"][0]["country"], "CN");
    let migrations = answer(&served, "/api/v1/migrations").await;
    assert_eq!(migrations["migrations"][1]["to"]["mx"], "california");
}

#[tokio::test]
async fn series_and_histograms_count_the_same_attempts() {
    let served = SEASON.serve();
    let sum = |points: &Value| -> u64 {
        let points = points.as_array().unwrap().iter();
        points.map(|point| point["attempts"].as_u64().unwrap()).sum()
    };
    let scope = format!("{RANGE}&market=in&site=beijing");
    let hours = answer(&served, &format!("/api/v1/series?{scope}")).await;
    let days = answer(&served, &format!("/api/v1/series?{scope}&blocks=day")).await;
    let whole = answer(&served, &format!("/api/v1/histograms?{scope}")).await;
    assert_eq!(hours["series"].as_array().unwrap().len(), 1);
    // Local midnight in India is half past the hour: 28 days are 672 hours, one less is whole.
    assert_eq!(days["series"][0]["points"].as_array().unwrap().len(), 28);
    let attempts = sum(&days["series"][0]["points"]);
    assert_eq!(attempts, whole["histograms"][0]["attempts"].as_u64().unwrap());
    let by_hours = sum(&hours["series"][0]["points"]);
    assert!(attempts.abs_diff(by_hours) <= 30, "{attempts} {by_hours}");
    // One attempt every two minutes; the season begins later in India than its first day does.
    assert!((28 * 720 - 200..=28 * 720).contains(&attempts), "{attempts}");
    let failed = whole["histograms"][0]["failures"].as_array().unwrap();
    assert!(failed.iter().any(|row| row["code"] == "tls_reset" && row["attribution"] == "path"));
}

#[tokio::test]
async fn a_service_has_series_too() {
    let served = SEASON.serve();
    let page = format!("/api/v1/histograms?{RANGE}&service=shop&market=hk");
    let whole = answer(&served, &page).await;
    assert_eq!(whole["histograms"][0]["service"], "shop");
}

#[tokio::test]
async fn questions_that_make_no_sense_are_refused_with_the_reason() {
    let served = SEASON.serve();
    for (page, status, words) in [
        ("/api/v1/rankings?markt=hk", 400, "did you mean market?"),
        ("/api/v1/rankings?market=xx", 400, "there are hk, in, mx"),
        ("/api/v1/rankings?last=soon", 400, "is no span"),
        ("/api/v1/rankings?last=1d&last=2d", 400, "twice"),
        ("/api/v1/comparisons", 400, "name a migration or a service"),
        ("/api/v1/comparisons?migration=never", 409, "its cutover"),
        ("/api/v1/rankings?from=2020-01-01&to=2020-02-01", 409, "nothing was measured"),
        ("/api/v1/rankings?last=1h", 409, "nothing was measured"),
        ("/api/v1/plans?sites=many", 400, "sites=\"many\""),
        ("/api/v1/series?cursor=nowhere", 400, "is not the `next` of a page"),
        ("/api/v1/sites?country=CN", 400, "no parameter \"country\""),
        ("/api/v1/rows?cursor=5", 400, "no parameter \"cursor\""),
        ("/api/v1/rows?service=shp", 400, "did you mean shop?"),
        ("/api/v1/rows?blocks=week", 400, "blocks are day or hour"),
        ("/api/v1/changes?smallest=little", 400, "is no span"),
    ] {
        let (found, problem) = get(&served, page).await;
        assert_eq!(found, status, "{page}: {problem}");
        let said = problem["detail"].as_str().unwrap();
        assert!(said.contains(words), "{page}: {said}");
        // Who has just begun is told when there will be something; who asks about the past is not.
        assert_eq!(said.ends_with("; an hour counts once it is over"), page.ends_with("?last=1h"));
    }
}

#[tokio::test]
async fn rows_come_between_a_first_line_and_a_last() {
    let served = SEASON.serve();
    let page = "/api/v1/rows?from=2026-03-03&to=2026-03-04&market=mx&site=oregon&phase=total";
    let text = ask(&served, page).await.text().await.unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["begin"], "2026-03-03T00:00:00Z");
    assert_eq!(lines.last().unwrap()["end"], 24);
    assert_eq!(lines.len(), 1 + 24 + 1);
    assert_eq!(lines[1]["row"]["target"], "oregon-web");
}

#[tokio::test]
async fn few_readers_take_rows_at_once_and_others_are_told_to_come_again() {
    let served = SEASON.serve();
    // More than fits into what lies between the two: whoever does not read holds his place.
    let page = "/api/v1/rows?from=2026-03-02&to=2026-04-27";
    let mut reading = Vec::new();
    for _ in 0..4 {
        let answer = ask(&served, page).await;
        assert_eq!(answer.status(), 200);
        reading.push(answer);
    }
    let refused = ask(&served, page).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    drop(reading);
}

#[tokio::test]
async fn what_is_described_is_what_is_served() {
    let served = SEASON.serve();
    let described = answer(&served, "/api/v1/openapi.json").await;
    assert_eq!(described, vantage_aggregator::api::openapi_document());
    for page in described["paths"].as_object().unwrap().keys() {
        let answer = ask(&served, page).await;
        assert_ne!(answer.status(), 404, "{page}");
        let described = &described["paths"][page]["get"]["responses"];
        let described =
            if answer.status() == 200 { &described["200"] } else { &described["default"] };
        let media_type = answer.headers()["content-type"].to_str().unwrap();
        assert!(described["content"].get(media_type).is_some(), "{page}: {media_type}");
    }
}

//! `vantage rank`.

use serde_json::Value;

use crate::season::{SEASON, find};

const RANGE: [&str; 5] = ["rank", "--from", "2026-03-02", "--to", "2026-03-30"];

fn ranked(arguments: &[&str]) -> Value {
    SEASON.json(&[RANGE.as_slice(), arguments].concat())
}

fn order(ranking: &Value) -> Vec<&str> {
    let sites = ranking["sites"].as_array().unwrap().iter();
    sites.map(|site| site["site"].as_str().unwrap()).collect()
}

#[test]
fn each_market_has_its_own_best_site_with_a_margin() {
    let answer = ranked(&[]);
    assert_eq!(order(&answer["markets"]["hk"])[0], "singapore");
    assert_eq!(order(&answer["markets"]["in"])[0], "singapore");
    assert_eq!(order(&answer["markets"]["mx"])[..2], ["california", "oregon"]);
    for ranking in answer["markets"].as_object().unwrap().values() {
        let best = &ranking["sites"][0];
        assert_eq!((&best["rank"], &best["verdict"]), (&1.into(), &"better".into()), "{best}");
        let interval = &best["score_interval_us"];
        let score = best["score_us"].as_f64().unwrap();
        assert!(interval["low"].as_f64().unwrap() < score);
        assert!(score < interval["high"].as_f64().unwrap());
        let beijing = find(&ranking["sites"], "site", "beijing");
        assert_ne!(beijing["rank"], 1);
        assert!(beijing["failures"]["rate"].as_f64().unwrap() > 0.02);
    }
    assert_eq!(answer["question"]["probe"], "http");
    assert_eq!(answer["question"]["blocks"], "day");
    assert_eq!(answer["overall"]["sites"][0]["site"], "singapore");
}

#[test]
fn the_score_of_a_site_is_about_what_was_put_in() {
    // The median: three round trips of floor and excess, two milliseconds of the server, and a bit
    // more for the evenings.
    let answer = ranked(&["--quantile", "p50"]);
    for (market, site, least_ms, most_ms) in
        [("hk", "singapore", 132.0, 142.0), ("mx", "california", 215.0, 230.0)]
    {
        let site = find(&answer["markets"][market]["sites"], "site", site);
        let score_ms = site["score_us"].as_f64().unwrap() / 1e3;
        assert!((least_ms..most_ms).contains(&score_ms), "{score_ms}");
    }
}

#[test]
fn a_phase_a_market_and_a_site_can_be_chosen() {
    let answer = ranked(&["--phase", "connect", "--market", "mx", "--site", "oregon,california"]);
    let markets = answer["markets"].as_object().unwrap();
    assert_eq!(markets.keys().collect::<Vec<_>>(), ["mx"]);
    assert_eq!(order(&markets["mx"]), ["california", "oregon"]);
    let score_ms = markets["mx"]["sites"][0]["score_us"].as_f64().unwrap() / 1e3;
    assert!((70.0..130.0).contains(&score_ms), "one round trip: {score_ms}");
}

#[test]
fn fewer_than_three_days_are_answered_by_hours_and_say_so() {
    let answer = SEASON.json(&["rank", "--from", "2026-03-02", "--to", "2026-03-04"]);
    assert_eq!(answer["question"]["blocks"], "hour");
    let caveats = answer["markets"]["hk"]["caveats"].as_array().unwrap();
    assert!(caveats.iter().any(|caveat| caveat["kind"] == "hours_only"), "{caveats:?}");
}

#[test]
fn the_table_draws_ties_and_says_what_weakens_the_answer() {
    let table = SEASON.table(&RANGE);
    assert!(table.starts_with("p95 of http total, 2026-03-02 to 2026-03-30"), "{table}");
    assert!(table.contains("hk (20 % of the users)"), "{table}");
    assert!(table.contains("  1 ─  singapore"), "{table}");
    assert!(table.contains("all, by their users"), "{table}");
    assert!(table.contains("3 of 3 markets have one network only: hk, in, mx."), "{table}");
}

#[test]
fn programs_get_one_row_for_each_market_and_site() {
    let output = SEASON.vantage(&[RANGE.as_slice(), &["--format", "csv"]].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("market,rank,site,verdict,may_be_best,score_us"));
    assert_eq!(lines.count(), (3 + 1) * 4, "{text}");
}

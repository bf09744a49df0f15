//! `vantage compare`.

use crate::season::{SEASON, find};

const MIGRATION: [&str; 3] = ["compare", "--migration", "shop-2026"];

#[test]
fn a_migration_that_helped_is_called_better_with_a_margin_that_holds_the_truth() {
    let answer = SEASON.json(&MIGRATION);
    assert_eq!(answer["overall"]["verdict"], "better");
    // Three round trips each; a quantile of noise lies a little off, so the bounds are wide.
    for (market, about_ms) in [("hk", -330.0), ("in", -600.0), ("mx", -700.0)] {
        let market = find(&answer["markets"], "market", market);
        assert_eq!(market["verdict"], "better", "{market}");
        let change = &market["score"]["change_us"];
        let change_ms = change["value"].as_f64().unwrap() / 1e3;
        assert!((0.5..2.0).contains(&(change_ms / about_ms)), "{change_ms}");
        assert!(change["interval"]["high"].as_f64().unwrap() < 0.0);
        assert_eq!(market["hours_of_week"], 168);
    }
}

#[test]
fn failures_that_the_move_ended_are_named_by_code() {
    let answer = SEASON.json(&MIGRATION);
    for market in answer["markets"].as_array().unwrap() {
        assert_eq!(market["failure_rate"]["verdict"], "better");
        let reset = find(&market["failures"]["by_code"], "code", "tls_reset");
        assert_eq!(reset["verdict"], "better", "{reset}");
        assert_eq!(reset["after"]["failed"], 0);
    }
}

#[test]
fn what_the_new_site_promised_came_true() {
    let answer = SEASON.json(&MIGRATION);
    for market in answer["markets"].as_array().unwrap() {
        let forecast = &market["forecast"];
        // The season has the same way before and after: whatever the gap is, it may be none.
        let gap = &forecast["gap_us"]["interval"];
        let (low, high) = (gap["low"].as_f64().unwrap(), gap["high"].as_f64().unwrap());
        assert!(low < 0.0 && 0.0 < high, "{forecast}");
        let outcome = forecast["outcome"].as_str().unwrap();
        assert!(["kept", "inconclusive"].contains(&outcome), "{forecast}");
    }
}

#[test]
fn a_control_that_did_not_move_did_not_change() {
    let answer = SEASON.json(&MIGRATION);
    for market in answer["markets"].as_array().unwrap() {
        let change = &find(&market["controls"], "site", "oregon")["change_us"];
        let (low, high) = (&change["interval"]["low"], &change["interval"]["high"]);
        assert!(low.as_f64().unwrap() < 10e3 && high.as_f64().unwrap() > -10e3, "{change}");
    }
}

#[test]
fn two_stretches_in_which_nothing_happened_are_not_called_a_change() {
    let answer = SEASON.json(&[
        "compare",
        "--service",
        "shop",
        "--before",
        "2026-03-02..2026-03-16",
        "--after",
        "2026-03-16..2026-03-29",
    ]);
    let verdict = answer["overall"]["verdict"].as_str().unwrap();
    assert!(["equivalent", "inconclusive"].contains(&verdict), "{verdict}");
}

#[test]
fn what_weakens_a_comparison_is_told_as_of_a_ranking_with_what_to_do() {
    let answer = SEASON.json(&MIGRATION);
    let network = serde_json::json!(
        { "kind": "one_network", "markets": ["hk", "in", "mx"], "of": 3 }
    );
    assert_eq!(answer["caveats"], serde_json::json!([network]));
    let ranked = SEASON.json(&["rank", "--from", "2026-03-02", "--to", "2026-03-30"]);
    assert_eq!(ranked["caveats"], answer["caveats"]);
    let planned = SEASON.json(&["plan", "--from", "2026-03-02", "--to", "2026-03-30"]);
    assert_eq!(planned["caveats"], answer["caveats"]);

    let days = ["--before", "2026-03-23..2026-03-28", "--after", "2026-03-30..2026-04-04"];
    let short = [&["compare", "--service", "shop"][..], &days].concat();
    let caveats = SEASON.json(&short)["caveats"].clone();
    assert_eq!(caveats[0], serde_json::json!({ "kind": "few_blocks", "blocks": 5 }), "{caveats}");
    let table = SEASON.table(&short);
    assert!(table.contains("Only 5 days were measured"), "{table}");
    assert!(table.contains("Measure at least 7 days, better 14."), "{table}");
    assert!(table.contains("Add a vantage point in another network there."), "{table}");
}

#[test]
fn the_table_says_before_after_and_verdict() {
    let table = SEASON.table(&MIGRATION);
    assert!(
        table.starts_with("shop: beijing → california, singapore, cutover 2026-03-30T00:00:00Z")
    );
    let heading = table.lines().find(|line| line.starts_with("market")).unwrap();
    for column in ["before", "after", "change", "controls", "promise", "failures", "verdict"] {
        assert!(heading.contains(column), "{table}");
    }
    assert_eq!(table.lines().filter(|line| line.ends_with("better")).count(), 4 + 6, "{table}");
}

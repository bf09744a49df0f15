//! Every query of every dashboard, of every variable and of every alert rule is run against a real
//! InfluxDB that holds what the exporter writes of a simulated season.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "in tests a panic is a failed test")]

mod choices;
mod season;
mod server;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;
use vantage_dashboards::dashboard::Dashboard;
use vantage_dashboards::influxql::Query;
use vantage_dashboards::{alerts, dashboards};
use vantage_wire::FailureCode;

use choices::{Choices, Deed, is_left_over, with_time};
use season::{END_S, NOW_S, START_S, cutover};
use server::InfluxDb;

static SERVER: LazyLock<InfluxDb> = LazyLock::new(|| {
    let server = InfluxDb::start();
    for lines in season::lines() {
        server.write(&lines);
    }
    server
});

/// Runs what was filled in, and holds the result to what the query says that it gives.
fn run(query: &Query, filled_in: &str) -> Vec<Value> {
    let series = SERVER.query(filled_in);
    assert!(!series.is_empty(), "nothing found: {filled_in}");
    let columns: Vec<_> = std::iter::once("time").chain(query.column_names()).collect();
    let tags: BTreeSet<_> = query.tag_names().collect();
    for found in &series {
        assert_eq!(found["columns"], serde_json::json!(columns), "{filled_in}");
        assert!(!found["values"].as_array().unwrap().is_empty());
        let found_tags = found["tags"].as_object();
        let found_tags: BTreeSet<_> =
            found_tags.into_iter().flat_map(|tags| tags.keys().map(String::as_str)).collect();
        assert_eq!(found_tags, tags, "{filled_in}");
    }
    series
}

/// Whether there is a value in a column in any row.
fn has_value(series: &[Value], column: usize) -> bool {
    let mut rows = series.iter().flat_map(|series| series["values"].as_array().unwrap());
    rows.any(|row| !row[column].is_null())
}

fn each_query(dashboard: &Dashboard, deed: Deed<'_>, mut with: impl FnMut(&Query, &[Value], &str)) {
    let json = dashboard.json();
    let choices = Choices::of(&json, &SERVER, &cutover(), deed);
    let panels = json["panels"].as_array().unwrap();
    for (id, panel) in dashboard.panels() {
        let drawn = panels.iter().find(|drawn| drawn["id"] == id).unwrap();
        let shortest = drawn["interval"].as_str().unwrap_or("");
        for (target, written) in panel.targets.iter().zip(0..) {
            let text = drawn["targets"][written]["query"].as_str().unwrap();
            assert_eq!(text, target.query.text());
            let filled_in = choices.query(text, START_S, END_S, shortest);
            let series = run(&target.query, &filled_in);
            with(&target.query, &series, &filled_in);
        }
    }
}

#[test]
fn every_query_of_every_dashboard_finds_its_columns_and_a_value_in_each() {
    for dashboard in dashboards::all() {
        each_query(&dashboard, Deed::Open, |query, series, text| {
            let columns: Vec<_> = query.column_names().zip(1..).collect();
            // Codes that no probe of what is chosen can fail with are not written: one will do.
            let is_code = |name: &str| FailureCode::ALL.iter().any(|code| code.name() == name);
            let (codes, others): (Vec<_>, Vec<_>) =
                columns.into_iter().partition(|(name, _)| is_code(name));
            assert!(codes.is_empty() || codes.iter().any(|(_, column)| has_value(series, *column)));
            for (name, column) in others {
                assert!(has_value(series, column), "{}: no {name}: {text}", dashboard.title);
            }
        });
    }
}

#[test]
fn one_value_and_several_values_of_every_variable_can_be_chosen() {
    for dashboard in dashboards::all() {
        // A target belongs to a site or to a service: what narrows down by both finds nothing.
        for deed in [Deed::ChooseAllBut("site", 1), Deed::ChooseAllBut("service", 2)] {
            each_query(&dashboard, deed, |_, _, _| ());
        }
    }
}

#[test]
fn what_is_chosen_is_what_is_found() {
    let dashboard = dashboards::where_to_host();
    each_query(&dashboard, Deed::Choose("site", 2), |query, series, _| {
        if query.tag_names().any(|tag| tag == "site") {
            let sites: BTreeSet<_> =
                series.iter().map(|series| series["tags"]["site"].as_str()).collect();
            assert_eq!(sites.len(), 2, "{series:?}");
        }
    });
    // The target follows the service although "all" targets are chosen.
    let dashboard = dashboards::market();
    each_query(&dashboard, Deed::Choose("service", 1), |query, series, _| {
        if query.tag_names().any(|tag| tag == "target") {
            assert!(
                series.iter().all(|series| series["tags"]["target"] == "shop-web"),
                "{series:?}"
            );
        }
    });
}

#[test]
fn a_mark_finds_the_cutover() {
    let dashboard = dashboards::migration();
    let json = dashboard.json();
    let choices = Choices::of(&json, &SERVER, &cutover(), Deed::Open);
    for mark in &dashboard.annotations {
        let filled_in = choices.query(&mark.query.text(), START_S, END_S, "");
        let series = run(&mark.query, &filled_in);
        assert_eq!(series[0]["values"][0][0], season::CUTOVER_S * 1000);
        assert_eq!(series[0]["values"][0][2], "shop");
    }
}

#[test]
fn every_query_of_every_alert_rule_finds_its_columns() {
    for rule in alerts::all() {
        for question in &rule.questions {
            let ago = |span_s: u32| NOW_S - i64::from(span_s);
            let (from_s, to_s) = (ago(question.from_s), ago(question.to_s));
            let filled_in = with_time(&question.query.text(), from_s, to_s, "");
            assert!(!is_left_over(&filled_in), "rules have no variables: {filled_in}");
            let series = run(&question.query, &filled_in);
            assert!(has_value(&series, 1), "{}: {filled_in}", rule.title);
        }
    }
}

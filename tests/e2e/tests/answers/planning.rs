//! `vantage plan`.

use crate::season::SEASON;

const RANGE: [&str; 4] = ["--from", "2026-03-02", "--to", "2026-03-30"];

fn plan(arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["plan"];
    all.extend(RANGE);
    all.extend(arguments);
    all.into_iter().map(str::to_owned).collect()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let arguments = plan(arguments);
    SEASON.json(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn two_sites_serve_three_markets_best() {
    let plan = &json(&["--sites", "2"])["plan"];
    assert_eq!(plan["sites"], serde_json::json!(["california", "singapore"]));
    assert_eq!(plan["markets"]["mx"]["site"], "california");
    assert_eq!(plan["markets"]["hk"]["site"], "singapore");
    assert_eq!(plan["cost_per_month"], 50.0);
    assert_eq!(plan["stability"]["share"], 1.0);
}

#[test]
fn rules_given_on_the_command_line_are_obeyed() {
    let plan = &json(&["--sites", "2", "--forbid", "california"])["plan"];
    assert_eq!(plan["sites"], serde_json::json!(["oregon", "singapore"]));
    let plan = &json(&["--sites", "2", "--require", "beijing"])["plan"];
    assert!(plan["sites"].as_array().unwrap().contains(&"beijing".into()));
    let plan = &json(&["--sites", "3", "--max-cost", "30"])["plan"];
    assert!(plan["cost_per_month"].as_f64().unwrap() <= 30.0);
}

#[test]
fn rules_that_nothing_meets_are_named_and_the_exit_code_is_1() {
    let arguments = plan(&["--sites", "2", "--worst-market", "100ms"]);
    let output = SEASON.vantage(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("no set of sites meets the rules"), "{said}");
    assert!(said.contains("hk") && said.contains("100 ms"), "{said}");
}

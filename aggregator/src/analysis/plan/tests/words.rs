use std::time::Duration;

use super::super::explain::explain;
use super::*;

fn asia() -> Case {
    Case::read(
        "in: oregon 230, california 240, beijing 150
         mx: oregon 80, california 60, beijing 300, singapore 250",
    )
}

#[test]
fn residency_that_no_measured_site_meets_names_market_and_rule() {
    let mut case = asia();
    case.reside("in", &["IN"], &["singapore"]);
    assert_eq!(
        case.words(),
        ["in: residency allows only IN, singapore, and no measured site is there \
             (measured: beijing, oregon, california)"]
    );
    assert!(!case.plan().unwrap_err().lacks_data());
}

#[test]
fn a_market_without_measurements_lacks_data() {
    let mut case = asia();
    case.market("tw", 1.0);
    assert_eq!(case.words(), ["tw: no site is measured well enough from there"]);
    assert!(case.plan().unwrap_err().lacks_data());
    assert_eq!(Case::new().words(), ["there are no markets to serve"]);
    let mut nothing = Case::new();
    nothing.market("tw", 1.0);
    assert!(nothing.plan().unwrap_err().lacks_data());
}

#[test]
fn required_sites_that_cost_too_much_are_told() {
    let mut case = asia();
    case.site("oregon", "US", Some(60_000.0));
    case.site("beijing", "CN", Some(30_000.0));
    case.objective.required_sites = ids("oregon beijing").into_iter().collect();
    case.objective.max_cost_per_month = Some(60_000.0);
    assert_eq!(case.words(), ["required sites cost 90000, above max 60000"]);
}

#[test]
fn a_ceiling_below_the_best_site_names_the_market() {
    let mut case = asia();
    case.objective.worst_market = Some(Duration::from_millis(100));
    assert_eq!(
        case.words(),
        ["no permitted site keeps in below 100 ms: best possible 150 ms at beijing"]
    );
}

#[test]
fn a_ceiling_that_few_sites_cannot_keep_says_what_they_can() {
    let mut case = asia();
    case.objective.worst_market = Some(Duration::from_millis(200));
    case.objective.max_sites = 1;
    assert_eq!(
        case.words(),
        [
            "a set may have 1 site at most; it would be possible with 2",
            "no set of ≤ 1 site keeps in below 200 ms: best possible 230 ms at oregon",
        ]
    );
}

#[test]
fn n_plus_one_names_the_market_and_the_limit_that_could_be_kept() {
    let mut case = asia();
    case.objective.second_choice = Some(Duration::from_millis(200));
    assert_eq!(
        case.words(),
        ["n+1: no two permitted sites keep the second choice of in within 200 ms: \
             best possible 230 ms at oregon"]
    );
    case.reside("in", &[], &["beijing"]);
    assert_eq!(
        case.words(),
        ["n+1: no two permitted sites keep the second choice of in within 200 ms: \
             fewer than two sites may and can serve it"]
    );
}

#[test]
fn a_cost_limit_in_the_way_says_what_is_needed() {
    let mut case = asia();
    for (name, cost) in [("oregon", 50.0), ("california", 40.0), ("beijing", 30.0)] {
        case.site(name, "US", Some(cost));
    }
    case.objective.worst_market = Some(Duration::from_millis(160));
    case.objective.max_cost_per_month = Some(60.5);
    assert_eq!(
        case.words(),
        [
            "sites may cost 60.5 at most; the cheapest set that meets all other rules costs 70 \
             (beijing, california)",
            "no set of ≤ 4 sites keeps in below 160 ms: best possible 230 ms at oregon",
        ]
    );
}

#[test]
fn rules_that_meet_in_nothing_but_together_are_said_to_be_several() {
    let mut case = Case::read("in: a 10, b 90\n mx: a 90, b 10");
    case.reside("in", &[], &["a"]);
    case.reside("mx", &[], &["b"]);
    case.objective.max_sites = 1;
    case.objective.worst_market = Some(Duration::from_millis(20));
    case.site("a", "US", Some(50.0));
    case.site("b", "US", Some(50.0));
    case.objective.max_cost_per_month = Some(50.0);
    assert_eq!(
        case.words(),
        ["each rule can be met by itself, but not all together, and lifting one is not enough"]
    );
}

#[test]
fn an_explanation_that_would_take_too_long_says_so() {
    let mut case = asia();
    case.objective.worst_market = Some(Duration::from_millis(200));
    case.objective.max_sites = 1;
    let question = case.question();
    let infeasible = explain(&question, &question.rules(), 1);
    assert_eq!(
        infeasible.to_string(),
        "no set of sites meets the rules: each rule can be met by itself, but not all together; \
         there are too many sets to find out which rule is in the way"
    );
}

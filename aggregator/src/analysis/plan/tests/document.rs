use super::*;
use crate::analysis::Verdict;

#[test]
fn each_market_is_served_by_its_best_site_of_the_set() {
    let mut case = Case::read(
        "in: singapore 60 62 58, oregon 230 232 228, mumbai 20 21 19
         mx: singapore 250 252 248, oregon 80 81 79, mumbai 260 263 257",
    );
    case.objective.max_sites = 2;
    case.market("in", 3.0);
    let plan = case.plan().unwrap();
    assert_eq!(plan.sites, ids("mumbai oregon"));
    assert!((plan.objective.value_us - 35_000.0).abs() < 1e-6);
    let india = &plan.markets[&market("in")];
    assert_eq!((india.site.as_str(), india.share), ("mumbai", 0.75));
    assert_eq!(india.second.as_ref().unwrap().site.as_str(), "oregon");
    assert!(india.not_distinguishable.is_empty());
    assert_eq!(plan.stability.share, Some(1.0));
    let sets: Vec<_> = plan.frontier.iter().map(|point| point.sites.clone()).collect();
    assert_eq!(sets, [ids("mumbai"), ids("mumbai oregon")]);
    let pays = plan.frontier[1].beside_previous.unwrap();
    assert_eq!((pays.value_us, pays.verdict), (-45_000.0, Verdict::Better));
    assert_eq!(plan.frontier[0].worst.market.as_str(), "mx");
    assert_eq!(plan.alternatives[0].sites, ids("oregon singapore"));
    assert_eq!(plan.alternatives[0].difference.verdict, Verdict::Worse);
}

/// Days differ, but the sites differ alike on all of them: the difference has no margin.
#[test]
fn differences_are_taken_date_by_date() {
    let case = Case::read("hk: a 100 90 110, b 101 91 111");
    let plan = case.plan().unwrap();
    let interval = plan.objective.interval_us.unwrap();
    assert!(interval.high - interval.low > 10_000.0);
    let beside = plan.alternatives.iter().find(|other| other.sites == ids("b")).unwrap();
    let interval = beside.difference.interval_us.unwrap();
    assert!((interval.low - 1_000.0).abs() < 1e-6 && (interval.high - 1_000.0).abs() < 1e-6);
    assert_eq!(beside.difference.verdict, Verdict::Equivalent);
}

#[test]
fn of_equal_sets_the_smaller_wins_then_the_first_by_id() {
    let mut case = Case::read("hk: c 50, b 50, a 50\n tw: c 70, b 70, a 70");
    assert_eq!(case.plan().unwrap().sites, ids("a"));
    case.objective.min_sites = 2;
    assert_eq!(case.plan().unwrap().sites, ids("a b"));
    case.objective.required_sites.insert(site("c"));
    assert_eq!(case.plan().unwrap().sites, ids("a c"));
}

#[test]
fn stability_tells_what_single_dates_decide() {
    let case = Case::read("hk: a 50 49 49 60, b 51 52 52 51");
    let mut case = Case { objective: case.objective.clone(), ..case };
    case.objective.max_sites = 1;
    let stability = case.plan().unwrap().stability;
    assert_eq!((stability.dates, stability.same), (3, 2));
    assert_eq!(stability.others[0].sites, Some(ids("b")));
    assert_eq!(stability.others[0].without, [2]);
}

#[test]
fn without_dates_there_are_no_margins_and_no_verdicts() {
    let plan = Case::read("hk: a 50, b 51").plan().unwrap();
    assert_eq!(plan.objective.interval_us, None);
    assert_eq!((plan.stability.dates, plan.stability.share), (0, None));
    assert_eq!(plan.alternatives[0].difference.verdict, Verdict::Undersampled);
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("NaN"));
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// A mean time to success is infinite where nothing succeeded.
#[test]
fn scores_that_are_no_numbers_are_not_measured() {
    let mut case = Case::read("hk: a 50 51 49, b 90 91 89");
    case.score("hk", "a", &[f64::INFINITY, 1.0, 1.0]);
    let plan = case.plan().unwrap();
    assert_eq!(plan.sites, ids("b"));
    case.score("hk", "a", &[50_000.0, f64::INFINITY, 49_000.0]);
    let plan = case.plan().unwrap();
    assert_eq!((plan.sites.clone(), plan.objective.interval_us), (ids("a"), None));
    assert_eq!(plan.stability.others[0].sites, Some(ids("b")));
    case.score("hk", "a", &[f64::NAN]);
    assert_eq!(case.plan().unwrap().sites, ids("b"));
}

#[test]
fn costs_are_added_up_where_they_are_known() {
    let mut case = Case::read("hk: a 50, b 60\n mx: a 90, b 20, c 10");
    case.site("a", "CN", Some(0.1));
    case.site("b", "US", Some(0.2));
    assert_eq!(case.plan().unwrap().sites, ids("a c"));
    assert_eq!(case.plan().unwrap().cost_per_month, None);
    case.objective.max_cost_per_month = Some(0.3);
    let plan = case.plan().unwrap();
    // 0.1 + 0.2 is a little above 0.3 in binary.
    assert_eq!((plan.sites, plan.sites_without_cost), (ids("a b"), ids("c")));
}

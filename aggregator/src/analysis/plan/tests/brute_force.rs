//! The planner beside one that looks at every set.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;

const INSTANCES: u64 = 1_000;
const DATES: usize = 3;

/// Scores are few whole numbers of milliseconds, so that sums are exact and many sets are equal.
fn random_case(random: &mut impl Rng) -> Case {
    let mut case = Case::new();
    let sites: Vec<String> = (0..random.random_range(1..=8)).map(|n| format!("s{n}")).collect();
    let countries = ["IN", "SG", "US"];
    for site in &sites {
        let cost = random.random_bool(0.9).then(|| f64::from(random.random_range(1..=9)) / 10.0);
        case.site(site, countries[random.random_range(0..3)], cost);
    }
    for number in 0..random.random_range(1..=5) {
        let name = format!("m{number}");
        case.market(&name, f64::from(random.random_range(1..=4)));
        for site in &sites {
            if random.random_bool(0.85) {
                let values: Vec<f64> =
                    (0..=DATES).map(|_| f64::from(random.random_range(1..=6)) * 1e3).collect();
                case.score(&name, site, &values);
            }
        }
        if random.random_bool(0.25) {
            let listed = sites[random.random_range(0..sites.len())].as_str();
            case.reside(&name, &countries[..random.random_range(0..3)], &[listed]);
        }
    }
    let mut some = |chance| -> BTreeSet<SiteId> {
        sites.iter().filter(|_| random.random_bool(chance)).map(|id| site(id)).collect()
    };
    let required = some(0.08);
    let forbidden = &some(0.08) - &required;
    let objective = &mut case.objective;
    objective.required_sites = required;
    objective.forbidden_sites = forbidden;
    objective.min_sites = random.random_range(1..=2.min(sites.len()));
    objective.max_sites = random.random_range(objective.min_sites..=sites.len());
    let tenths = f64::from(random.random_range(5..=25));
    objective.max_cost_per_month = random.random_bool(0.4).then_some(tenths / 10.0);
    let ms = Duration::from_millis(random.random_range(2..=5));
    objective.worst_market = random.random_bool(0.3).then_some(ms);
    let ms = Duration::from_millis(random.random_range(3..=6));
    objective.second_choice = random.random_bool(0.3).then_some(ms);
    case
}

/// What a set comes to, as `Σ weight · score` in whole microseconds, where it meets the rules.
fn objective(case: &Case, set: &[SiteId], score: &dyn Fn(&Replicates) -> f64) -> Option<u64> {
    let rules = &case.objective;
    let within = (rules.min_sites..=rules.max_sites).contains(&set.len());
    let complete = rules.required_sites.iter().all(|site| set.contains(site));
    if !within || !complete || set.iter().any(|site| rules.forbidden_sites.contains(site)) {
        return None;
    }
    if let Some(most) = rules.max_cost_per_month {
        let costs: Option<Vec<f64>> = set.iter().map(|id| case.sites[id].cost_per_month).collect();
        if costs?.iter().map(|cost| (cost * 10.0).round()).sum::<f64>() > (most * 10.0).round() {
            return None;
        }
    }
    let mut sum = 0;
    for (id, market) in &case.markets {
        let residency = market.residency.as_ref();
        let mut scores: Vec<f64> = set
            .iter()
            .filter(|site| residency.is_none_or(|rule| rule.allows(site, &case.sites[*site])))
            .filter_map(|site| case.scores.get(id)?.get(site).map(score))
            .collect();
        scores.sort_by(f64::total_cmp);
        let limit = |span: Option<Duration>| span.map_or(f64::MAX, |span| span.as_secs_f64() * 1e6);
        let best = scores.first().filter(|best| **best <= limit(rules.worst_market))?;
        if rules.second_choice.is_some() {
            scores.get(1).filter(|second| **second <= limit(rules.second_choice))?;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small")]
        let part = (market.weight * best) as u64;
        sum += part;
    }
    Some(sum)
}

/// All sets that meet the rules, best first. Sites without any use are in no set unless required.
fn all_sets(case: &Case, score: &dyn Fn(&Replicates) -> f64) -> Vec<(u64, usize, Vec<SiteId>)> {
    let useful = |id: &SiteId| {
        case.markets.iter().any(|(market, terms)| {
            let residency = terms.residency.as_ref();
            case.scores.get(market).is_some_and(|scores| scores.contains_key(id))
                && residency.is_none_or(|rule| rule.allows(id, &case.sites[id]))
        })
    };
    let required = &case.objective.required_sites;
    let sites: Vec<&SiteId> =
        case.sites.keys().filter(|id| required.contains(*id) || useful(id)).collect();
    let mut sets: Vec<_> = (1_u32..1 << sites.len())
        .filter_map(|mask| {
            let members = sites.iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0);
            let set: Vec<SiteId> = members.map(|(_, site)| (*site).clone()).collect();
            Some((objective(case, &set, score)?, set.len(), set))
        })
        .collect();
    sets.sort();
    sets
}

#[test]
fn a_plan_is_what_looking_at_every_set_finds() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut infeasible = 0;
    for number in 0..INSTANCES {
        let case = random_case(&mut random);
        let sets = all_sets(&case, &|score| score.all);
        let found = case.plan();
        let Some((_, _, best)) = sets.first() else {
            assert!(!found.unwrap_err().obstacles.is_empty(), "instance {number}");
            infeasible += 1;
            continue;
        };
        let plan = found.unwrap_or_else(|error| panic!("instance {number}: {error}, not {best:?}"));
        assert_eq!(plan.sites, *best, "instance {number}");
        let next: Vec<_> = sets.iter().skip(1).take(3).map(|(_, _, set)| set).collect();
        let alternatives: Vec<_> = plan.alternatives.iter().map(|other| &other.sites).collect();
        assert_eq!(alternatives, next, "instance {number}");

        let mut by_size = BTreeMap::new();
        for (_, size, set) in &sets {
            by_size.entry(*size).or_insert(set);
        }
        let frontier: Vec<_> = plan.frontier.iter().map(|point| &point.sites).collect();
        assert_eq!(frontier, by_size.into_values().collect::<Vec<_>>(), "instance {number}");

        for day in (0..).map(Block).take(plan.stability.dates) {
            let sets = all_sets(&case, &|score| score.without[&day]);
            let best = sets.first().map(|(_, _, set)| set);
            let mut others = plan.stability.others.iter();
            let other = others.find(|other| other.without.contains(&day.0));
            let chosen = other.map_or(Some(&plan.sites), |other| other.sites.as_ref());
            assert_eq!(chosen, best, "instance {number} without {day:?}");
        }
    }
    assert!((200..800).contains(&infeasible), "{infeasible} instances say nothing about plans");
}

/// Where lifting one rule is said to be enough, it is; where a limit is given, it is the least.
#[test]
fn what_is_said_to_be_in_the_way_is_in_the_way() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let (mut lifted, mut told) = (0, 0);
    for number in 0..INSTANCES {
        let case = random_case(&mut random);
        let Err(infeasible) = case.plan() else { continue };
        told += 1;
        for obstacle in infeasible.obstacles {
            let mut relaxed = case.clone();
            let mut too_little = case.clone();
            let micros = |us: f64| Some(Duration::from_secs_f64(us / 1e6));
            match &obstacle {
                super::super::Obstacle::WorstMarket { best_us, max_sites: Some(_), .. } => {
                    relaxed.objective.worst_market = micros(*best_us);
                    too_little.objective.worst_market = micros(*best_us - 1.0);
                }
                super::super::Obstacle::SecondChoice {
                    best_us: Some(best),
                    max_sites: Some(_),
                    ..
                } => {
                    relaxed.objective.second_choice = micros(*best);
                    too_little.objective.second_choice = micros(*best - 1.0);
                }
                super::super::Obstacle::MaxCost { needed, .. } => {
                    relaxed.objective.max_cost_per_month = Some(*needed);
                    too_little.objective.max_cost_per_month = Some(*needed - 0.1);
                }
                super::super::Obstacle::MaxSites { needed, .. } => {
                    relaxed.objective.max_sites = *needed;
                    too_little.objective.max_sites = *needed - 1;
                }
                super::super::Obstacle::Required { site } => {
                    relaxed.objective.required_sites.remove(site);
                }
                super::super::Obstacle::Forbidden { .. } => {
                    relaxed.objective.forbidden_sites.clear();
                }
                super::super::Obstacle::ResidencyWithOthers { market, .. } => {
                    relaxed.markets.get_mut(market).unwrap().residency = None;
                }
                _ => continue,
            }
            lifted += 1;
            let any = |case: &Case| !all_sets(case, &|score| score.all).is_empty();
            assert!(any(&relaxed), "instance {number}: {obstacle}");
            assert!(!any(&too_little), "instance {number}: {obstacle}");
        }
    }
    assert!(lifted > 100 && told > 200, "{lifted} of {told}");
}

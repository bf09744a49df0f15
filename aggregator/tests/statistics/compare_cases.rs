//! What a comparison says of single migrations, also of those of which little is known.

use std::ops::Range;

use vantage_aggregator::analysis::Verdict;
use vantage_aggregator::analysis::compare::{
    Comparison, ComparisonSettings, ForecastOutcome, Hours, MarketComparison, MarketHours,
    TemporalClass, compare, compare_market,
};
use vantage_aggregator::catalogue::Score;
use vantage_wire::{FailureCode, Phase};

use crate::migrations::{
    CUTOVER, END, START, Simulation, TIMEOUT, USUAL, Variation, local, sample, settings,
    settings_within,
};

fn same(latency: f64) -> f64 {
    latency
}

fn market(seed: u64, controls: usize) -> MarketHours {
    Simulation::new(seed, USUAL).market(controls, same, same)
}

fn keep(hours: &Hours, range: Range<i64>) -> Hours {
    hours.range(range).map(|(hour, sample)| (*hour, sample.clone())).collect()
}

fn compared(market: &MarketHours, settings: &ComparisonSettings) -> MarketComparison {
    let document = compare_market(market, settings).unwrap().document;
    assert_is_finite(&document);
    document
}

fn assert_is_finite(document: &impl std::fmt::Debug) {
    let text = format!("{document:?}");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

fn has_caveat(caveats: &[String], words: &str) -> bool {
    caveats.iter().any(|caveat| caveat.contains(words))
}

#[test]
fn of_nothing_nothing_is_said() {
    let mut nothing = market(1, 0);
    nothing.service.clear();
    let document = compared(&nothing, &settings());
    assert_eq!(document.verdict, Verdict::Undersampled);
    assert_eq!(document.failure_rate.verdict, Verdict::Undersampled);
    assert!(has_caveat(&document.caveats, "no hour of the week was measured"));
    assert_eq!((document.score.before_us, document.temporal), (None, None));

    let Comparison { overall, markets } = compare(&[nothing], &settings()).unwrap();
    assert_is_finite(&overall);
    assert_eq!((overall.verdict, markets.len()), (Verdict::Undersampled, 1));
    assert_eq!(compare(&[], &settings()).unwrap().overall.verdict, Verdict::Undersampled);
}

#[test]
fn before_anything_was_measured_after_the_cutover_nothing_is_said() {
    let document = compared(&market(1, 2), &settings_within(START..CUTOVER));
    assert_eq!(document.verdict, Verdict::Undersampled);
    assert_eq!(document.before.unused_hours, 14 * 24 + 4);
    assert!(document.controls.is_empty());
}

#[test]
fn one_day_on_a_side_is_not_enough() {
    let mut short = market(1, 0);
    let monday = CUTOVER + 7 * 24 - 10..CUTOVER + 7 * 24 + 14;
    short.service.retain(|hour, _| *hour < CUTOVER || monday.contains(hour));
    let document = compared(&short, &settings());
    assert_eq!(document.verdict, Verdict::Undersampled);
    assert_eq!((document.after.days, document.after.matched_hours), (1, 24));
    assert!(has_caveat(&document.caveats, "after, 1 local days can be compared"));
    assert!(has_caveat(&document.caveats, "24 of the 168 hours of the week"));
    assert_eq!(document.temporal, None);
}

#[test]
fn sides_without_a_common_hour_of_the_week_are_not_compared() {
    let mut apart = market(1, 2);
    apart.service.retain(|hour, _| (local(*hour).hour_of_week < 84) == (*hour < CUTOVER));
    let document = compared(&apart, &settings());
    assert_eq!((document.verdict, document.hours_of_week), (Verdict::Undersampled, 0));
    assert!(document.before.unused_hours > 100 && document.after.unused_hours > 100);
}

#[test]
fn a_service_of_which_half_the_time_is_missing_is_undersampled() {
    let mut patchy = market(1, 0);
    for (hour, sample) in &mut patchy.service {
        if *hour >= CUTOVER {
            sample.covered_s = 1800;
        }
    }
    let document = compared(&patchy, &settings());
    assert_eq!((document.after.coverage, document.verdict), (Some(0.5), Verdict::Undersampled));
    assert!(has_caveat(&document.caveats, "after, 50 % of the time was measured"));
}

#[test]
fn a_service_that_fails_altogether_after_the_move_is_worse_by_either_score() {
    let mut dead = market(1, 2);
    for (hour, measured) in &mut dead.service {
        if *hour >= CUTOVER {
            *measured = sample([], 30);
        }
    }
    let by_quantile = compared(&dead, &settings());
    assert_eq!(by_quantile.verdict, Verdict::Worse);
    assert!(by_quantile.score.after_us.unwrap() > 9_900_000.0);
    assert_eq!(by_quantile.failure_rate.verdict, Verdict::Worse);

    let mean = ComparisonSettings { score: Score::Mean, ..settings() };
    let by_mean = compared(&dead, &mean);
    assert_eq!((by_mean.verdict, by_mean.score.after_us), (Verdict::Worse, None));
    let mut other = market(2, 2);
    other.market = "mx".parse().unwrap();
    let overall = compare(&[dead, other], &mean).unwrap().overall;
    assert_is_finite(&overall);
    assert_eq!(overall.verdict, Verdict::Worse);
    assert!(has_caveat(&overall.caveats, "nearly nothing succeeded on one side in in"));
}

#[test]
fn a_service_that_fails_altogether_on_both_sides_has_not_changed() {
    let mut dead = market(1, 0);
    dead.service.values_mut().for_each(|measured| *measured = sample([], 30));
    let document = compared(&dead, &settings());
    assert_eq!(document.verdict, Verdict::Equivalent);
    assert_eq!(document.failure_rate.after, Some(1.0));
    let mean = ComparisonSettings { score: Score::Mean, ..settings() };
    assert_eq!(compared(&dead, &mean).verdict, Verdict::Inconclusive);
}

#[test]
fn an_answer_without_controls_says_so() {
    let document = compared(&market(1, 0), &settings());
    assert!(has_caveat(&document.caveats, "no control site was measured"));
    assert_eq!(document.score.controls_us, None);
    assert_eq!(document.score.change_us, document.score.plain_us);
    assert!(!has_caveat(&compared(&market(1, 2), &settings()).caveats, "no control site"));
}

#[test]
fn a_site_that_was_rarely_measured_is_no_control_and_costs_no_hours() {
    let mut patchy = market(1, 2);
    let oregon = patchy.controls.get_mut(&"oregon".parse().unwrap()).unwrap();
    oregon.retain(|hour, _| hour % 3 != 0);
    let document = compared(&patchy, &settings());
    assert!(has_caveat(&document.caveats, "oregon is no control: it was measured in"));
    assert_eq!(document.controls.len(), 1);
    assert_eq!(
        document.before.matched_hours,
        compared(&market(1, 2), &settings()).before.matched_hours
    );
}

#[test]
fn hours_that_a_control_lacks_are_compared_nowhere() {
    let mut gap = market(1, 2);
    let missing = CUTOVER - 30..CUTOVER - 20;
    gap.controls.values_mut().next().unwrap().retain(|hour, _| !missing.contains(hour));
    let whole = compared(&market(1, 2), &settings());
    let document = compared(&gap, &settings());
    assert_eq!(document.controls.len(), 2);
    assert_eq!(document.before.matched_hours, whole.before.matched_hours - 10);
    assert_eq!(document.after.matched_hours, document.before.matched_hours);
}

fn forecast(promise: f64, delivered: f64, everyone: f64) -> (ForecastOutcome, f64, f64) {
    let calm = Variation { market_day: 0.01, site_day: 0.01, hour: 0.02, ..USUAL };
    let mut simulation = Simulation::new(7, calm);
    let mut market =
        simulation.market(2, |latency| delivered * latency, |latency| latency + everyone);
    let candidate = simulation.series(80_000.0 * promise, |_, latency| latency);
    market.candidate = Some(("singapore".parse().unwrap(), keep(&candidate, START..CUTOVER)));
    let forecast = compared(&market, &settings()).forecast.unwrap();
    let value =
        |figure: Option<vantage_aggregator::analysis::compare::Figure>| figure.unwrap().value;
    (forecast.outcome, value(forecast.promised_us), value(forecast.realised_us))
}

#[test]
fn a_promise_is_kept_broken_or_exceeded() {
    let (outcome, promised, realised) = forecast(0.5, 0.5, 0.0);
    assert_eq!(outcome, ForecastOutcome::Kept);
    assert!(promised < -45_000.0 && (promised - realised).abs() < 10_000.0);
    assert_eq!(forecast(0.5, 0.8, 0.0).0, ForecastOutcome::Broken);
    assert_eq!(forecast(0.5, 0.3, 0.0).0, ForecastOutcome::Exceeded);
    assert_eq!(ForecastOutcome::Exceeded.to_string(), "better than promised");
}

#[test]
fn a_promise_is_not_broken_by_what_all_sites_saw() {
    let (outcome, promised, realised) = forecast(0.5, 0.5, 30_000.0);
    assert!(realised - promised > 20_000.0);
    assert!(!matches!(outcome, ForecastOutcome::Broken | ForecastOutcome::Exceeded), "{outcome}");
}

#[test]
fn a_site_that_was_not_measured_before_promised_nothing() {
    let mut market = market(1, 2);
    market.candidate = Some(("singapore".parse().unwrap(), Hours::new()));
    let forecast = compared(&market, &settings()).forecast.unwrap();
    assert_eq!((forecast.outcome, forecast.promised_us), (ForecastOutcome::Undersampled, None));
    assert!(has_caveat(&forecast.caveats, "singapore was measured in 0 of the"));
}

fn class(change: impl Fn(i64, f64) -> f64) -> TemporalClass {
    let mut simulation = Simulation::new(11, USUAL);
    let mut market = simulation.market(0, same, same);
    market.service = simulation.series(80_000.0, change);
    compared(&market, &settings()).temporal.unwrap().class
}

#[test]
fn changes_are_classed_by_the_times_at_which_they_show() {
    assert_eq!(class(|_, latency| latency), TemporalClass::Uneventful);
    let after = |hour: i64| hour >= CUTOVER;
    let by = |applies: bool| if applies { 1.6 } else { 1.0 };
    assert_eq!(class(|hour, latency| by(after(hour)) * latency), TemporalClass::Continuous);
    let evening = |hour| (19..23).contains(&local(hour).hour_of_day());
    assert_eq!(
        class(|hour, latency| by(after(hour) && evening(hour)) * latency),
        TemporalClass::Diurnal
    );
    let two_days = CUTOVER + 100..CUTOVER + 148;
    assert_eq!(
        class(|hour, latency| by(two_days.contains(&hour)) * latency),
        TemporalClass::Episodic
    );
}

#[test]
fn failures_are_compared_by_code_and_those_of_agents_apart() {
    let mut failing = market(1, 0);
    for (hour, measured) in &mut failing.service {
        let after = u64::from(*hour >= CUTOVER);
        let mut fail = |phase, code, count| {
            measured.add_failures(phase, code, count, TIMEOUT).unwrap();
        };
        fail(Phase::Tls, FailureCode::TlsHandshake, 1 - after);
        fail(Phase::Request, FailureCode::Http5xx, 3 * after);
        fail(Phase::Total, FailureCode::AgentOffline, 2 * after);
    }
    let document = compared(&failing, &settings());
    let [http, tls, tcp] = document.failures.by_code.as_slice() else { panic!("three codes") };
    assert_eq!((http.code, http.verdict), (FailureCode::Http5xx, Verdict::Worse));
    assert_eq!((tls.code, tls.verdict), (FailureCode::TlsHandshake, Verdict::Better));
    assert_eq!(tcp.code, FailureCode::TcpTimeout);
    assert!(!matches!(tcp.verdict, Verdict::Better | Verdict::Worse));

    let interval = http.before.interval.unwrap();
    let attempts = document.before.failure_rate.attempts as f64;
    assert_eq!((http.before.failed, interval.low), (0, 0.0));
    assert!((2.99..3.01).contains(&(interval.high * attempts)));
    let [lost] = document.failures.lost.as_slice() else { panic!("one code") };
    assert_eq!((lost.code, lost.before), (FailureCode::AgentOffline, 0));
    assert_eq!(lost.after, document.after.excused);
}

#[test]
fn a_single_outage_is_no_trend() {
    let mut outage = market(1, 0);
    for (_, measured) in outage.service.range_mut(CUTOVER + 100..CUTOVER + 106) {
        *measured = sample([], 30);
    }
    let document = compared(&outage, &settings());
    let tcp = document.failures.by_code.first().unwrap();
    assert!(tcp.after.rate.unwrap() > 5.0 * tcp.before.rate.unwrap());
    assert_eq!(tcp.verdict, Verdict::Inconclusive);
    assert_eq!(document.failure_rate.verdict, Verdict::Inconclusive);
}

#[test]
fn markets_count_by_their_weight_and_those_with_few_data_not_at_all() {
    let faster = |seed, weight: f64, name: &str, factor: f64| {
        let mut market = Simulation::new(seed, USUAL).market(2, |latency| factor * latency, same);
        market.market = name.parse().unwrap();
        market.weight = weight;
        market
    };
    let mut unknown = faster(3, 1.0, "mx", 5.0);
    unknown.service.retain(|hour, _| *hour < CUTOVER);
    let markets = [faster(1, 6.0, "in", 0.7), faster(2, 3.0, "id", 1.2), unknown];
    let Comparison { overall, markets } = compare(&markets, &settings()).unwrap();
    assert_is_finite(&overall);
    assert_eq!(markets[0].verdict, Verdict::Better);
    assert_eq!(markets[1].verdict, Verdict::Worse);
    assert_eq!(overall.verdict, Verdict::Better);
    assert!((overall.weight_covered - 0.9).abs() < 1e-9);
    assert!(has_caveat(&overall.caveats, "without mx"));
    let weighted = (6.0 * markets[0].score.before_us.unwrap()
        + 3.0 * markets[1].score.before_us.unwrap())
        / 9.0;
    assert!((overall.score.before_us.unwrap() - weighted).abs() < 1.0);
}

#[test]
fn a_document_survives_being_written_and_read() {
    let mut market = market(1, 2);
    market.candidate = Some(("singapore".parse().unwrap(), market.service.clone()));
    let comparison = compare(&[market], &settings_within(START..END)).unwrap();
    let text = serde_json::to_string(&comparison).unwrap();
    let read: Comparison = serde_json::from_str(&text).unwrap();
    // Parsing may be out by the last bit of a number.
    assert_eq!(format!("{read:.3?}"), format!("{comparison:.3?}"));
}

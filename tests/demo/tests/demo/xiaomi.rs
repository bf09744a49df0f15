//! Xiaomi, 2014, as a newcomer runs it, but in half of the time and of the weeks.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::results::{market, order};
use crate::run::Place;

const FOUR: [&str; 6] = ["hk", "tw", "in", "id", "mx", "ru"];

#[test]
fn the_planner_gets_an_answer_to_sign() {
    let place = Place::new();
    let mut running = place.start(&["--keep", "--live", "30", "--weeks", "4"]);
    let line = running.wait_for("The aggregator answers at ");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().to_owned();
    let results = place.results();

    // The same answers as anybody gets who asks the aggregator from this machine.
    results.are_those_of(&url);
    results.truth_agrees();
    running.signal(Signal::SIGINT);
    let said = running.end_well().said;
    assert!(said.contains("DNS answers change: shop moves from beijing"), "{said}");
    assert!(said.contains("DNS answers change: miui moves from beijing"), "{said}");
    assert!(said.lines().any(|line| line.starts_with("truth: ")), "{said}");

    let before = results.answer("rankings", "before");
    for market in ["hk", "tw", "in", "id"] {
        assert_eq!(order(before, market)[0], ("singapore", Some(1)), "{market}");
        assert_eq!(before["markets"][market]["sites"][0]["verdict"], "better", "{market}");
    }
    let american = order(before, "mx")[0].0;
    assert!(["california", "oregon"].contains(&american), "{american}");
    for market in FOUR {
        assert_ne!(order(before, market)[0].0, "beijing", "{market}");
        let ranking = &before["markets"][market];
        for site in ranking["sites"].as_array().unwrap() {
            let within = &site["score_interval_us"];
            let (low, high) = (within["low"].as_f64().unwrap(), within["high"].as_f64().unwrap());
            assert!(low <= high && site["verdict"].is_string(), "{market}: {site}");
        }
    }
    for name in ["shop", "miui"] {
        let comparison = results.answer("comparisons", name);
        for id in FOUR {
            let market = market(comparison, id);
            assert_eq!(market["verdict"], "better", "{name} {id}: {market}");
            assert!(market["forecast"]["promised_us"]["value"].is_number(), "{name} {id}");
        }
    }
    plans(results.answer("plans", "four-sites"), results.answer("plans", "local-sites"));
}

/// With sites in India and Brazil, and rules on where data may be, the plan is another.
fn plans(four: &Value, local: &Value) {
    let sites = |plan: &Value| -> Vec<String> {
        let sites = plan["plan"]["sites"].as_array().unwrap();
        sites.iter().map(|site| site.as_str().unwrap().to_owned()).collect()
    };
    let (four, chosen) = (sites(four), sites(local));
    assert!(four.iter().any(|site| site == "singapore"), "{four:?}");
    assert_ne!(four, chosen);
    let served = |market: &str| local["plan"]["markets"][market]["site"].as_str().unwrap();
    assert_eq!((served("in"), served("br")), ("mumbai", "sao-paulo"));
    assert_eq!(served("hk"), "singapore");
    assert!(["california", "oregon", "singapore"].contains(&served("ru")), "{}", served("ru"));
    assert!(["california", "oregon"].contains(&served("mx")), "{}", served("mx"));
}

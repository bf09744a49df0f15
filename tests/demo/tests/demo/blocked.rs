//! A border that interferes is named, with what it does, where it does it, and nowhere else.

use crate::results::market;
use crate::run::{Place, scenario};

#[test]
fn a_blocked_site_is_named_in_the_market_that_cannot_reach_it_and_in_no_other() {
    let place = Place::new();
    let ended =
        place.start(&["--world", &scenario("blocked"), "--live", "16", "--weeks", "2"]).end_well();
    // Live: as the agents saw it, from that market only.
    let (_, live) = ended.said.split_once("what failed more often than not\n\n").unwrap();
    let failing: Vec<_> = live.lines().take_while(|line| line.starts_with("  ")).collect();
    assert!(failing.iter().all(|line| line.starts_with("  ru-1 to ")), "{failing:?}");
    for seen in ["ru-1 to oregon, http: tls_reset", "ru-1 to oregon, dns: dns_bogus"] {
        assert!(failing.iter().any(|line| line.contains(seen)), "{seen}: {failing:?}");
    }

    let results = place.results();
    results.truth_agrees();
    for (name, code) in [("sites", "tls_reset"), ("names", "dns_bogus")] {
        let ranking = results.answer("rankings", name);
        for (id, ranked) in ranking["markets"].as_object().unwrap() {
            for site in ranked["sites"].as_array().unwrap() {
                let rate = site["failures"]["rate"].as_f64().unwrap();
                let blocked = id == "ru" && site["site"] == "oregon";
                assert_eq!(rate > 0.5, blocked, "{id}: {site}");
            }
        }
        let named = results.0["failures"][name].as_array().unwrap();
        let named: Vec<_> = named.iter().filter(|row| row["code"] == code).collect();
        assert_eq!(named.len(), 1, "{named:?}");
        assert_eq!((&named[0]["market"], &named[0]["site"]), (&"ru".into(), &"oregon".into()));
    }
    let comparison = results.answer("comparisons", "shop");
    assert_eq!(market(comparison, "ru")["verdict"], "worse");
    let codes = market(comparison, "ru")["failures"]["by_code"].as_array().unwrap();
    assert!(codes.iter().any(|row| row["code"] == "tls_reset" && row["verdict"] == "worse"));
    assert_eq!(market(comparison, "mx")["verdict"], "better");
}

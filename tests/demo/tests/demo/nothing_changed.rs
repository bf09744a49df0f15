//! Where nothing changed, nothing is said to have; and an ordinary user can see so.

use crate::run::{Place, scenario};

#[test]
fn a_move_that_changes_nothing_is_called_unchanged_in_every_market() {
    let place = Place::new();
    let arguments = ["--world", &scenario("nothing-changed"), "--live", "12"];
    place.start_as_nobody(&arguments).end_well();
    let results = place.results();
    results.truth_agrees();
    let comparison = results.answer("comparisons", "shop");
    let markets = comparison["markets"].as_array().unwrap();
    assert_eq!(markets.len(), 6);
    for market in markets {
        assert_eq!(market["verdict"], "equivalent", "{market}");
    }
    assert_eq!(comparison["overall"]["verdict"], "equivalent");
}

//! `vantage changes`.

use crate::season::SEASON;

const RANGE: [&str; 5] = ["changes", "--from", "2026-03-02", "--to", "2026-04-27"];

#[test]
fn a_service_that_moved_changed_level_with_its_address_at_the_cutover() {
    let answer = SEASON.json(&[RANGE.as_slice(), &["--service", "shop"]].concat());
    let changes = answer["changes"].as_array().unwrap();
    for market in ["hk", "in", "mx"] {
        let moved = changes
            .iter()
            .find(|change| change["market"] == market && change["at"] == "2026-03-30T00:00:00Z");
        let moved = moved.unwrap_or_else(|| panic!("{market}: {changes:?}"));
        assert_eq!(moved["cause"], "address", "{moved}");
        assert_eq!(moved["addresses_before"], serde_json::json!(["192.0.2.1"]));
        assert!(moved["after_us"].as_f64().unwrap() < moved["before_us"].as_f64().unwrap());
    }
    let elsewhere = changes.iter().filter(|change| change["cause"] == "address");
    assert_eq!(elsewhere.count(), 3, "{changes:?}");
}

#[test]
fn sites_that_stayed_kept_their_address() {
    let answer = SEASON.json(&[RANGE.as_slice(), &["--site", "oregon"]].concat());
    for change in answer["changes"].as_array().unwrap() {
        assert_eq!(change["cause"], "route", "{change}");
    }
}

/// The changes found of the service.
fn found(arguments: &[&str]) -> Vec<serde_json::Value> {
    let answer = SEASON.json(&[RANGE.as_slice(), &["--service", "shop"], arguments].concat());
    answer["changes"].as_array().unwrap().clone()
}

/// How much the levels of a change differ, in µs.
fn size_us(change: &serde_json::Value) -> f64 {
    (change["after_us"].as_f64().unwrap() - change["before_us"].as_f64().unwrap()).abs()
}

#[test]
fn changes_below_the_smallest_are_not_told_and_those_above_are() {
    let mut all: Vec<_> = found(&[]).iter().map(size_us).collect();
    all.sort_by(f64::total_cmp);
    let (least, greatest) = (all[0], all[all.len() - 1]);
    assert!(greatest > 2.0 * least, "{all:?}");
    let between = format!("{}ms", ((least + greatest) / 2e3).round());
    let told = found(&["--smallest", &between]);
    assert!(told.len() < all.len(), "{between}: {told:?} of {all:?}");
    let is_above = |change| size_us(change) >= f64::midpoint(least, greatest) - 500.0;
    assert!(told.iter().all(is_above), "{told:?}");
    assert!(told.iter().any(|change| change["at"] == "2026-03-30T00:00:00Z"), "{told:?}");
    let above = format!("{}ms", (greatest / 1e3).ceil());
    assert!(found(&["--smallest", &above]).is_empty());
    // The threshold of the objective, 5 ms or 2 %, holds where nothing is said.
    assert!(found(&["--smallest", "1ms"]).len() >= all.len());
}

#[test]
fn a_smallest_change_that_is_no_span_is_refused() {
    let output = SEASON.vantage(&[RANGE.as_slice(), &["--smallest", "little"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("\"little\" is no span; write a number and ms or s: 5ms"), "{said}");
}

#[test]
fn the_table_names_the_addresses() {
    let table =
        SEASON.table(&[RANGE.as_slice(), &["--service", "shop", "--market", "mx"]].concat());
    assert!(table.contains("address: 192.0.2.1 → 192.0.2.4"), "{table}");
    let none = SEASON.table(&[RANGE.as_slice(), &["--smallest", "60s"]].concat());
    assert!(none.ends_with("no change of level that would matter\n"), "{none}");
}

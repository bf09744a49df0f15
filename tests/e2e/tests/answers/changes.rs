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

#[test]
fn the_table_names_the_addresses() {
    let table =
        SEASON.table(&[RANGE.as_slice(), &["--service", "shop", "--market", "mx"]].concat());
    assert!(table.contains("address: 192.0.2.1 → 192.0.2.4"), "{table}");
    let none = SEASON.table(&[RANGE.as_slice(), &["--smallest", "60s"]].concat());
    assert!(none.ends_with("no change of level that would matter\n"), "{none}");
}

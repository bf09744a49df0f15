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

/// How much the levels of the changes found differ, in µs.
fn sizes(arguments: &[&str]) -> Vec<f64> {
    let answer = SEASON.json(&[RANGE.as_slice(), &["--service", "shop"], arguments].concat());
    let changes = answer["changes"].as_array().unwrap().iter();
    let size = |change: &serde_json::Value| {
        (change["after_us"].as_f64().unwrap() - change["before_us"].as_f64().unwrap()).abs()
    };
    changes.map(size).collect()
}

#[test]
fn changes_below_the_smallest_are_not_told_and_those_above_are() {
    let mut all = sizes(&[]);
    all.sort_by(f64::total_cmp);
    let (least, greatest) = (all[0], all[all.len() - 1]);
    assert!(greatest > 2.0 * least, "{all:?}");
    let middle = f64::midpoint(least, greatest);
    let between = format!("{}ms", (middle / 1e3).round());
    let told = sizes(&["--smallest", &between]);
    assert!(!told.is_empty() && told.len() < all.len(), "{between}: {told:?} of {all:?}");
    assert!(told.iter().all(|size| *size >= middle - 500.0), "{told:?}");
    // Where changes beside it are not told, its levels are those of longer stretches.
    assert!(told.iter().any(|size| (size / greatest - 1.0).abs() < 0.1), "{told:?}");
    let above = format!("{}ms", (greatest / 1e3).ceil());
    assert_eq!(sizes(&["--smallest", &above]), [0.0; 0]);
    // The threshold of the objective, 5 ms or 2 %, holds where nothing is said.
    assert!(sizes(&["--smallest", "1ms"]).len() >= all.len());
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

//! Questions without an answer: each has its words and its exit code.

use tempfile::TempDir;

use crate::season::{CATALOGUE, SEASON, vantage_in};

fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let output = SEASON.vantage(arguments);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_name_that_is_not_in_the_catalogue_is_answered_with_the_one_that_is() {
    let (code, said) = refusal(&["rank", "--site", "singapoor"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("there is no site \"singapoor\"; did you mean singapore?"), "{said}");
    let (code, said) = refusal(&["rank", "--market", "jp"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("there are hk, in, mx"), "{said}");
    let (code, said) = refusal(&["compare", "--migration", "shop-2025"]);
    assert_eq!((code, said.contains("did you mean shop-2026?")), (Some(2), true), "{said}");
    let (code, said) = refusal(&["plan", "--probe", "icmp"]);
    assert_eq!((code, said.contains("there is no probe \"icmp\"")), (Some(2), true), "{said}");
}

#[test]
fn times_that_make_no_sense_are_refused() {
    for arguments in [
        ["rank", "--from", "2026-03-30", "--to", "2026-03-02"].as_slice(),
        &["rank", "--from", "yesterday"],
        &["rank", "--last", "30"],
        &["rank", "--last", "30d", "--from", "2026-03-02"],
        &["rank", "--to", "2026-03-02"],
        &["compare"],
        &["compare", "--service", "shop"],
        &[
            "compare",
            "--service",
            "shop",
            "--before",
            "2026-03-02..2026-03-09",
            "--after",
            "2026-03-05..2026-03-16",
        ],
        &["rank", "--quantile", "p101"],
        &["plan", "--sites", "0"],
        &["plan", "--worst-market", "fast"],
    ] {
        let (code, said) = refusal(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
    }
}

#[test]
fn without_data_the_exit_code_is_4_and_the_words_are_plain() {
    let range = ["--from", "2020-01-01", "--to", "2020-02-01"];
    for command in ["rank", "plan"] {
        let (code, said) = refusal(&[&[command], range.as_slice()].concat());
        assert_eq!((code, said.contains("not enough data")), (Some(4), true), "{said}");
    }
    let (code, said) = refusal(&["compare", "--migration", "never"]);
    assert_eq!((code, said.contains("its cutover")), (Some(4), true), "{said}");
}

#[test]
fn what_cannot_be_reached_has_exit_code_3() {
    let folder = TempDir::new().unwrap();
    let output = vantage_in(&folder, &["rank"]);
    assert_eq!(output.status.code(), Some(2), "a catalogue is needed first");
    std::fs::write(folder.path().join("catalogue.toml"), CATALOGUE).unwrap();
    let output = vantage_in(&folder, &["rank"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no store there"));
    let output = vantage_in(&folder, &["rank", "--url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(3));
}

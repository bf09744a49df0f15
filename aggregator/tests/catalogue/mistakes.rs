//! What operators are told about their mistakes: `mistakes/NAME.toml` and, word by word,
//! `mistakes/NAME.txt`. `UPDATE_GOLDEN=1` writes the latter anew.

use std::fs;
use std::path::Path;

use vantage_aggregator::catalogue::{Catalogue, MAX_CATALOGUE_BYTES};

#[test]
fn every_mistake_is_shown_with_its_line_and_what_would_be_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalogue/mistakes");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut checked = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let found = Catalogue::parse(name, &text).unwrap_err().to_string() + "\n";
        let golden = path.with_extension("txt");
        if update {
            fs::write(&golden, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&golden).unwrap(), "{name}");
        checked += 1;
    }
    assert!(checked >= 25, "only {checked} cases were found");
}

#[test]
fn problems_come_in_the_order_of_lines() {
    let text = include_str!("mistakes/durations.toml");
    let problems = Catalogue::parse("durations.toml", text).unwrap_err();
    assert!(problems.iter().is_sorted_by_key(|problem| (problem.line, problem.column)));
    assert!(problems.iter().all(|problem| problem.line > 0));
    assert_eq!(problems.count(), 6);
}

#[test]
fn a_catalogue_has_a_size_limit() {
    let text = "#".repeat(MAX_CATALOGUE_BYTES + 1);
    let message = Catalogue::parse("large.toml", &text).unwrap_err().to_string();
    assert!(message.contains("more than 4194304 bytes"), "{message}");
    assert!(Catalogue::parse("large.toml", &text[1..]).is_ok());
}

fn sites(count: usize) -> String {
    let sites: Vec<_> =
        (0..count).map(|n| format!("[[site]]\nid='site-{n}'\ncountry='US'\n")).collect();
    sites.concat()
}

#[test]
fn there_is_a_limit_to_the_number_of_tables() {
    let text = sites(1_001);
    let message = Catalogue::parse("many.toml", &text).unwrap_err().to_string();
    assert!(message.contains("there may be at most 1000 [[site]]"), "{message}");
    assert!(message.contains("--> many.toml:3001:1"), "{message}");
}

/// A catalogue with so many probes that expect this pattern.
fn patterns(count: usize, pattern: &str) -> String {
    const PROBES_PER_TARGET: usize = 100;
    let target = |number: usize| {
        let probes = number..count.min(number + PROBES_PER_TARGET);
        let probes: Vec<_> = probes
            .map(|n| {
                format!("[[target.probe]]\nid='p{n}'\nkind='http'\nexpect_regex='{pattern}'\n")
            })
            .collect();
        let keys = "site='a'\nhost='a.example'\nmax_attempts_per_second=100";
        format!("[[target]]\nid='t{number}'\n{keys}\n{}", probes.concat())
    };
    let targets: Vec<_> = (0..count).step_by(PROBES_PER_TARGET).map(target).collect();
    let places = "[[market]]\nid='hk'\ntime_zone='UTC'\n[[site]]\nid='a'\ncountry='US'\n";
    places.to_owned() + &targets.concat()
}

#[test]
fn what_patterns_take_when_compiled_is_bounded() {
    assert!(Catalogue::parse("many.toml", &patterns(1_000, "\"status\": *\"ok\"")).is_ok());
    assert!(Catalogue::parse("long.toml", &patterns(1, &"a".repeat(1_000))).is_ok());
    let message = |text: &str| Catalogue::parse("hostile.toml", text).unwrap_err().to_string();
    let many = message(&patterns(20_000, "a{1500}"));
    assert!(many.contains("there may be at most 1000 `expect_regex`"), "{many}");
    assert!(many.ends_with("1 problem"), "{many}");
    for pattern in ["a{9000}", "(a|b){4000}", "((a{30}){30}){9}"] {
        let large = message(&patterns(1, pattern));
        assert!(large.contains("compiled regex exceeded size limit"), "{large}");
    }
}

#[test]
fn a_large_catalogue_of_mistakes_gives_a_short_answer() {
    let long_key = "k".repeat(1 << 20);
    let many = "x = { a = 1 }\n[[market]]\nid = 1\n".repeat(100_000).replace("x =", "#");
    let lost = format!(
        "{}[[service]]\nid='a'\nhost='a.example'\nsites=[{}]\n",
        sites(1_000),
        "'sitee-1',".repeat(300_000)
    );
    for text in [lost, many, format!("{long_key} = 1\n"), format!("a = \"{long_key}\"\n")] {
        let message = Catalogue::parse("hostile.toml", &text).unwrap_err().to_string();
        assert!(message.len() < 1 << 18, "{} bytes", message.len());
    }
}

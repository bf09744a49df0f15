//! The sample parses, and documents what the parser knows.

use std::collections::{BTreeMap, BTreeSet};

use vantage_aggregator::catalogue::{Catalogue, keys};

use crate::SAMPLE;

fn sample() -> Catalogue {
    Catalogue::parse("catalogue.toml", SAMPLE).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The keys that the comments describe, by table: a line `#   key  Meaning. (kind; default)` under
/// a line `# [table]: …`.
fn documented() -> BTreeMap<String, Vec<(String, String)>> {
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut heading = None;
    for line in SAMPLE.lines() {
        if let Some(rest) = line.strip_prefix("# [")
            && let Some((table, _)) = rest.split_once("]:")
        {
            heading = Some(format!("[{table}]"));
        }
        let Some(heading) = &heading else { continue };
        let Some((key, text)) = line.strip_prefix("#   ").and_then(|rest| rest.split_once("  "))
        else {
            continue;
        };
        if key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            let described = (key.to_owned(), text.trim().to_owned());
            tables.entry(heading.clone()).or_default().push(described);
        }
    }
    tables
}

#[test]
fn the_sample_has_the_markets_and_sites_of_the_project() {
    let catalogue = sample();
    let markets: Vec<_> = catalogue.markets.keys().map(AsRef::<str>::as_ref).collect();
    assert_eq!(markets, ["hk", "id", "in", "mx", "ru", "tw"]);
    let sites: Vec<_> = catalogue.sites.keys().map(AsRef::<str>::as_ref).collect();
    assert_eq!(sites, ["beijing", "california", "mumbai", "oregon", "sao-paulo", "singapore"]);
    let zones = catalogue.time_zones();
    assert_eq!(zones[&"tw".parse().unwrap()].iana_name(), Some("Asia/Taipei"));
    assert_eq!(zones.len(), 6);
}

#[test]
fn the_sample_documents_every_key_and_no_other() {
    let documented = documented();
    for table in keys::TABLES.iter().filter(|table| **table != keys::ROOT) {
        let described: Vec<_> = documented
            .get(table.heading)
            .into_iter()
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        let unique: BTreeSet<_> = described.iter().copied().collect();
        assert_eq!(unique, table.keys.iter().copied().collect(), "{}", table.heading);
        assert_eq!(described.len(), unique.len(), "{}: a key is described twice", table.heading);
    }
    assert_eq!(documented.len(), keys::TABLES.len() - 1);
}

#[test]
fn every_description_says_what_is_allowed_and_what_holds_without_the_key() {
    for (heading, keys) in documented() {
        for (key, text) in keys {
            let details = text.strip_suffix(')').and_then(|text| text.rsplit_once(" ("));
            let sound = details.is_some_and(|(meaning, _)| meaning.ends_with('.'))
                && (text.contains("; default") || text.contains("; required"));
            assert!(sound, "{heading} {key}: {text}");
        }
    }
}

#[test]
fn defaults_are_those_that_the_comments_promise() {
    let written_out = r#"
        [defaults]
        interval = "10s"
        timeout = "5s"
        window = "1m"
        max_attempts_per_second = 10
        anchors = []
        paused = false
        [objective]
        score = "p95"
        threshold = "5ms"
        threshold_percent = 2
        min_sites = 1
        required_sites = []
        forbidden_sites = []
    "#;
    let empty = Catalogue::parse("empty", "").unwrap();
    assert_eq!(Catalogue::parse("written", written_out).unwrap(), empty);

    let short = |probe: &str| {
        let text = format!(
            "[[market]]\nid = \"hk\"\ntime_zone = \"Asia/Hong_Kong\"\n\
             [[site]]\nid = \"oregon\"\ncountry = \"US\"\n\
             [[target]]\nid = \"a\"\nsite = \"oregon\"\nhost = \"a.example\"\n\
             [[target.probe]]\n{probe}"
        );
        Catalogue::parse("short", &text).unwrap_or_else(|problems| panic!("{problems}"))
    };
    for (kind, written) in [
        ("icmp", "payload_bytes = 16"),
        ("tcp", "port = 443"),
        ("tls", "port = 443"),
        ("quic", "port = 443"),
        (
            "http",
            "url = \"https://a.example/\"\nmethod = \"GET\"\nfollow_redirects = 0\n\
             body_limit_bytes = 1048576\nreuse = false",
        ),
        ("dns", "name = \"a.example\"\ntype = \"A\"\ntransport = \"udp\""),
    ] {
        let kind_only = format!("kind = \"{kind}\"\n");
        let written = format!(
            "{kind_only}{written}\nid = \"{kind}\"\ninterval = \"10s\"\ntimeout = \"5s\"\n\
             family = \"any\"\n"
        );
        assert_eq!(short(&kind_only), short(&written), "{kind}");
    }
}

#[test]
fn the_summary_adds_up() {
    let summary = sample().summary().to_string();
    let expected = include_str!("sample.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/catalogue/sample.txt");
        std::fs::write(golden, &summary).unwrap();
    } else {
        assert_eq!(summary, expected);
    }
}

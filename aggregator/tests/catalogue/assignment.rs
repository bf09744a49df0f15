//! What agents are told.

use proptest::prelude::*;
use vantage_aggregator::catalogue::Catalogue;
use vantage_wire::exchange::Assignment;
use vantage_wire::exchange::assignment::Action;
use vantage_wire::id::{MarketId, VantageId};
use vantage_wire::report::Family;

use crate::SAMPLE;

fn catalogue(text: &str) -> Catalogue {
    Catalogue::parse("test.toml", text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn assignment(text: &str, vantage: &str, market: &str) -> Assignment {
    catalogue(text).assignment(&vantage.parse().unwrap(), &market.parse().unwrap())
}

#[test]
fn a_vantage_point_measures_what_is_meant_for_it() {
    let text = r#"
        [[market]]
        id = "hk"
        time_zone = "Asia/Hong_Kong"
        [[market]]
        id = "tw"
        time_zone = "Asia/Taipei"
        [[vantage]]
        id = "hk-1"
        market = "hk"
        [[site]]
        id = "oregon"
        country = "US"
        [[target]]
        id = "for-all"
        site = "oregon"
        host = "a.example"
        [[target.probe]]
        kind = "tcp"
        [[target]]
        id = "for-tw"
        site = "oregon"
        host = "b.example"
        markets = ["tw"]
        [[target.probe]]
        kind = "tcp"
        [[target]]
        id = "for-hk-1"
        site = "oregon"
        host = "c.example"
        vantages = ["hk-1"]
        [[target.probe]]
        kind = "tcp"
        [[target]]
        id = "for-tw-and-hk-1"
        site = "oregon"
        host = "d.example"
        vantages = ["hk-1"]
        markets = ["tw"]
        [[target.probe]]
        kind = "tcp"
    "#;
    let targets = |vantage, market| {
        let targets = assignment(text, vantage, market).targets;
        targets.iter().map(|target| target.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(targets("hk-1", "hk"), "for-all for-hk-1 for-tw-and-hk-1");
    assert_eq!(targets("hk-2", "hk"), "for-all");
    assert_eq!(targets("tw-7", "tw"), "for-all for-tw for-tw-and-hk-1");
    assert_eq!(targets("xx-1", "xx"), "", "a market that the catalogue does not have");
}

#[test]
fn both_families_are_two_probes_that_share_their_name() {
    let assignment = assignment(SAMPLE, "hk-1", "hk");
    let target = assignment.targets.iter().find(|target| target.id.as_str() == "oregon-web");
    let families: Vec<_> = target
        .unwrap()
        .probes
        .iter()
        .filter(|probe| probe.id.as_str() == "tls13")
        .map(|probe| probe.family)
        .collect();
    assert_eq!(families, [Family::V4, Family::V6]);
}

#[test]
fn a_quic_probe_asks_only_where_a_request_is_described() {
    let quic = |keys: &str| {
        let text = format!(
            "[[market]]\nid = \"hk\"\ntime_zone = \"Asia/Hong_Kong\"\n\
             [[site]]\nid = \"oregon\"\ncountry = \"US\"\n\
             [[target]]\nid = \"a\"\nsite = \"oregon\"\nhost = \"2001:db8::1\"\n\
             [[target.probe]]\nkind = \"quic\"\n{keys}"
        );
        assignment(&text, "hk-1", "hk").targets[0].probes[0].action.clone()
    };
    let Action::Quic { host, port, request, .. } = quic("port = 8443") else { panic!() };
    assert_eq!((host.as_str(), port, request), ("2001:db8::1", 8443, None));
    let Action::Quic { host, port, request, .. } = quic("url = \"/status\"") else { panic!() };
    assert_eq!((host.as_str(), port), ("2001:db8::1", 443));
    assert_eq!(request.unwrap().url, "https://[2001:db8::1]/status");
}

#[test]
fn vantage_points_that_enrol_later_count_towards_the_caps() {
    let catalogue = catalogue(SAMPLE);
    let market: MarketId = "hk".parse().unwrap();
    let vantages: Vec<VantageId> = (0..20).map(|n| format!("hk-{n}").parse().unwrap()).collect();
    let exceeded = |count| {
        let enrolled = vantages.iter().take(count).map(|vantage| (vantage, &market));
        catalogue.exceeded_caps(enrolled)
    };
    assert_eq!(exceeded(12), []);
    // 0.4 attempts per second each.
    let caps = exceeded(13);
    assert_eq!((caps.len(), caps[0].target.as_str(), caps[0].cap), (1, "oregon-web", 5.0));
    assert!((caps[0].attempts_per_second - 5.2).abs() < 1e-9);
}

#[test]
fn the_version_is_the_digest_of_everything_else() {
    let assignment = assignment(SAMPLE, "hk-1", "hk");
    let content = serde_json::to_vec(&Assignment { version: String::new(), ..assignment.clone() });
    let digest = ring::digest::digest(&ring::digest::SHA256, &content.unwrap());
    assert_eq!(format!("SHA256:{}", assignment.version), format!("{digest:?}"));
}

#[test]
fn the_version_does_not_depend_on_what_agents_are_not_told_or_on_the_order_of_the_file() {
    let version = |text: &str| assignment(text, "hk-1", "hk").version;
    let (head, tail) = SAMPLE.split_once("[[target]]\nid = \"california-web\"").unwrap();
    let (moved, tail) = tail.split_once("[[target]]").unwrap();
    let reordered = format!("{head}[[target]]{tail}\n[[target]]\nid = \"california-web\"{moved}");
    assert_ne!(reordered, SAMPLE);
    for text in [
        reordered,
        SAMPLE.replace("weight = 10", "weight = 11"),
        SAMPLE.replace("cost_per_month = 21000", "cost_per_month = 22000"),
        format!("# another comment\n{SAMPLE}"),
    ] {
        assert_eq!(version(&text), version(SAMPLE));
    }
    assert_ne!(assignment(SAMPLE, "hk-2", "hk").version, version(SAMPLE));
}

/// Lines of the sample that reach agents, and what may stand there instead.
const CHANGES: [(&str, &str); 12] = [
    ("interval = \"10s\"", "interval = \"11s\""),
    ("timeout = \"5s\"", "timeout = \"6s\""),
    ("contact = \"https", "contact = \"http"),
    ("\"192.0.2.1:443\"", "\"192.0.2.2:443\""),
    ("[defaults]\ninterval", "[defaults]\npaused = true\ninterval"),
    ("[defaults]\ninterval", "[defaults]\nwindow = \"30s\"\ninterval"),
    ("url = \"/status\"", "url = \"/other\""),
    ("{ Accept = \"text/html\" }", "{ Accept = \"text/plain\" }"),
    ("family = \"both\"", "family = \"v4\""),
    ("dns = \"2s\"", "dns = \"1s\""),
    ("port = 8443", "port = 8444"),
    ("host = \"mumbai.example\"", "host = \"mumbai-2.example\"\nallow_private = true"),
];

proptest! {
    #[test]
    fn any_assignment_survives_json(vantage in "[a-z]([a-z0-9-]{0,8}[a-z0-9])?", market in 0_usize..6) {
        let catalogue = catalogue(SAMPLE);
        let market = catalogue.markets.keys().nth(market).unwrap().clone();
        let assignment = catalogue.assignment(&vantage.parse().unwrap(), &market);
        let json = serde_json::to_string(&assignment).unwrap();
        prop_assert_eq!(serde_json::from_str::<Assignment>(&json).unwrap(), assignment);
    }

    #[test]
    fn the_version_changes_with_the_content_and_only_then(
        left in proptest::bits::u16::masked(0xfff),
        right in proptest::bits::u16::masked(0xfff),
    ) {
        let of = |changes: u16| {
            let mut text = SAMPLE.to_owned();
            for (index, (was, becomes)) in CHANGES.iter().enumerate() {
                prop_assert!(SAMPLE.contains(was));
                if changes >> index & 1 == 1 {
                    text = text.replacen(was, becomes, 1);
                }
            }
            Ok(assignment(&text, "hk-1", "hk"))
        };
        let (left, right) = (of(left)?, of(right)?);
        let same = Assignment { version: String::new(), ..left.clone() }
            == Assignment { version: String::new(), ..right.clone() };
        prop_assert_eq!(left.version == right.version, same);
        let json = serde_json::to_string(&left).unwrap();
        prop_assert_eq!(serde_json::from_str::<Assignment>(&json).unwrap(), left);
    }
}

//! Any bytes as a catalogue: nothing panics, what is refused says why in bounded space, and what is
//! accepted gives assignments that agents can read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_aggregator::catalogue::Catalogue;
use vantage_wire::exchange::Assignment;
use vantage_wire::id::{MarketId, VantageId};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match Catalogue::parse("fuzz.toml", &text) {
        Ok(catalogue) => check(&catalogue),
        Err(problems) => {
            assert!(problems.count() > 0);
            assert!(problems.iter().is_sorted_by_key(|problem| problem.line));
            let shown = problems.to_string();
            assert!(shown.len() < 1 << 20, "{} bytes", shown.len());
            assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        }
    }
});

fn check(catalogue: &Catalogue) {
    let summary = catalogue.summary();
    assert!(!summary.to_string().is_empty());
    assert!(summary.per_target.iter().all(|(_, rate, cap)| *rate <= cap * 1.000_001));
    assert_eq!(catalogue.time_zones().len(), catalogue.markets.len());

    let listed = catalogue.vantages.iter().map(|(id, vantage)| (id.clone(), vantage.market.clone()));
    let unlisted: VantageId = "somebody".parse().expect("a sound name");
    let nowhere: MarketId = "nowhere".parse().expect("a sound name");
    let of_markets = catalogue.markets.keys().map(|market| (unlisted.clone(), market.clone()));
    for (vantage, market) in listed.chain(of_markets).chain([(unlisted.clone(), nowhere)]) {
        let assignment = catalogue.assignment(&vantage, &market);
        let json = serde_json::to_string(&assignment).expect("assignments are JSON");
        assert_eq!(serde_json::from_str::<Assignment>(&json).expect("as written"), assignment);
        for probe in assignment.targets.iter().flat_map(|target| &target.probes) {
            assert!((100..=86_400_000).contains(&probe.interval_ms));
            assert!((1..=60_000).contains(&probe.timeout_ms));
        }
    }
}

//! How many series there are: computed, measured, and the same after more time and after failures.

use std::collections::BTreeSet;

use tempfile::TempDir;
use vantage_aggregator::store::{IncomingReport, Store};
use vantage_wire::report::{EncodedHistogram, ProbeKind};
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

use crate::bridge::{BUCKET, Bridge, ORG, TOKEN};
use crate::fixture::{MONDAY, catalogue, enrol, minute, report, store_in};
use crate::influxdb::InfluxDb;
use crate::vantage::vantage;

const VANTAGES: u8 = 50;
const TARGETS: u32 = 50;
/// A TCP probe has these phases.
const PHASES: [Phase; 3] = [Phase::Connect, Phase::Rtt, Phase::Total];

/// Reports of one minute, in which every probe fails once with `code`.
fn reports(sequence: u64, code: Option<FailureCode>) -> Vec<IncomingReport> {
    let start = MONDAY + 60 * sequence.cast_signed();
    let attempts: Vec<_> = (0..TARGETS).map(|site| (site, 2, code.map(|code| (code, 1)))).collect();
    let mut window = minute(start, &attempts);
    for tally in window.tallies.values_mut() {
        for phase in PHASES {
            let samples = LatencyHistogram::from_samples([Micros::from_millis(20); 2]);
            tally.phases.insert(phase, EncodedHistogram::from(&samples));
        }
    }
    let vantages = (0..VANTAGES).map(|n| format!("vantage-{n}"));
    vantages.map(|name| report(&name, 1, sequence, vec![window.clone()])).collect()
}

async fn export(store: &Store, bridge: &Bridge, folder: &TempDir, reports: &[IncomingReport]) {
    store.append(reports).await.unwrap();
    let mut command = tokio::process::Command::from(vantage(folder));
    command
        .args(["export", "influx", "--from", "2026-03-02", "--to", "2026-03-03"])
        .args(["--influx-url", &bridge.url, "--org", ORG, "--bucket", BUCKET])
        .args(["--token-file", "token"]);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn series_are_bounded_by_the_catalogue_alone() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, TARGETS)).unwrap();
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    let store = store_in(&folder).await;
    for number in 0..VANTAGES {
        enrol(&store, number + 1, &format!("vantage-{number}"), "market-0").await;
    }
    let influxdb = InfluxDb::start().await;
    let bridge = Bridge::start(Some(&influxdb.url)).await;

    export(&store, &bridge, &folder, &reports(1, None)).await;
    // As the documentation of InfluxDB 1 counts: sets of tags of a measurement.
    let computed = u64::from(VANTAGES) * u64::from(TARGETS) * PHASES.len() as u64;
    assert_eq!(computed, 7_500);
    assert_eq!(influxdb.series().await, computed);
    // As that of InfluxDB 2 does: times the fields that each of them has.
    let with_fields = field_series(&bridge);
    assert_eq!(with_fields, u64::from(VANTAGES) * u64::from(TARGETS) * (35 + 35 + 81));

    // More time, and every failure that a TCP probe can have.
    let codes = vantage_aggregator::export::influx::fields::codes_of(ProbeKind::Tcp);
    for (sequence, code) in (2..).zip(codes) {
        let some: Vec<_> = reports(sequence, Some(code)).into_iter().take(2).collect();
        store.append(&some).await.unwrap();
    }
    export(&store, &bridge, &folder, &reports(100, Some(FailureCode::TcpTimeout))).await;
    assert_eq!(influxdb.series().await, computed);
    assert_eq!(field_series(&bridge), with_fields);
    store.close().await;
}

/// Sets of tags and fields in everything that was written.
fn field_series(bridge: &Bridge) -> u64 {
    let points = bridge.points();
    let series: BTreeSet<(&str, &str)> = points
        .iter()
        .flat_map(|((series, _), fields)| {
            fields.keys().map(move |field| (series.as_str(), field.as_str()))
        })
        .collect();
    series.len() as u64
}

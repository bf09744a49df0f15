//! `vantage export`.

use std::collections::BTreeSet;

use serde_json::Value;
use vantage_aggregator::export::Format;

use crate::season::SEASON;

const DAY: [&str; 5] = ["export", "--from", "2026-03-03", "--to", "2026-03-04"];

fn export(arguments: &[&str]) -> String {
    SEASON.table(&[DAY.as_slice(), arguments].concat())
}

#[test]
fn every_hour_and_phase_of_every_series_has_one_row() {
    let text = export(&["--market", "hk", "--site", "oregon,beijing"]);
    let mut lines = text.lines();
    assert!(lines.next().unwrap().starts_with("market,vantage,target,probe,kind"), "{text}");
    // Two sites, 24 hours; connect, tls, request and total.
    let rows: Vec<_> = lines.collect();
    assert_eq!(rows.len(), 2 * 24 * 4);
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len());
    assert!(rows.iter().all(|row| row.starts_with("hk,hk-1,")));
}

#[test]
fn attempts_add_up_to_what_the_histograms_say() {
    let text = export(&["--format", "jsonl", "--phase", "total", "--service", "shop"]);
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3 * 24);
    for row in &rows {
        assert_eq!(row["target"], "shop-web");
        assert_eq!(row["count"], row["ok"], "{row}");
    }
    let failures = rows.iter().flat_map(|row| row["failures"].as_array().unwrap());
    let failed: u64 = failures.map(|row| row["count"].as_u64().unwrap()).sum();
    let ok: u64 = rows.iter().map(|row| row["ok"].as_u64().unwrap()).sum();
    assert_eq!(ok + failed, 3 * 24 * 30);
    assert!(failed > 0, "the way into China loses packets");
}

#[test]
fn a_file_is_written_where_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("latencies.hlog");
    let file = file.to_str().unwrap();
    let said = export(&["--format", "hlog", "--phase", "total", "--output", file]);
    assert_eq!(said, "");
    let log = std::fs::read_to_string(file).unwrap();
    assert!(log.starts_with('#'), "{log}");
    assert!(log.lines().filter(|line| line.contains("HISTF")).count() > 100, "{log}");
}

#[test]
fn over_http_every_format_is_the_same_to_the_byte() {
    let served = SEASON.serve();
    for format in Format::ALL {
        for about in [
            ["--market", "hk"].as_slice(),
            &["--site", "oregon,beijing", "--phase", "connect"],
            &["--service", "shop", "--blocks", "day", "--probe", "http"],
        ] {
            let arguments = [&DAY, about, &["--format", format.name()]].concat();
            let local = SEASON.vantage(&arguments);
            let remote = SEASON.vantage(&[&arguments[..], &["--url", &served.url]].concat());
            let said = String::from_utf8_lossy(&remote.stderr);
            assert!(local.status.success() && remote.status.success(), "{arguments:?}: {said}");
            assert!(local.stdout.len() > 200, "{arguments:?}");
            assert!(remote.stdout == local.stdout, "{arguments:?} differ");
        }
    }
}

#[test]
fn over_http_refusals_are_those_of_the_store() {
    let served = SEASON.serve();
    let url = ["--url", served.url.as_str()];
    for (arguments, code, words) in [
        (["export", "--from", "2020-01-01", "--to", "2020-01-02"].as_slice(), 4, "not enough data"),
        (&["export", "--site", "singapoor"], 2, "did you mean singapore?"),
        (&["export", "--service", "shp"], 2, "did you mean shop?"),
        (&["export", "--last", "soon"], 2, "is no span"),
    ] {
        for arguments in [arguments.to_vec(), [arguments, url.as_slice()].concat()] {
            let output = SEASON.vantage(&arguments);
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
            assert!(said.contains(words), "{arguments:?}: {said}");
        }
    }
    let output = SEASON.vantage_with_token("no token of theirs", &[&DAY[..], &url].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("it wants a read token"), "{said}");
}

#[test]
fn what_cannot_be_exported_is_said() {
    let output = SEASON.vantage(&["export", "--from", "2020-01-01", "--to", "2020-01-02"]);
    assert_eq!(output.status.code(), Some(4));
    let output = SEASON.vantage(&["export", "--last", "1d", "--output", "/nowhere/file"]);
    assert_eq!(output.status.code(), Some(2));
    let output = SEASON.vantage(&["export", "--last", "1d", "--url", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(3));
    let output = SEASON.vantage(&["export", "--format", "xlsx"]);
    assert_eq!(output.status.code(), Some(2));
}

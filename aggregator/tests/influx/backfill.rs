//! `vantage export influx` into a real InfluxDB that is killed on the way, and as text.

use std::collections::BTreeMap;
use std::process::Stdio;

use influxdb_line_protocol::{FieldValue, parse_lines};
use tempfile::TempDir;
use vantage_aggregator::store::Retention;
use vantage_wire::{FailureCode, UtcMicros};

use crate::bridge::{BUCKET, Bridge, ORG, TOKEN};
use crate::fixture::{DAY, HOUR, MONDAY, catalogue, enrol, minute, report, store_in};
use crate::influxdb::InfluxDb;
use crate::vantage::vantage;
use crate::week::{self, MARKETS, SITES, vantage_of};

/// Arguments that say where InfluxDB is.
fn into<'a>(bridge: &'a Bridge, folder: &TempDir) -> Vec<&'a str> {
    std::fs::write(folder.path().join("token"), TOKEN).unwrap();
    vec![
        "export",
        "influx",
        "--influx-url",
        &bridge.url,
        "--org",
        ORG,
        "--bucket",
        BUCKET,
        "--token-file",
        "token",
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_arrives_once_and_whole_though_influxdb_is_killed_three_times() {
    let (folder, store) = week::a_week().await;
    let mut influxdb = InfluxDb::start().await;
    let bridge = Bridge::start(Some(&influxdb.url)).await;
    let mut exporting = tokio::process::Command::from(vantage(&folder));
    exporting
        .args(into(&bridge, &folder))
        .args(["--from", "2026-03-02", "--to", "2026-03-09"])
        .stderr(Stdio::piped());
    let exporting = exporting.spawn().unwrap();
    // About a dozen requests bring a week: three, six and nine have arrived, and the next is on its
    // way.
    for requests in [3, 6, 9] {
        bridge.wait_until(|bridge| bridge.requests() - bridge.refused() > requests).await;
        influxdb.kill();
        let refused = bridge.refused();
        bridge.wait_until(|bridge| bridge.refused() > refused).await;
        influxdb.restart().await;
    }
    let output = exporting.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let expected = week::expected(&store).await;
    assert_eq!(expected.len(), 60_480);
    let mut arrived = BTreeMap::new();
    for market in 0..MARKETS {
        let query =
            format!("SELECT * FROM vantage_latency WHERE vantage = '{}'", vantage_of(market));
        for row in influxdb.query(&query).await {
            let (key, fields) = week::found(&row);
            assert!(arrived.insert(key, fields).is_none(), "twice: {row:?}");
        }
    }
    assert_eq!(arrived.len(), expected.len());
    for (key, fields) in &expected {
        let found = &arrived[key];
        assert!(week::are_equal(fields, found), "{key:?}: {fields:?} is not {found:?}");
    }
    let series = influxdb.query("SHOW SERIES FROM vantage_latency").await;
    assert_eq!(series.len(), (MARKETS * SITES) as usize);

    // A verdict for every hour that has something to look back on.
    let scores = influxdb
        .query("SELECT verdict, weight FROM vantage_score WHERE market = 'all' AND site = 'site-0'")
        .await;
    assert!(scores.len() > 6 * 24, "{}", scores.len());
    assert!(scores.iter().all(|row| row["weight"] == 1), "{scores:?}");

    // Once more: nothing changes.
    let count = influxdb.query("SELECT COUNT(ok) FROM vantage_latency").await;
    let output = vantage(&folder)
        .args(into(&bridge, &folder))
        .args(["--from", "2026-03-02", "--to", "2026-03-03"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(influxdb.query("SELECT COUNT(ok) FROM vantage_latency").await, count);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_by_the_hour_is_written_by_the_hour() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, 1)).unwrap();
    let store = store_in(&folder).await;
    enrol(&store, 1, "market-0-1", "market-0").await;
    let minutes =
        |hour: i64| (0..60).map(move |n| minute(MONDAY + hour * HOUR + 60 * n, &[(0, 5, None)]));
    store
        .append(&[
            report("market-0-1", 1, 1, minutes(0).collect()),
            report("market-0-1", 1, 2, minutes(24).collect()),
        ])
        .await
        .unwrap();
    while store.roll_up(1_000).await.unwrap().is_more {}
    let retention =
        Retention { windows: std::time::Duration::from_hours(12), ..Retention::default() };
    let now = UtcMicros::from_unix_seconds(MONDAY + 26 * HOUR).unwrap();
    assert_eq!(store.expire(now, &retention).await.unwrap().windows, 60);
    store.close().await;

    let output = vantage(&folder)
        .args(["export", "influx", "--from", "2026-03-02", "--to", "2026-03-04", "--dry-run"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 by the hour (window_s=3600)"), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut windows: Vec<(i64, String, String)> = parse_lines(&text)
        .map(Result::unwrap)
        .filter(|line| line.series.measurement == "vantage_latency")
        .map(|line| {
            let field = |name: &str| line.field_value(name).unwrap().to_string();
            (line.timestamp.unwrap(), field("window_s"), field("ok"))
        })
        .collect();
    windows.sort();
    assert_eq!(windows.len(), 61);
    assert_eq!(windows[0], (MONDAY, "3600i".to_owned(), "300i".to_owned()));
    assert_eq!(windows[1], (MONDAY + DAY, "60i".to_owned(), "5i".to_owned()));

    // Into a file, and from the middle of an hour on.
    let output = vantage(&folder)
        .args(["export", "influx", "--from", "2026-03-03T00:30:00Z", "--output", "lines.lp"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(folder.path().join("lines.lp")).unwrap();
    let latencies = text.lines().filter(|line| line.starts_with("vantage_latency,"));
    assert_eq!(latencies.count(), 30);

    let nothing = vantage(&folder)
        .args(["export", "influx", "--from", "2025-03-03", "--to", "2025-03-04", "--dry-run"])
        .output()
        .unwrap();
    assert_eq!(nothing.status.code(), Some(4), "{}", String::from_utf8_lossy(&nothing.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rankings_of_the_past_are_those_that_are_given_for_then() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, 3)).unwrap();
    let store = store_in(&folder).await;
    enrol(&store, 1, "market-0-1", "market-0").await;
    let all = [(0, 8, None), (1, 8, Some((FailureCode::TcpTimeout, 1))), (2, 8, None)];
    for hour in 0..8 {
        let minutes = (0..60).map(|n| minute(MONDAY + hour * HOUR + 60 * n, &all)).collect();
        let sequence = hour.unsigned_abs() + 1;
        store.append(&[report("market-0-1", 1, sequence, minutes)]).await.unwrap();
    }
    while store.roll_up(1_000).await.unwrap().is_more {}
    store.close().await;
    let run = |arguments: &[&str]| {
        let output = vantage(&folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = run(&[
        "export",
        "influx",
        "--from",
        "2026-03-02T06:00:00Z",
        "--to",
        "2026-03-02T06:01:00Z",
        "--dry-run",
    ]);
    let given = run(&[
        "rank",
        "--from",
        "2026-01-31T06:00:00Z",
        "--to",
        "2026-03-02T06:00:00Z",
        "--format",
        "json",
    ]);
    let given: serde_json::Value = serde_json::from_str(&given).unwrap();
    let mut seen = 0;
    for line in parse_lines(&lines).map(Result::unwrap) {
        if line.series.measurement != "vantage_score" {
            continue;
        }
        assert_eq!(line.timestamp, Some(MONDAY + 6 * HOUR));
        let tag = |name: &str| line.tag_value(name).unwrap().to_string();
        let ranking = match tag("market").as_str() {
            "all" => &given["overall"],
            market => &given["markets"][market],
        };
        let sites = ranking["sites"].as_array().unwrap();
        let site = sites.iter().find(|site| site["site"] == tag("site")).unwrap();
        let number = |name: &str| {
            line.field_value(name).map(|value| match value {
                FieldValue::I64(number) => *number as f64,
                FieldValue::F64(number) => *number,
                other => panic!("{name}: {other:?}"),
            })
        };
        assert!(number("rank").is_some(), "{line:?}");
        for (field, given) in [
            ("rank", &site["rank"]),
            ("score_us", &site["score_us"]),
            ("score_low_us", &site["score_interval_us"]["low"]),
            ("score_high_us", &site["score_interval_us"]["high"]),
            ("behind_us", &site["behind_best_us"]),
            ("behind_low_us", &site["behind_best_interval_us"]["low"]),
            ("failure_rate", &site["failures"]["rate"]),
            ("failure_rate_high", &site["failures"]["interval"]["high"]),
            ("attempts", &site["failures"]["attempts"]),
        ] {
            let are_same = match (number(field), given.as_f64()) {
                (Some(written), Some(given)) => week::is_same(written, given),
                (written, given) => written.is_none() && given.is_none(),
            };
            assert!(are_same, "{field} in {line:?} is not {given}");
        }
        let verdict = line.field_value("verdict").unwrap().to_string();
        assert_eq!(verdict, site["verdict"].as_str().unwrap());
        seen += 1;
    }
    assert_eq!(seen, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_let_in_is_told_at_once_and_a_refused_point_at_the_end() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, 2)).unwrap();
    let store = store_in(&folder).await;
    enrol(&store, 1, "market-0-1", "market-0").await;
    let both = [(0, 5, None), (1, 5, None)];
    store.append(&[report("market-0-1", 1, 1, vec![minute(MONDAY, &both)])]).await.unwrap();
    store.close().await;
    let bridge = Bridge::start(None).await;
    let export = async || {
        let mut command = tokio::process::Command::from(vantage(&folder));
        command.args(into(&bridge, &folder)).args(["--from", "2026-03-02", "--to", "2026-03-03"]);
        let output = command.output().await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    bridge.wants("another");
    let (code, said) = export().await;
    assert!(code == Some(3) && said.contains("the token is not accepted"), "{said}");
    assert!(!said.contains(TOKEN), "{said}");
    bridge.wants(TOKEN);
    bridge.poison("site-1-web");
    let (code, said) = export().await;
    assert!(code == Some(1) && said.contains("1 points refused (unparsable)"), "{said}");
    assert_eq!(bridge.lines().len(), 1);
}

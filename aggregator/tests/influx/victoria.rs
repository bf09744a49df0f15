//! A real VictoriaMetrics, which takes what is written for InfluxDB 2. It proves delivery, not that
//! lines are right: it answers 204 to anything.

use std::collections::BTreeMap;

use serde_json::Value;
use tempfile::TempDir;
use vantage_wire::FailureCode;

use crate::fixture::{MONDAY, catalogue, enrol, minute, report, store_in};
use crate::process::{Process, client, free_port};
use crate::vantage::vantage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victoria_metrics_gives_back_what_was_written() {
    let folder = TempDir::new().unwrap();
    let store = store_in(&folder).await;
    std::fs::write(folder.path().join("catalogue.toml"), catalogue(1, 2)).unwrap();
    enrol(&store, 1, "market-0-1", "market-0").await;
    // VictoriaMetrics refuses what is older than it keeps: a month, unless it is told otherwise.
    let windows = (0..5).map(|n| minute(MONDAY + 60 * n, &[(0, 10, None), (1, 3, None)]));
    let mut windows: Vec<_> = windows.collect();
    windows.push(minute(MONDAY + 300, &[(0, 4, Some((FailureCode::TcpTimeout, 2)))]));
    store.append(&[report("market-0-1", 1, 1, windows)]).await.unwrap();

    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let data = folder.path().join("victoria").display().to_string();
    let log = folder.path().join("victoria.log");
    let arguments = [
        format!("-storageDataPath={data}"),
        format!("-httpListenAddr=127.0.0.1:{port}"),
        "-memory.allowedPercent=5".to_owned(),
        "-search.latencyOffset=0s".to_owned(),
        "-retentionPeriod=100y".to_owned(),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut victoria = Process::start("victoria-metrics", "victoria-metrics", &arguments, &log);
    victoria.wait_for(&format!("{url}/health"), &log).await;

    let output = vantage(&folder)
        .args(["export", "influx", "--from", "2026-03-02", "--to", "2026-03-03"])
        .args(["--influx-url", &url, "--org", "o", "--bucket", "b"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let client = client();
    client.get(format!("{url}/internal/force_flush")).send().await.unwrap();

    let read = async |field: &str| -> BTreeMap<i64, f64> {
        let matching = format!(
            "{{__name__=\"vantage_latency_{field}\",target=\"site-0-web\",phase=\"total\"}}"
        );
        let page = client.get(format!("{url}/api/v1/export")).query(&[("match[]", &matching)]);
        let text = page.send().await.unwrap().text().await.unwrap();
        let series: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(series.len(), 1, "{text}");
        assert_eq!(series[0]["metric"]["vantage"], "market-0-1");
        assert_eq!(series[0]["metric"]["site"], "site-0");
        let times = series[0]["timestamps"].as_array().unwrap().iter();
        let values = series[0]["values"].as_array().unwrap().iter();
        times.zip(values).map(|(t, v)| (t.as_i64().unwrap() / 1_000, v.as_f64().unwrap())).collect()
    };
    let starts: Vec<i64> = (0..6).map(|n| MONDAY + 60 * n).collect();
    let expected =
        |values: [f64; 6]| starts.iter().copied().zip(values).collect::<BTreeMap<_, _>>();
    assert_eq!(read("count").await, expected([10.0, 10.0, 10.0, 10.0, 10.0, 4.0]));
    assert_eq!(read("failed_path").await, expected([0.0, 0.0, 0.0, 0.0, 0.0, 2.0]));
    assert_eq!(read("code_tcp_timeout").await, expected([0.0, 0.0, 0.0, 0.0, 0.0, 2.0]));
    // The bucket of 5 s, the timeout, ends there.
    let inclusive = read("p95_inclusive_us").await;
    assert_eq!(inclusive.get(&(MONDAY + 300)), Some(&5_001_215.0));
}

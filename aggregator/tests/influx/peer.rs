//! The crate `influxdb2`, which does not write for us, as an independent peer: its points give the
//! same bytes as ours where it writes them rightly, and what its client brings to InfluxDB is what
//! ours does.

use std::time::Duration;

use influxdb2::api::write::TimestampPrecision;
use influxdb2::models::{DataPoint, WriteDataPoint as _};
use vantage_aggregator::export::influx::line::{Point, Value};
use vantage_aggregator::export::influx::server::{Server, ServerSettings};

use crate::bridge::{BUCKET, Bridge, ORG, TOKEN};
use crate::influxdb::InfluxDb;

fn ours() -> Vec<Point<'static>> {
    let point = |time_s, score: f64, verdict| Point {
        measurement: "vantage_score",
        tags: vec![("market", "hk"), ("phase", "total"), ("site", "são paulo")],
        // In the order of their names, as the other has them.
        fields: vec![
            ("attempts", Value::Integer(-3)),
            ("score_us", Value::Float(score)),
            ("verdict", Value::Text(verdict)),
        ],
        time_s,
    };
    vec![
        point(1_772_409_600, 160_412.5, "better"),
        point(-1, 3.0, "said \"worse\""),
        point(0, 1e-7, ""),
    ]
}

fn theirs(point: &Point<'_>) -> DataPoint {
    let mut builder = DataPoint::builder(point.measurement).timestamp(point.time_s);
    for (name, value) in &point.tags {
        builder = builder.tag(*name, *value);
    }
    for (name, value) in &point.fields {
        builder = match value {
            Value::Integer(number) => builder.field(*name, *number),
            Value::Float(number) => builder.field(*name, *number),
            Value::Text(text) => builder.field(*name, *text),
        };
    }
    builder.build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_client_writes_the_same_bytes() {
    let (mut written, mut by_peer) = (Vec::new(), Vec::new());
    for point in ours() {
        assert!(point.write(&mut written));
        theirs(&point).write_data_point_to(&mut by_peer).unwrap();
    }
    let written = String::from_utf8(written).unwrap();
    assert_eq!(String::from_utf8(by_peer.clone()).unwrap(), written);

    let influxdb = InfluxDb::start().await;
    let bridge = Bridge::start(Some(&influxdb.url)).await;
    let peer = influxdb2::Client::new(bridge.root(), ORG, TOKEN);
    let precision = TimestampPrecision::Seconds;
    peer.write_line_protocol_with_precision(ORG, BUCKET, by_peer, precision).await.unwrap();
    let read = async || influxdb.query("SELECT * FROM vantage_score ORDER BY time").await;
    let by_peer = read().await;
    assert_eq!(by_peer.len(), 3);

    let folder = tempfile::tempdir().unwrap();
    let token_file = folder.path().join("token");
    std::fs::write(&token_file, TOKEN).unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let server = Server::new(&ServerSettings {
        url: ServerSettings::parse_url(bridge.root()).unwrap(),
        org: ORG.to_owned(),
        bucket: BUCKET.to_owned(),
        token_file: Some(token_file),
        ca_file: None,
        timeout: Duration::from_secs(10),
    });
    server.unwrap().write(written.as_bytes()).await.unwrap();
    assert_eq!(read().await, by_peer);
    assert_eq!(influxdb.series().await, 1);
}

//! What a server may answer, and what becomes of the lines then.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use vantage_aggregator::export::influx::answer::{Reason, WriteError};
use vantage_aggregator::export::influx::delivery::{BeforeRequest, Delivered, deliver};
use vantage_aggregator::export::influx::line::{Point, Value};
use vantage_aggregator::export::influx::lines::Lines;
use vantage_aggregator::export::influx::server::{Server, ServerSettings};

use crate::bridge::{BUCKET, Bridge, Fault, ORG, TOKEN};

/// A server that is written to, and the file of its token.
struct Client {
    server: Server,
    token_file: PathBuf,
    _folder: TempDir,
}

impl Client {
    fn of(bridge: &Bridge) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let settings = ServerSettings {
            url: ServerSettings::parse_url(&bridge.url).unwrap(),
            org: ORG.to_owned(),
            bucket: BUCKET.to_owned(),
            token_file: Some(token_file.clone()),
            ca_file: None,
            timeout: Duration::from_secs(10),
        };
        Self { server: Server::new(&settings).unwrap(), token_file, _folder: folder }
    }

    async fn deliver(&self, lines: &Lines) -> Result<Delivered, WriteError> {
        let stop = CancellationToken::new();
        let delivered = deliver(&self.server, lines, &stop, &mut Nothing).await?;
        Ok(delivered.expect("nobody stops it"))
    }
}

/// Nothing has to be seen to.
struct Nothing;

impl BeforeRequest for Nothing {
    type Error = WriteError;

    async fn see_to_it(&mut self) -> Result<(), WriteError> {
        Ok(())
    }
}

/// Lines with the times 1, 2, …
fn lines(count: i64) -> Lines {
    let mut lines = Lines::default();
    for time_s in 1..=count {
        let (tags, fields) = (vec![("t", "x")], vec![("x", Value::Integer(time_s))]);
        lines.push(&Point { measurement: "m", tags, fields, time_s });
    }
    lines
}

fn text(lines: &Lines) -> Vec<String> {
    String::from_utf8_lossy(lines.as_bytes()).lines().map(str::to_owned).collect()
}

fn document(message: &str) -> String {
    serde_json::json!({ "code": "invalid", "message": message }).to_string()
}

#[tokio::test]
async fn what_is_written_arrives_compressed_under_the_path_of_the_url() {
    let bridge = Bridge::start(None).await;
    let lines = lines(1_000);
    let delivered = Client::of(&bridge).deliver(&lines).await.unwrap();
    assert_eq!((delivered.written, bridge.requests(), bridge.compressed()), (1_000, 1, 1));
    assert_eq!(bridge.lines(), text(&lines));
}

#[tokio::test]
async fn a_poisoned_point_is_put_aside_and_the_rest_arrives() {
    let bridge = Bridge::start(None).await;
    bridge.poison(" x=700i ");
    let lines = lines(1_000);
    let delivered = Client::of(&bridge).deliver(&lines).await.unwrap();
    assert_eq!(delivered.written, 999);
    let [aside] = delivered.aside.as_slice() else { panic!("{delivered:?}") };
    assert_eq!((aside.count, aside.reason), (1, Reason::Unparsable));
    assert_eq!(aside.line.as_str(), "m,t=x x=700i 700");
    let mut expected = text(&lines);
    expected.remove(699);
    assert_eq!(bridge.lines(), expected);
    // Two halves at every level of the tree.
    assert!(bridge.requests() <= 2 * 10 + 1, "{}", bridge.requests());
}

#[tokio::test]
async fn what_is_too_large_is_parted_and_a_point_that_is_too_large_is_put_aside() {
    let bridge = Bridge::start(None).await;
    bridge.takes_at_most(500);
    let mut lines = lines(100);
    let long = "x".repeat(1_000);
    lines.push(&Point {
        measurement: "m",
        tags: vec![],
        fields: vec![("x", Value::Text(&long))],
        time_s: 101,
    });
    let delivered = Client::of(&bridge).deliver(&lines).await.unwrap();
    assert!(delivered.too_large);
    assert_eq!((delivered.written, bridge.lines().len()), (100, 100));
    assert_eq!(delivered.aside[0].reason, Reason::TooLarge);
}

#[tokio::test]
async fn points_that_the_server_says_it_dropped_all_are_put_aside_at_once() {
    let bridge = Bridge::start(None).await;
    let message = "failure writing points to database: partial write: points beyond retention \
                   policy dropped=50";
    // All of them, then a part of which the first half is too old.
    let partial = message.replace("50", "20");
    let answer = |message: &str| Fault::Answer(422, vec![], document(message));
    bridge.meets([answer(message)]);
    let client = Client::of(&bridge);
    let delivered = client.deliver(&lines(50)).await.unwrap();
    assert_eq!((delivered.written, bridge.requests()), (0, 1));
    assert_eq!(
        (delivered.aside[0].count, delivered.aside[0].reason),
        (50, Reason::OutsideRetention)
    );

    bridge.meets([answer(&partial), answer(&partial)]);
    let delivered = client.deliver(&lines(40)).await.unwrap();
    assert_eq!((delivered.written, bridge.requests()), (20, 4));
    assert_eq!(delivered.aside[0].count, 20);
}

#[tokio::test]
async fn a_server_that_cannot_now_says_how_long() {
    let bridge = Bridge::start(None).await;
    let client = Client::of(&bridge);
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:51:37 GMT";
    for (status, headers, pause) in [
        (429, vec![("retry-after", "17")], Some(17)),
        (503, vec![("retry-after", later), ("date", date)], Some(120)),
        (503, vec![], None),
        (500, vec![], None),
    ] {
        bridge.meets([Fault::Answer(status, headers, document("wait"))]);
        let error = client.deliver(&lines(3)).await.unwrap_err();
        let expected = WriteError::Busy {
            status,
            pause: pause.map(Duration::from_secs),
            saying: "wait".into(),
        };
        assert_eq!(error, expected);
    }
    assert_eq!(client.deliver(&lines(3)).await.unwrap().written, 3);
}

#[tokio::test]
async fn a_new_token_holds_from_the_next_request_on() {
    let bridge = Bridge::start(None).await;
    let client = Client::of(&bridge);
    bridge.wants("another");
    let error = client.deliver(&lines(3)).await.unwrap_err();
    assert!(matches!(error, WriteError::Denied { status: 401, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains(TOKEN));
    std::fs::write(&client.token_file, "another").unwrap();
    assert_eq!(client.deliver(&lines(3)).await.unwrap().written, 3);
    std::fs::remove_file(&client.token_file).unwrap();
    let error = client.deliver(&lines(3)).await.unwrap_err();
    assert!(matches!(error, WriteError::Token(_)), "{error:?}");
}

#[tokio::test]
async fn who_is_no_influxdb_refuses_nothing_for_good() {
    let bridge = Bridge::start(None).await;
    let client = Client::of(&bridge);
    for status in [302, 400, 403, 404, 405] {
        bridge.meets([Fault::Answer(status, vec![("location", "/login")], "<html>".to_owned())]);
        let error = client.deliver(&lines(3)).await.unwrap_err();
        assert!(matches!(error, WriteError::Denied { .. }), "{status}: {error:?}");
    }
    assert_eq!(bridge.lines(), Vec::<String>::new());
}

#[tokio::test]
async fn a_connection_that_is_cut_is_no_answer_whatever_was_done_before() {
    let bridge = Bridge::start(None).await;
    let client = Client::of(&bridge);
    for (fault, taken) in [(Fault::CutBefore, 0), (Fault::CutAfter, 3)] {
        bridge.meets([fault]);
        let error = client.deliver(&lines(3)).await.unwrap_err();
        assert!(matches!(error, WriteError::Unreached(_)), "{error:?}");
        assert_eq!(bridge.lines().len(), taken);
    }
    assert_eq!(client.deliver(&lines(3)).await.unwrap().written, 3);
    assert_eq!(bridge.points().len(), 3);
}

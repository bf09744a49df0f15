//! What the store promises, on each of its databases.

use std::sync::Arc;
use vantage_aggregator::store::*;
use vantage_wire::report::*;
use vantage_wire::*;

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn smoke() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Embedded(folder.path().join("a b"))).await.unwrap();
    let store = Arc::new(store);
    let token = EnrolmentToken {
        hash: [1; 32],
        vantage: VantageId::new("hk-1").unwrap(),
        market: MarketId::new("hk").unwrap(),
        created: UtcMicros::new(1),
        expires: UtcMicros::new(100),
    };
    store.create_token(&token).await.unwrap();
    let other = store.clone();
    let done = tokio::spawn(async move {
        other.enrol(&[1; 32], &[2; 32], &Software::new("x"), UtcMicros::new(5)).await
    })
    .await
    .unwrap()
    .unwrap();
    println!("{done:?}");
    let report = Report {
        vantage: token.vantage.clone(),
        boot: BootId::new([3; 16]),
        sequence: Sequence::FIRST,
        software: Software::new("y"),
        windows: vec![WindowReport {
            window: Window::new(600, WindowLength::MINUTE).unwrap(),
            clock: None,
            tallies: Default::default(),
        }],
        health: Health::default(),
    };
    let reports = vec![
        IncomingReport { report: report.clone(), received: UtcMicros::new(700_000_000) },
        IncomingReport { report, received: UtcMicros::new(700_000_000) },
    ];
    let other = store.clone();
    let outcome = tokio::spawn(async move { other.append(&reports).await }).await.unwrap().unwrap();
    println!("{outcome:?}");
    println!("{:?}", assert_send(store.vantages()).await.unwrap());
    println!(
        "{:?}",
        assert_send(store.windows(&token.vantage, UtcMicros::new(0), UtcMicros::new(i64::MAX)))
            .await
            .unwrap()
    );
    println!("{:?}", assert_send(store.totals(&token.vantage)).await.unwrap());
    println!(
        "{:?}",
        assert_send(store.covered_seconds(UtcMicros::new(0), UtcMicros::new(i64::MAX)))
            .await
            .unwrap()
    );
    println!("{:?}", assert_send(store.revoke(&token.vantage, UtcMicros::new(9))).await.unwrap());
}

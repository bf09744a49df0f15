use vantage_aggregator::store::{Enrolled, Store};
use vantage_wire::report::Software;

use crate::fixture::{Database, at, enrol, token, vantage};

async fn use_token(store: &Store, token: u8, key: u8, now_s: i64) -> Enrolled {
    let software = Software::new("vantage-agent 0.1.0");
    store.enrol(&[token; 32], &[key; 32], &software, at(now_s)).await.unwrap()
}

pub async fn a_token_registers_one_key_once(database: &Database) {
    let store = database.open().await;
    store.create_token(&token(1, "hk-1", "hk", 100)).await.unwrap();
    let Enrolled::Done(registration) = use_token(&store, 1, 7, 110).await else { panic!() };
    assert_eq!(registration.vantage.as_str(), "hk-1");
    assert_eq!(registration.market.as_str(), "hk");
    assert_eq!(registration.public_key, [7; 32]);
    assert_eq!((registration.enrolled, registration.revoked), (at(110), None));
    // The answer may have been lost; meanwhile the token may have run out.
    assert_eq!(use_token(&store, 1, 7, 9_999).await, Enrolled::Done(registration.clone()));
    assert_eq!(use_token(&store, 1, 8, 120).await, Enrolled::Used);
    assert_eq!(store.vantage(&vantage("hk-1")).await.unwrap(), Some(registration));
    assert_eq!(store.vantage(&vantage("hk-2")).await.unwrap(), None);
}

pub async fn a_token_can_be_too_late_or_unknown(database: &Database) {
    let store = database.open().await;
    store.create_token(&token(1, "hk-1", "hk", 100)).await.unwrap();
    assert_eq!(use_token(&store, 1, 7, 100 + 3_600).await, Enrolled::Expired);
    assert_eq!(use_token(&store, 2, 7, 100).await, Enrolled::UnknownToken);
    assert_eq!(store.vantages().await.unwrap(), []);
}

pub async fn a_rebuilt_machine_gets_a_new_key(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    store.create_token(&token(2, "hk-1", "hk", 100)).await.unwrap();
    assert!(matches!(use_token(&store, 2, 9, 110).await, Enrolled::Done(_)));
    let all = store.vantages().await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].registration.public_key, [9; 32]);
    // The old key's answer is of no use any more.
    assert_eq!(use_token(&store, 1, 1, 120).await, Enrolled::Used);
}

pub async fn revoking_voids_older_tokens_only(database: &Database) {
    let store = database.open().await;
    assert!(!store.revoke(&vantage("hk-1"), at(1)).await.unwrap());
    enrol(&store, 1, "hk-1", "hk").await;
    store.create_token(&token(2, "hk-1", "hk", 50)).await.unwrap();
    assert!(store.revoke(&vantage("hk-1"), at(60)).await.unwrap());
    assert!(store.revoke(&vantage("hk-1"), at(70)).await.unwrap());
    let held = store.vantage(&vantage("hk-1")).await.unwrap().unwrap();
    assert_eq!(held.revoked, Some(at(60)));
    assert_eq!(use_token(&store, 1, 1, 80).await, Enrolled::Revoked);
    assert_eq!(use_token(&store, 2, 5, 80).await, Enrolled::Revoked);
    store.create_token(&token(3, "hk-1", "hk", 90)).await.unwrap();
    let Enrolled::Done(registration) = use_token(&store, 3, 5, 100).await else { panic!() };
    assert_eq!(registration.revoked, None);
}

pub async fn a_key_belongs_to_one_vantage(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    store.create_token(&token(2, "hk-2", "hk", 100)).await.unwrap();
    assert_eq!(use_token(&store, 2, 1, 110).await, Enrolled::KeyTaken);
    assert!(matches!(use_token(&store, 2, 2, 110).await, Enrolled::Done(_)));
}

pub async fn two_keys_racing_for_a_token_have_one_winner(database: &Database) {
    let (one, other) = (database.open().await, database.open().await);
    for number in 1..10 {
        let name = format!("hk-{number}");
        one.create_token(&token(number, &name, "hk", 100)).await.unwrap();
        let (first, second) = tokio::join!(
            use_token(&one, number, number, 110),
            use_token(&other, number, 100 + number, 110),
        );
        let mut done = [&first, &second].map(|each| matches!(each, Enrolled::Done(_)));
        done.sort_unstable();
        assert_eq!(done, [false, true], "{first:?} {second:?}");
        assert!([first, second].contains(&Enrolled::Used));
    }
}

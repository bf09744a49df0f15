use std::time::Duration;

use vantage_aggregator::store::{Level, Retention};
use vantage_wire::UtcMicros;

use crate::fixture::{
    Database, HOUR, MONDAY, all, assert_sound, at, due, due_of, enrol, minutes, report,
    roll_up_all, vantage, window,
};

const DAY_S: i64 = 24 * HOUR;

fn days(windows: u64, hours: u64, days: Option<u64>) -> Retention {
    let days_long = |days: u64| Duration::from_secs(days * 86_400);
    Retention { windows: days_long(windows), hours: days_long(hours), days: days.map(days_long) }
}

pub async fn what_is_deleted_is_in_the_level_above(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports: Vec<_> = (0..5 * 24)
        .map(|n| report("hk-1", 1, n + 1, vec![window(MONDAY + HOUR * n.cast_signed(), 600, n)]))
        .collect();
    store.append(&reports).await.unwrap();
    roll_up_all(&store).await;
    let (hours, days_before) = (
        all(&store, Level::Hour, vantage_wire::Phase::Total).await,
        all(&store, Level::Day, vantage_wire::Phase::Total).await,
    );
    let now = at(MONDAY + 5 * DAY_S);
    let expired = store.expire(now, &days(1, 3, None)).await.unwrap();
    assert_eq!((expired.windows, expired.hours_of_days, expired.days), (96, 2, 0));
    assert_eq!(store.expire(now, &days(1, 3, None)).await.unwrap().windows, 0);
    let left = store
        .windows(&vantage("hk-1"), UtcMicros::new(i64::MIN), UtcMicros::new(i64::MAX))
        .await
        .unwrap();
    assert_eq!(left.len(), 24);
    assert_eq!(left[0].report.window.start(), at(MONDAY + 4 * DAY_S));
    let young: Vec<_> =
        hours.into_iter().filter(|each| each.start_unix_s >= MONDAY + 2 * DAY_S).collect();
    assert_eq!(all(&store, Level::Hour, vantage_wire::Phase::Total).await, young);
    assert_eq!(all(&store, Level::Day, vantage_wire::Phase::Total).await, days_before);
    assert_sound(&store).await;
}

pub async fn late_windows_of_deleted_hours_are_added(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let mut reports = minutes("hk-1", MONDAY, 100);
    let late = reports.split_off(70);
    store.append(&reports).await.unwrap();
    roll_up_all(&store).await;
    let now = at(MONDAY + 10 * DAY_S);
    store.expire(now, &days(1, 400, None)).await.unwrap();
    // First the windows are gone, then the hours as well; late windows come in several goes.
    let mut so_far = reports.clone();
    for (index, group) in late.chunks(10).enumerate() {
        if index == 1 {
            let expired = store.expire(now, &days(1, 2, None)).await.unwrap();
            assert_eq!(expired.hours_of_days, 1);
            assert_eq!(due(&store, Level::Hour).await, 0);
        }
        store.append(group).await.unwrap();
        so_far.extend_from_slice(group);
        roll_up_all(&store).await;
        assert_eq!(due(&store, Level::Day).await, due_of(&so_far), "group {index}");
        assert!(store.totals(&vantage("hk-1")).await.unwrap().is_empty());
        store.expire(now, &days(1, 400, None)).await.unwrap();
        assert_sound(&store).await;
    }
}

pub async fn windows_that_were_not_rolled_up_stay(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 120);
    store.append(&reports).await.unwrap();
    store.roll_up(1).await.unwrap();
    let now = at(MONDAY + 1_000 * DAY_S);
    let expired = store.expire(now, &Retention::default()).await.unwrap();
    assert_eq!((expired.windows, expired.hours_of_days), (60, 0));
    roll_up_all(&store).await;
    assert_eq!(due(&store, Level::Day).await, due_of(&reports));
    let expired = store.expire(now, &Retention::default()).await.unwrap();
    assert_eq!((expired.windows, expired.hours_of_days), (60, 1));
    assert_eq!(due(&store, Level::Day).await, due_of(&reports));
    assert_eq!(due(&store, Level::Hour).await, 0);
}

pub async fn days_go_where_they_are_to_go(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    store.append(&minutes("hk-1", MONDAY, 2)).await.unwrap();
    store.append(&[report("hk-1", 2, 1, vec![window(MONDAY + 9 * DAY_S, 60, 1)])]).await.unwrap();
    roll_up_all(&store).await;
    let now = at(MONDAY + 10 * DAY_S);
    assert_eq!(store.expire(now, &days(1, 2, Some(5))).await.unwrap().days, 1);
    let left = all(&store, Level::Day, vantage_wire::Phase::Total).await;
    assert!(left.iter().all(|day| day.start_unix_s == MONDAY + 9 * DAY_S));
    assert_eq!(left.len(), 2);
    assert_eq!(store.expire(now, &days(1, 2, Some(5))).await.unwrap().days, 0);
    assert_sound(&store).await;
}

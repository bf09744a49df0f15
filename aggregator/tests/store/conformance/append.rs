use vantage_aggregator::store::{IncomingReport, StoreError};
use vantage_wire::UtcMicros;
use vantage_wire::exchange::Stored::{Duplicate, Stored};

use crate::fixture::{
    Database, KNOWN_CLOCK, MONDAY, assert_sound, at, due_of, enrol, minutes, report, vantage,
    window,
};

const ALWAYS: (UtcMicros, UtcMicros) = (UtcMicros::new(i64::MIN), UtcMicros::new(i64::MAX));

async fn due_in_windows(store: &vantage_aggregator::store::Store, name: &str) -> u64 {
    store.totals(&vantage(name)).await.unwrap().values().map(|each| each.due).sum()
}

pub async fn a_report_counts_once_however_often_it_comes(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let one = report("hk-1", 1, 1, vec![window(MONDAY, 60, 1)]);
    let other_boot = report("hk-1", 2, 1, vec![window(MONDAY, 60, 2)]);
    let group = [one.clone(), one.clone(), other_boot.clone()];
    assert_eq!(store.append(&group).await.unwrap(), [Stored, Duplicate, Stored]);
    assert_eq!(store.append(&group).await.unwrap(), [Duplicate; 3]);
    assert_eq!(store.append(&[]).await.unwrap(), []);
    assert_eq!(due_in_windows(&store, "hk-1").await, due_of([&one, &other_boot]));
    assert_sound(&store).await;
}

pub async fn reports_may_come_in_any_order(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 9);
    for index in [8, 0, 4, 5, 3, 1, 7, 6, 2] {
        assert_eq!(store.append(&reports[index..=index]).await.unwrap(), [Stored]);
    }
    assert_eq!(store.append(&reports).await.unwrap(), [Duplicate; 9]);
    assert_eq!(due_in_windows(&store, "hk-1").await, due_of(&reports));
}

pub async fn gaps_in_the_numbers_of_reports_take_bounded_room(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let every_second: Vec<_> =
        (1..=2_500).map(|number| report("hk-1", 1, 2 * number, Vec::new())).collect();
    for group in every_second.chunks(500) {
        assert_eq!(store.append(group).await.unwrap(), vec![Stored; group.len()]);
    }
    assert_eq!(store.append(&every_second).await.unwrap(), vec![Duplicate; every_second.len()]);
    let numbered = |number| [report("hk-1", 1, number, vec![window(MONDAY, 60, 1)])];
    assert_eq!(store.append(&numbered(3)).await.unwrap(), [Duplicate], "in a gap that was closed");
    assert_eq!(store.append(&numbered(4_001)).await.unwrap(), [Stored]);
    assert_eq!(store.append(&numbered(5_001)).await.unwrap(), [Stored], "next in order");
    assert_sound(&store).await;
}

pub async fn windows_come_back_as_they_were_reported(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let windows = vec![
        window(MONDAY + 60, 60, 3),
        window(MONDAY, 60, 1),
        window(MONDAY, 60, 2),
        window(MONDAY, 600, 4),
        window(MONDAY + 120, 60, 5),
    ];
    store.append(&[report("hk-1", 1, u64::MAX, windows.clone())]).await.unwrap();
    let stored = store.windows(&vantage("hk-1"), at(MONDAY), at(MONDAY + 120)).await.unwrap();
    let order: Vec<u32> = stored.iter().map(|each| each.part).collect();
    assert_eq!(order, [1, 2, 3, 0]);
    for each in &stored {
        assert_eq!(each.report, windows[each.part as usize]);
        assert_eq!(each.sequence.get(), u64::MAX);
    }
    assert_eq!(store.windows(&vantage("hk-2"), ALWAYS.0, ALWAYS.1).await.unwrap(), []);
}

pub async fn state_follows_the_report_received_last(database: &Database) {
    let store = database.open().await;
    enrol(&store, 2, "hk-2", "hk").await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 3);
    store.append(&[reports[2].clone(), reports[0].clone()]).await.unwrap();
    let late = IncomingReport { received: at(MONDAY), ..reports[1].clone() };
    store.append(&[late]).await.unwrap();
    let all = store.vantages().await.unwrap();
    let names: Vec<_> = all.iter().map(|each| each.registration.vantage.as_str()).collect();
    assert_eq!(names, ["hk-1", "hk-2"]);
    assert_eq!(all[0].last_seen, Some(at(MONDAY + 180)));
    assert_eq!(all[0].newest_window_end, Some(at(MONDAY + 180)));
    assert_eq!(all[0].health.as_ref().unwrap().open_files, Some(3));
    assert_eq!(all[0].clock, Some(KNOWN_CLOCK));
    assert_eq!((all[1].last_seen, &all[1].health), (None, &None));
}

pub async fn a_report_of_a_stranger_stores_nothing(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let mut group = minutes("hk-1", MONDAY, 1);
    group.extend(minutes("nobody", MONDAY, 1));
    let error = store.append(&group).await.unwrap_err();
    assert!(matches!(error, StoreError::UnknownVantage(name) if name == vantage("nobody")));
    assert_eq!(due_in_windows(&store, "hk-1").await, 0);
    assert_eq!(store.append(&group[..1]).await.unwrap(), [Stored]);
}

pub async fn two_handles_store_each_report_once(database: &Database) {
    let (one, other) = (database.open().await, database.open().await);
    let mut reports = Vec::new();
    for (number, name) in (1..).zip(["hk-1", "in-1", "mx-1"]) {
        enrol(&one, number, name, "hk").await;
        reports.extend(minutes(name, MONDAY, 20));
    }
    let backwards: Vec<_> = reports.iter().rev().cloned().collect();
    let send = |store: vantage_aggregator::store::Store, reports: Vec<IncomingReport>| async move {
        let mut stored = 0;
        for group in reports.chunks(7) {
            let outcomes = store.append(group).await.unwrap();
            stored += outcomes.into_iter().filter(|outcome| *outcome == Stored).count();
        }
        stored
    };
    let first = tokio::spawn(send(one.clone(), reports.clone()));
    let second = tokio::spawn(send(other.clone(), backwards));
    assert_eq!(first.await.unwrap() + second.await.unwrap(), reports.len());
    let mut total = 0;
    for name in ["hk-1", "in-1", "mx-1"] {
        total += due_in_windows(&other, name).await;
    }
    assert_eq!(total, due_of(&reports));
    assert_sound(&one).await;
}

pub async fn what_is_stored_is_there_after_reopening(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    let reports = minutes("hk-1", MONDAY, 2);
    store.append(&reports).await.unwrap();
    store.close().await;
    assert!(store.append(&reports).await.is_err());
    let store = database.open().await;
    assert_eq!(store.append(&reports).await.unwrap(), [Duplicate; 2]);
    assert_eq!(due_in_windows(&store, "hk-1").await, due_of(&reports));
}

pub async fn coverage_counts_overlaps_once(database: &Database) {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    enrol(&store, 2, "hk-2", "hk").await;
    let windows = vec![
        window(MONDAY, 600, 1),
        window(MONDAY + 60, 60, 2),
        window(MONDAY + 540, 60, 3),
        // One that begins within another and ends after it.
        window(MONDAY + 960, 60, 4),
        window(MONDAY + 990, 90, 5),
        window(MONDAY + 1_200, 60, 6),
        window(MONDAY + 1_200, 120, 7),
    ];
    store.append(&[report("hk-1", 1, 1, windows)]).await.unwrap();
    let covered = store.covered_seconds(at(MONDAY + 300), at(MONDAY + 1_230)).await.unwrap();
    assert_eq!(covered.into_iter().collect::<Vec<_>>(), [(vantage("hk-1"), 450)]);
}

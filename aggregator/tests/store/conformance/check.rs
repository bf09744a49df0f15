use vantage_aggregator::store::Level;
use vantage_wire::{BootId, Sequence};

use crate::fixture::{Database, HOUR, MONDAY, at, enrol, minutes, roll_up_all, vantage};

async fn filled(database: &Database) -> vantage_aggregator::store::Store {
    let store = database.open().await;
    enrol(&store, 1, "hk-1", "hk").await;
    store.append(&minutes("hk-1", MONDAY, 90)).await.unwrap();
    roll_up_all(&store).await;
    store
}

pub async fn a_sound_store_is_found_sound(database: &Database) {
    let store = database.open().await;
    assert!(store.check().await.unwrap().is_sound());
    let found = filled(database).await.check().await.unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!((found.checked, found.pending, found.sealed), (3, 0, 0));
}

pub async fn dirty_hours_are_pending_not_wrong(database: &Database) {
    let store = filled(database).await;
    store.append(&minutes("hk-1", MONDAY, 91)).await.unwrap();
    let found = store.check().await.unwrap();
    assert!(found.is_sound(), "{found:?}");
    assert_eq!((found.checked, found.pending), (2, 1));
}

pub async fn figures_tell_of_size_and_of_what_waits(database: &Database) {
    let store = filled(database).await;
    let before = store.figures().await.unwrap();
    assert_eq!((before.hours_waiting, before.days_waiting), (0, 0));
    assert!(before.bytes > 4_096, "{before:?}");
    store.append(&minutes("hk-1", MONDAY, 180)).await.unwrap();
    // Days wait once their hours have been rolled up.
    let waiting = store.figures().await.unwrap();
    assert_eq!((waiting.hours_waiting, waiting.days_waiting), (2, 0));
    assert!(waiting.bytes >= before.bytes, "{waiting:?}");
}

pub async fn a_changed_roll_up_is_found(database: &Database) {
    let store = filled(database).await;
    database.tamper("UPDATE rollups SET ok = ok + 1 WHERE level = 2").await;
    let found = store.check().await.unwrap();
    assert_eq!(found.wrong_spans.len(), 1);
    let wrong = &found.wrong_spans[0];
    assert_eq!(
        (wrong.level, wrong.start, &wrong.vantage),
        (Level::Day, at(MONDAY), &vantage("hk-1"))
    );
    assert_eq!(wrong.problem, "probe oregon/https differs");
}

pub async fn a_lost_histogram_is_found(database: &Database) {
    let store = filled(database).await;
    database
        .tamper(
            "DELETE FROM rollup_phases WHERE level = 1 AND phase = 2 AND start = \
             (SELECT MAX(start) FROM rollups WHERE level = 1)",
        )
        .await;
    let found = store.check().await.unwrap();
    let wrong: Vec<_> = found.wrong_spans.iter().map(|each| (each.level, each.start)).collect();
    // The day is not the sum of its hours any more either.
    assert_eq!(wrong, [(Level::Hour, at(MONDAY + HOUR)), (Level::Day, at(MONDAY))]);
}

pub async fn a_report_missing_in_the_progress_is_found(database: &Database) {
    let store = filled(database).await;
    database.tamper("DELETE FROM progress").await;
    let found = store.check().await.unwrap();
    assert!(found.wrong_spans.is_empty());
    let last = (vantage("hk-1"), BootId::new([1; 16]), Sequence::new(90).unwrap());
    assert_eq!(
        (found.unaccounted_reports.len(), found.unaccounted_reports.last()),
        (90, Some(&last))
    );
}

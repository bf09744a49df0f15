//! What the export to InfluxDB relies on.

use std::time::Duration;

use vantage_aggregator::store::{InfluxTurn, KeptHour, Retention, Store};

use crate::fixture::{self, Database, HOUR, MONDAY, at, enrol, minutes, report, vantage, window};

async fn store_with(database: &Database, vantages: &[&str]) -> Store {
    let store = database.open().await;
    for (number, name) in (1..).zip(vantages) {
        enrol(&store, number, name, "hk").await;
    }
    store
}

async fn starts(store: &Store) -> Vec<i64> {
    store.influx_notes(100).await.unwrap().iter().map(|note| note.start_unix_s).collect()
}

pub async fn windows_are_noted_while_the_export_is_on(database: &Database) {
    let store = store_with(database, &["hk-1"]).await;
    let reports = minutes("hk-1", MONDAY, 4);
    store.append(&reports[..1]).await.unwrap();
    assert_eq!((starts(&store).await, store.influx_backlog().await.unwrap()), (vec![], None));

    assert!(store.switch_influx_on(at(MONDAY)).await.unwrap());
    assert!(!store.switch_influx_on(at(MONDAY)).await.unwrap());
    store.append(&reports[1..3]).await.unwrap();
    assert_eq!(starts(&store).await, [MONDAY + 60, MONDAY + 120]);
    let backlog = store.influx_backlog().await.unwrap().unwrap();
    assert_eq!((backlog.notes, backlog.oldest), (2, Some(at(MONDAY + 120))));
    // What is there already is not added, and not noted.
    store.append(&reports[..3]).await.unwrap();
    assert_eq!(starts(&store).await.len(), 2);

    assert_eq!(store.switch_influx_off().await.unwrap(), 2);
    store.append(&reports[3..]).await.unwrap();
    assert_eq!((starts(&store).await, store.influx_backlog().await.unwrap()), (vec![], None));
    store.close().await;
}

pub async fn a_note_that_is_taken_away_leaves_those_made_since(database: &Database) {
    let store = store_with(database, &["hk-1", "hk-2"]).await;
    store.switch_influx_on(at(MONDAY)).await.unwrap();
    store.append(&minutes("hk-1", MONDAY, 1)).await.unwrap();
    let notes = store.influx_notes(100).await.unwrap();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!((note.vantage.as_str(), note.market.as_str()), ("hk-1", "hk"));
    let read = store.noted_windows(note).await.unwrap().unwrap();
    assert_eq!(read.len(), 1);

    // The same minute of another run, before what was read is written, and of another place.
    store.append(&[report("hk-1", 2, 1, vec![window(MONDAY, 600, 9)])]).await.unwrap();
    store.append(&minutes("hk-2", MONDAY, 1)).await.unwrap();
    store.end_influx_turn(&[1; 16], &notes).await.unwrap();
    let left = store.influx_notes(100).await.unwrap();
    assert_eq!(left.iter().map(|note| note.vantage.as_str()).collect::<Vec<_>>(), ["hk-1", "hk-2"]);
    assert_eq!(store.noted_windows(&left[0]).await.unwrap().unwrap().len(), 2);
    store.end_influx_turn(&[1; 16], &left).await.unwrap();
    assert_eq!(starts(&store).await, Vec::<i64>::new());

    // Numbers never come again, also where the newest was taken away.
    store.append(&[report("hk-1", 3, 1, vec![window(MONDAY, 60, 3)])]).await.unwrap();
    store.end_influx_turn(&[1; 16], &left).await.unwrap();
    assert_eq!(starts(&store).await, [MONDAY]);
    store.close().await;
}

pub async fn one_writer_at_a_time_has_the_turn(database: &Database) {
    let store = store_with(database, &["hk-1"]).await;
    let other = database.open().await;
    let (first, second) = ([1; 16], [2; 16]);
    let take = async |store: &Store, writer, now| {
        store.take_influx_turn(writer, at(now), at(now + 60)).await.unwrap()
    };
    assert_eq!(take(&store, &first, MONDAY).await, InfluxTurn::Off);
    store.switch_influx_on(at(MONDAY)).await.unwrap();
    assert_eq!(take(&store, &first, MONDAY).await, InfluxTurn::Taken);
    assert_eq!(take(&other, &second, MONDAY + 30).await, InfluxTurn::Another);
    assert_eq!(take(&store, &first, MONDAY + 50).await, InfluxTurn::Taken);
    assert_eq!(take(&other, &second, MONDAY + 70).await, InfluxTurn::Another);
    // A turn that was not kept up ends by itself, and its holder does not end that of another.
    assert_eq!(take(&other, &second, MONDAY + 111).await, InfluxTurn::Taken);
    store.end_influx_turn(&first, &[]).await.unwrap();
    assert_eq!(take(&store, &first, MONDAY + 112).await, InfluxTurn::Another);
    other.end_influx_turn(&second, &[]).await.unwrap();
    assert_eq!(take(&store, &first, MONDAY + 113).await, InfluxTurn::Taken);
    other.close().await;
    store.close().await;
}

pub async fn what_is_left_of_a_deleted_hour_is_not_taken_for_all_of_it(database: &Database) {
    let store = store_with(database, &["hk-1"]).await;
    store.switch_influx_on(at(MONDAY)).await.unwrap();
    let reports = minutes("hk-1", MONDAY, 60);
    store.append(&reports).await.unwrap();
    fixture::roll_up_all(&store).await;
    let kept = store.kept_hour(&vantage("hk-1"), MONDAY).await.unwrap();
    assert!(matches!(&kept, KeptHour::Windows(windows) if windows.len() == 60), "{kept:?}");

    let retention = Retention { windows: Duration::from_hours(1), ..Retention::default() };
    let expired = store.expire(at(MONDAY + 2 * HOUR), &retention).await.unwrap();
    assert_eq!((expired.windows, expired.influx_notes), (60, 0));
    // Later than any window could be let in, the notes go as well.
    let note = store.influx_notes(1).await.unwrap().remove(0);
    assert_eq!(store.noted_windows(&note).await.unwrap(), None);
    let expired = store.expire(at(MONDAY + 3 * HOUR), &retention).await.unwrap();
    assert_eq!(expired.influx_notes, 60);
    store.append(&[report("hk-1", 2, 1, vec![window(MONDAY, 60, 5)])]).await.unwrap();
    let note = store.influx_notes(1).await.unwrap().remove(0);
    assert_eq!(store.noted_windows(&note).await.unwrap(), None);

    let KeptHour::Sums(sums) = store.kept_hour(&vantage("hk-1"), MONDAY).await.unwrap() else {
        panic!("its windows were deleted");
    };
    let due: u64 = sums.values().map(vantage_wire::report::Tally::due).sum();
    assert_eq!(due, fixture::due_of(&reports));
    assert_eq!(store.kept_hours().await.unwrap(), Some((MONDAY, MONDAY)));
    store.close().await;
}

pub async fn scores_are_remembered_by_the_newest(database: &Database) {
    let store = database.open().await;
    assert_eq!(store.influx_scored().await.unwrap(), None);
    store.switch_influx_on(at(MONDAY)).await.unwrap();
    assert_eq!(store.influx_scored().await.unwrap(), None);
    store.set_influx_scored(MONDAY + HOUR).await.unwrap();
    store.set_influx_scored(MONDAY).await.unwrap();
    assert_eq!(store.influx_scored().await.unwrap(), Some(MONDAY + HOUR));
    store.close().await;
}

//! What a full disk does to the embedded store. Needs the right to mount a file system, which
//! `tests/run` sees to.

use std::fs;
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use vantage_aggregator::store::{Level, Location, Store, StoreError};
use vantage_wire::exchange::Stored;

use crate::fixture::{MONDAY, assert_sound, due, due_of, enrol, minutes, roll_up_all};

/// A file system of four megabytes in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Some("size=4m");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), options)
            .expect("mounting needs root, or a user namespace as tests/run makes it");
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_no_trace() {
    let disk = SmallDisk::new();
    let location = Location::Embedded(disk.path().join("data"));
    let store = Store::open(&location).await.unwrap();
    enrol(&store, 1, "hk-1", "hk").await;
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 2 << 20]).unwrap();

    let reports = minutes("hk-1", MONDAY, 20_000);
    let mut groups = reports.chunks(50);
    let mut stored = 0;
    let refused = loop {
        let group = groups.next().expect("the disk never filled up");
        match store.append(group).await {
            Ok(_) => stored += group.len(),
            Err(StoreError::Full(_)) => break group,
            Err(error) => panic!("{error:?}"),
        }
    };
    // Reading goes on, and nothing of the refused group is there.
    let totals = store.totals(&crate::fixture::vantage("hk-1")).await.unwrap();
    assert_eq!(totals.values().map(|each| each.due).sum::<u64>(), due_of(&reports[..stored]));

    // Space returns: the same store goes on by itself.
    fs::remove_file(ballast).unwrap();
    assert_eq!(store.append(refused).await.unwrap(), vec![Stored::Stored; refused.len()]);
    let kept = stored + refused.len();
    roll_up_all(&store).await;
    assert_eq!(due(&store, Level::Hour).await, due_of(&reports[..kept]));
    assert_sound(&store).await;
    store.close().await;
    let store = Store::open(&location).await.unwrap();
    assert_sound(&store).await;
    assert_eq!(due(&store, Level::Day).await, due_of(&reports[..kept]));
}

//! An agent whose disk is full: it says so, keeps what it has measured, and goes on by itself when
//! there is space.

use std::fs;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use vantage_agent::spool::{Folder, Limits, Spool};
use vantage_wire::report::{decode_windows, encode_windows};
use vantage_wire::{BootId, WindowLength};

use crate::week_away::{ATTEMPTS, key, minute};

/// A file system of one megabyte in memory.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Some("size=1m");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), options)
            .expect("mounting needs root, or a user namespace as tests/run makes it");
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(self.0.path(), MntFlags::MNT_DETACH);
    }
}

#[test]
fn a_full_disk_costs_no_attempt_and_the_spool_recovers_by_itself() {
    let disk = SmallDisk::new();
    let open = || {
        let folder = Folder::open(&disk.0.path().join("spool")).unwrap();
        Spool::open(folder, Limits::default(), BootId::new([7; 16]))
    };
    let mut spool = open().unwrap();
    // Another program fills the disk.
    let ballast = disk.0.path().join("ballast");
    let mut bytes = 1 << 20;
    while bytes > 0 {
        let filled = fs::read(&ballast).unwrap_or_default().len();
        if fs::write(&ballast, vec![0; filled + bytes]).is_err() {
            fs::write(&ballast, vec![0; filled]).unwrap();
            bytes /= 2;
        }
        if bytes < 4_096 {
            break;
        }
    }
    let mut refused = 0;
    for number in 0..300 {
        if let Err(error) = spool.append([minute(number)]) {
            assert!(error.is_full(), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 0, "the disk never filled up");
    assert!(spool.holdings().in_memory > 0);

    // Space returns: what waited in memory goes to disk with the next window.
    fs::remove_file(&ballast).unwrap();
    spool.append([minute(300)]).unwrap();
    assert_eq!(spool.holdings().in_memory, 0);
    drop(spool);

    // Everything is on the disk, and once.
    let mut spool = open().unwrap();
    assert_eq!(spool.holdings().corrupt, 0);
    let mut due = 0;
    while let Some((pending, kept)) =
        spool.next_report(1_440, |_, windows| encode_windows(&windows)).unwrap()
    {
        for report in decode_windows(&kept).unwrap().0 {
            assert!(report.window.length() <= WindowLength::DAY);
            due += report.tallies[&key()].due();
        }
        spool.acknowledge(pending).unwrap();
    }
    assert_eq!(due, 301 * ATTEMPTS);
}

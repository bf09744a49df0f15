//! An agent whose disk is full: it says so, keeps what it has measured, and goes on by itself when
//! there is space.

use vantage_agent::spool::{Folder, Limits, Spool};
use vantage_wire::report::{decode_windows, encode_windows};
use vantage_wire::{BootId, WindowLength};

use crate::small_disk::SmallDisk;
use crate::week_away::{ATTEMPTS, key, minute};

#[test]
fn a_full_disk_costs_no_attempt_and_the_spool_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::at(folder.path(), 1);
    let open = || {
        let folder = Folder::open(&disk.path().join("spool")).unwrap();
        Spool::open(folder, Limits::default(), BootId::new([7; 16]))
    };
    let mut spool = open().unwrap();
    disk.fill();
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
    disk.make_room();
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

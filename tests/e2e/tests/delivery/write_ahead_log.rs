//! The write-ahead log of the embedded store, seen from outside: when a commit is being written,
//! and whether one was cut short (<https://www.sqlite.org/fileformat2.html#walformat>).

use std::path::Path;
use std::time::Duration;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use vantage_world::clock;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Waits until `log` is written to, and then for `delay`; at most for `most` in all. Never sleeps: a
/// commit takes less time than it takes to be woken up.
pub(crate) fn wait_for_write(log: &Path, delay: Duration, most: Duration) {
    let watch = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).unwrap();
    watch.add_watch(log, AddWatchFlags::IN_MODIFY).unwrap();
    let mut until = clock::now() + most;
    let mut is_written = false;
    while clock::now() < until {
        if !is_written && watch.read_events().is_ok() {
            is_written = true;
            until = clock::now() + delay;
        }
        std::hint::spin_loop();
    }
}

/// How far a log has been written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Bytes up to the end of its last whole frame.
    pub(crate) bytes: usize,
    /// Whether that frame belongs to a commit whose last frame is missing.
    pub(crate) within_a_commit: bool,
}

/// Looks for the end of a log.
pub(crate) fn end_of(log: &[u8]) -> End {
    let Some(header) = log.get(..HEADER_BYTES) else { return End::default() };
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let big_endian = word(0) & 1 == 1;
    let page_bytes = usize::try_from(word(8)).unwrap();
    let salts = &header[16..24];
    let mut sum = checksum((0, 0), &header[..24], big_endian);
    let mut end = End { bytes: HEADER_BYTES, within_a_commit: false };
    for frame in log[HEADER_BYTES..].chunks_exact(FRAME_HEADER_BYTES + page_bytes) {
        let (head, page) = frame.split_at(FRAME_HEADER_BYTES);
        sum = checksum(checksum(sum, &head[..8], big_endian), page, big_endian);
        let written = [sum.0.to_be_bytes(), sum.1.to_be_bytes()].concat();
        // What follows is left over from before the log was begun anew, or not whole.
        if head[8..16] != *salts || head[16..24] != written {
            break;
        }
        // The last frame of a commit bears the size of the database.
        end = End { bytes: end.bytes + frame.len(), within_a_commit: head[4..8] == [0; 4] };
    }
    end
}

fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let read = |bytes: &[u8]| {
        let bytes = bytes.try_into().unwrap();
        if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    };
    for pair in bytes.chunks_exact(8) {
        first = first.wrapping_add(read(&pair[..4])).wrapping_add(second);
        second = second.wrapping_add(read(&pair[4..])).wrapping_add(first);
    }
    (first, second)
}

/// Cuts a log that SQLite itself wrote, frame by frame.
#[tokio::test]
async fn only_a_log_that_is_cut_within_a_commit_ends_within_one() {
    use vantage_aggregator::store::{Location, Store};

    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&Location::Embedded(folder.path().to_owned())).await.unwrap();
    let log = std::fs::read(folder.path().join("vantage.db-wal")).unwrap();
    store.close().await;
    assert_eq!(end_of(&log), End { bytes: log.len(), within_a_commit: false });
    let page_bytes = usize::try_from(u32::from_be_bytes(log[8..12].try_into().unwrap())).unwrap();
    let frame_bytes = FRAME_HEADER_BYTES + page_bytes;
    let mut unfinished = 0;
    for start in (HEADER_BYTES..log.len() - frame_bytes).step_by(frame_bytes) {
        let within_a_commit = log[start + 4..start + 8] == [0; 4];
        let end = End { bytes: start + frame_bytes, within_a_commit };
        assert_eq!(end_of(&log[..end.bytes]), end);
        // Half of the next frame changes nothing.
        assert_eq!(end_of(&log[..end.bytes + frame_bytes / 2]), end);
        unfinished += usize::from(within_a_commit);
    }
    assert!(unfinished > 0, "no commit of several frames");
}

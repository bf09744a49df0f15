//! Which windows are on disk, and which of them can be merged.

use std::collections::{BTreeMap, BTreeSet};

use vantage_wire::{Window, WindowLength};

use super::blocks;
use super::file::Serial;

/// The lengths that windows are merged into, in the order in which they are tried.
pub const STEPS: [WindowLength; 3] =
    [WindowLength::TEN_MINUTES, WindowLength::HOUR, WindowLength::DAY];
/// Files merged at once: bounds the memory that merging takes.
const MOST_MERGED: usize = 32;

/// A file with a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The file's length in bytes.
    pub bytes: usize,
    /// Series in the window.
    pub tallies: u32,
}

/// The files with windows, in the order of time.
#[derive(Debug, Default)]
pub struct Index {
    entries: BTreeMap<(Window, Serial), Entry>,
    bytes: u64,
    /// Files that were found not to become smaller by merging into windows of a length.
    settled: BTreeSet<(Serial, WindowLength)>,
}

impl Index {
    /// How many windows there are.
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// What they take up on disk.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a file in.
    pub fn insert(&mut self, window: Window, serial: Serial, entry: Entry) {
        self.bytes += blocks(entry.bytes);
        self.entries.insert((window, serial), entry);
    }

    /// Forgets a file.
    pub fn remove(&mut self, window: Window, serial: Serial) {
        if let Some(entry) = self.entries.remove(&(window, serial)) {
            self.bytes -= blocks(entry.bytes);
        }
        for length in STEPS {
            self.settled.remove(&(serial, length));
        }
    }

    /// Whether a file is there.
    pub fn contains(&self, window: Window, serial: Serial) -> bool {
        self.entries.contains_key(&(window, serial))
    }

    /// The files, the oldest window first.
    pub fn iter(&self) -> impl Iterator<Item = (Window, Serial, Entry)> + '_ {
        self.entries.iter().map(|(&(window, serial), &entry)| (window, serial, entry))
    }

    /// The oldest files that lie in one window of a length and may be merged into it; two or more.
    pub fn mergeable(&self, length: WindowLength) -> Option<Vec<(Window, Serial, Entry)>> {
        let mut group: Vec<(Window, Serial, Entry)> = Vec::new();
        let mut of = None;
        for (window, serial, entry) in self.iter() {
            let Ok(coarse) = window.coarsen(length) else { continue };
            if self.settled.contains(&(serial, length)) {
                continue;
            }
            if of != Some(coarse) {
                if group.len() > 1 {
                    break;
                }
                group.clear();
                of = Some(coarse);
            }
            group.push((window, serial, entry));
            if group.len() == MOST_MERGED {
                break;
            }
        }
        (group.len() > 1).then_some(group)
    }

    /// Notes that a file gains nothing by merging into windows of a length.
    pub fn settle(&mut self, serial: Serial, length: WindowLength) {
        self.settled.insert((serial, length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(minute: i64) -> Window {
        Window::new(minute * 60, WindowLength::MINUTE).unwrap()
    }

    fn serials(index: &Index, length: WindowLength) -> Option<Vec<Serial>> {
        let group = index.mergeable(length)?;
        Some(group.into_iter().map(|(_, serial, _)| serial).collect())
    }

    #[test]
    fn the_oldest_files_that_fit_into_one_window_are_merged() {
        let mut index = Index::default();
        let entry = Entry { bytes: 1, tallies: 1 };
        for (at, serial) in [(9, 1), (10, 2), (30, 3), (13, 4), (31, 5)] {
            index.insert(minute(at), serial, entry);
        }
        let ten = WindowLength::TEN_MINUTES;
        assert_eq!(serials(&index, ten), Some(vec![2, 4]));
        index.settle(2, ten);
        assert_eq!(serials(&index, ten), Some(vec![3, 5]), "what gained nothing is left alone");
        assert_eq!(serials(&index, WindowLength::HOUR), Some(vec![1, 2, 4, 3, 5]));
        assert_eq!(index.bytes(), 5 * 4_096);
        index.remove(minute(30), 3);
        assert_eq!(serials(&index, ten), None);
        assert_eq!(index.bytes(), 4 * 4_096);
    }
}

//! A disk in memory whose power fails, whose process is killed and that fills up, on demand.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::rc::Rc;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::Storage;

/// What becomes of what was not synced.
#[derive(Debug, Clone, Copy)]
pub enum Crash {
    /// The process is killed: the kernel keeps everything.
    Killed,
    /// The power fails, and nothing that was not synced had come to the disk.
    NothingWritten,
    /// The power fails; of the rest, chance decides what had come to the disk.
    SomeWritten(u64),
}

/// The disk; a clone is the same disk.
#[derive(Debug, Clone, Default)]
pub struct Disk(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    contents: BTreeMap<u64, Content>,
    seen: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    operations: u64,
    crash_at: Option<u64>,
    fail_at: Option<u64>,
    capacity: Option<usize>,
}

#[derive(Debug, Default, Clone)]
struct Content {
    seen: Vec<u8>,
    durable: Vec<u8>,
}

impl Disk {
    /// Every operation from the `operation`-th on fails without effect: the process is dead.
    pub fn crash_at(&self, operation: Option<u64>) {
        self.0.borrow_mut().crash_at = operation;
    }

    /// The one operation fails, half done where that is possible.
    pub fn fail_at(&self, operation: u64) {
        self.0.borrow_mut().fail_at = Some(operation);
    }

    /// Only so many bytes have room.
    pub fn limit(&self, capacity: Option<usize>) {
        self.0.borrow_mut().capacity = capacity;
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.0.borrow().operations
    }

    /// Whether the process died.
    pub fn is_dead(&self) -> bool {
        let state = self.0.borrow();
        state.crash_at.is_some_and(|at| state.operations > at)
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<String> {
        self.0.borrow().seen.keys().cloned().collect()
    }

    /// Changes a byte of a file, as a bad sector does.
    pub fn damage(&self, name: &str) {
        let mut state = self.0.borrow_mut();
        let file = state.seen[name];
        let content = state.contents.get_mut(&file).unwrap();
        let middle = content.seen.len() / 2;
        content.seen[middle] ^= 1;
        content.durable = content.seen.clone();
    }

    /// The disk as the next process finds it.
    pub fn after(&self, crash: Crash) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        state.crash_at = None;
        match crash {
            Crash::Killed => return,
            Crash::NothingWritten => {
                state.seen = state.durable.clone();
                state
                    .contents
                    .values_mut()
                    .for_each(|content| content.seen.clone_from(&content.durable));
            }
            Crash::SomeWritten(seed) => {
                let mut random = ChaCha8Rng::seed_from_u64(seed);
                let names: BTreeSet<String> =
                    state.seen.keys().chain(state.durable.keys()).cloned().collect();
                for name in names {
                    let chosen = if random.random() { &state.seen } else { &state.durable };
                    match chosen.get(&name).copied() {
                        Some(file) => drop(state.seen.insert(name, file)),
                        None => drop(state.seen.remove(&name)),
                    }
                }
                for content in state.contents.values_mut().filter(|c| c.seen != c.durable) {
                    let torn = random.random_range(0..=content.seen.len());
                    content.seen.truncate(torn);
                }
            }
        }
        state.durable = state.seen.clone();
        state.contents.values_mut().for_each(|content| content.durable.clone_from(&content.seen));
    }

    /// Counts an operation. Says whether it fails half done.
    fn operate(&self) -> io::Result<bool> {
        let mut state = self.0.borrow_mut();
        state.operations += 1;
        if state.crash_at.is_some_and(|at| state.operations > at) {
            return Err(io::Error::other("the process is dead"));
        }
        Ok(state.fail_at == Some(state.operations))
    }
}

fn failed() -> io::Error {
    io::Error::from_raw_os_error(libc::EIO)
}

impl Storage for Disk {
    fn list(&mut self) -> io::Result<Vec<String>> {
        if self.operate()? {
            return Err(failed());
        }
        Ok(self.names())
    }

    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        // Failing to read is not among the faults: see `damage`.
        self.operate()?;
        let state = self.0.borrow();
        let file = state.seen.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.contents[file].seen.clone())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fails = self.operate()?;
        let mut state = self.0.borrow_mut();
        let others = state.seen.iter().filter(|(other, _)| *other != name);
        let used: usize = others.map(|(_, file)| state.contents[file].seen.len()).sum();
        let room = state.capacity.map_or(usize::MAX, |capacity| capacity.saturating_sub(used));
        let written = if fails { bytes.len() / 2 } else { bytes.len().min(room) };
        let file = state.operations;
        state.seen.insert(name.to_owned(), file);
        state
            .contents
            .insert(file, Content { seen: bytes[..written].to_vec(), durable: Vec::new() });
        if fails {
            return Err(failed());
        }
        if written < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync_file(&mut self, name: &str) -> io::Result<()> {
        if self.operate()? {
            return Err(failed());
        }
        let mut state = self.0.borrow_mut();
        let file = *state.seen.get(name).ok_or(io::ErrorKind::NotFound)?;
        let content = state.contents.get_mut(&file).unwrap();
        content.durable.clone_from(&content.seen);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        // Done, and yet said to have failed: what a network file system does.
        let fails = self.operate()?;
        let mut state = self.0.borrow_mut();
        let file = state.seen.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.seen.insert(to.to_owned(), file);
        if fails { Err(failed()) } else { Ok(()) }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let fails = self.operate()?;
        self.0.borrow_mut().seen.remove(name);
        if fails { Err(failed()) } else { Ok(()) }
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        if self.operate()? {
            return Err(failed());
        }
        let mut state = self.0.borrow_mut();
        state.durable = state.seen.clone();
        Ok(())
    }
}

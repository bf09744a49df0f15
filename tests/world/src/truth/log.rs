//! The store of truth records: written by the router without ever waiting, read by tests.

use std::sync::{Arc, Mutex, PoisonError};

use super::record::PacketRecord;

/// Records the log keeps: at 64 bytes each, 256 MiB. Later ones are counted only.
const CAPACITY: usize = 4_000_000;
/// Records the writer gathers before it insists on handing them over.
const CHUNK: usize = 4_096;

#[derive(Debug, Default)]
struct Kept {
    records: Vec<PacketRecord>,
    not_kept: u64,
}

/// The shared log.
#[derive(Debug, Clone, Default)]
pub struct TruthLog {
    kept: Arc<Mutex<Kept>>,
}

impl TruthLog {
    /// A writer for the router thread.
    pub fn writer(&self) -> TruthWriter {
        TruthWriter { log: self.clone(), chunk: Vec::with_capacity(CHUNK) }
    }

    /// A copy of all records so far, in the order they were settled, and how many found no room.
    pub fn read(&self) -> (Vec<PacketRecord>, u64) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.records.clone(), kept.not_kept)
    }

    /// Takes all records so far out of the log.
    pub fn take(&self) -> (Vec<PacketRecord>, u64) {
        let kept = std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        (kept.records, kept.not_kept)
    }
}

/// The router's end of the log.
#[derive(Debug)]
pub struct TruthWriter {
    log: TruthLog,
    chunk: Vec<PacketRecord>,
}

impl TruthWriter {
    /// Adds a record.
    pub fn push(&mut self, record: PacketRecord) {
        self.chunk.push(record);
        if self.chunk.len() >= CHUNK {
            self.hand_over();
        }
    }

    /// Hands over what has gathered, unless a reader holds the log at this moment.
    pub fn hand_over_if_free(&mut self) {
        if self.chunk.is_empty() {
            return;
        }
        if let Ok(mut kept) = self.log.kept.try_lock() {
            kept.take_in(&mut self.chunk);
        }
    }

    /// Hands over what has gathered, waiting for a reader to finish copying.
    pub fn hand_over(&mut self) {
        let mut kept = self.log.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.take_in(&mut self.chunk);
    }
}

impl Kept {
    fn take_in(&mut self, chunk: &mut Vec<PacketRecord>) {
        let room = CAPACITY - self.records.len();
        self.not_kept += chunk.len().saturating_sub(room) as u64;
        self.records.extend(chunk.drain(..).take(room));
        chunk.clear();
    }
}

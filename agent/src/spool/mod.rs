//! What was measured and not yet delivered, on disk.
//!
//! A spool is a folder with one file for each closed window, and at most one sealed report. Every
//! file has a serial number and names the files whose counts it has taken over. From that follows
//! the one rule that makes every change safe, whenever the agent dies:
//!
//! > A file that another existing file replaces counts for nothing.
//!
//! A file is written under another name, synced, renamed, and the folder synced; from then on it
//! counts and what it replaces does not. Those files are then removed and the folder is synced
//! again, before the new file may go in its turn. [Sealing](Spool::next_report) (windows become a
//! report) and coarsening (short windows become a longer one) both work like this, so every
//! attempt that was spooled is in exactly one file that counts.
//!
//! Windows are merged into longer ones when the folder exceeds its bound or the disk is full:
//! resolution is lost, counts are not. Where even that makes no room, windows wait in memory,
//! merged as far as needed, until there is some.

mod coarsen;
mod file;
mod index;
mod intake;
#[cfg(test)]
mod memory;
mod recovery;
mod seal;
mod storage;
#[cfg(test)]
mod tests;

use std::io;

use vantage_wire::report::{ReportError, WindowReport};
use vantage_wire::{BootId, HistogramMerger, Sequence};

pub use seal::Pending;
pub use storage::{Folder, Storage, replace};

use file::{Ending, Serial, SpoolFile};
use index::Index;

/// How much a spool may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes on disk, files rounded up to blocks of 4096. One sealed report may come on top.
    /// (default 64 MiB)
    pub disk_bytes: u64,
    /// Bytes in memory, about, for windows that find no room on disk. Exceeded only by what is
    /// merged into whole days already. (default 1 MiB)
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { disk_bytes: 64 << 20, memory_bytes: 1 << 20 }
    }
}

/// Why a spool could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The disk failed, or is full.
    #[error("failed to {doing} in the spool: {source}")]
    Storage {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        #[source]
        source: io::Error,
    },
    /// The bound is reached, and nothing is left to merge.
    #[error(
        "the spool is full at {disk_bytes} bytes, and its windows cannot be merged any further"
    )]
    Full {
        /// The bound.
        disk_bytes: u64,
    },
    /// What was measured cannot be written in the report format.
    #[error("windows cannot be encoded: {0}")]
    Report(#[from] ReportError),
    /// Counts that cannot be added up.
    #[error("windows cannot be merged: {0}")]
    Merge(#[from] vantage_wire::report::MergeError),
}

impl SpoolError {
    fn storage(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Storage { doing, source }
    }

    /// Whether it is for want of room.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Storage { source, .. } => {
                matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
            }
            Self::Full { .. } => true,
            Self::Report(_) | Self::Merge(_) => false,
        }
    }
}

/// What a spool holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Bytes on disk that wait to be shipped.
    pub disk_bytes: u64,
    /// Windows that wait to be shipped: on disk, and those that found no room there.
    pub windows: u64,
    /// Of these, the windows that are only in memory.
    pub in_memory: u64,
    /// Files that were set aside because they could not be read.
    pub corrupt: u64,
    /// Reports that were set aside because the aggregator refused them.
    pub refused: u64,
    /// Series of windows that could be neither kept nor sent.
    pub lost_series: u64,
}

/// The spool of one agent. See the [module](self).
#[derive(Debug)]
pub struct Spool<S> {
    storage: S,
    limits: Limits,
    boot: BootId,
    /// Of the next report to be sealed.
    sequence: Sequence,
    next_serial: Serial,
    index: Index,
    /// Sealed reports in the order of their serials: one, or after a crash perhaps two.
    pending: std::collections::VecDeque<Pending>,
    /// Windows that found no room on disk, in the order of time.
    held: Vec<WindowReport>,
    /// A window of which it is not known whether its file is there.
    in_doubt: Option<(Serial, WindowReport)>,
    /// Whether an error left open what is on disk.
    stale: bool,
    reserved: bool,
    corrupt: u64,
    refused: u64,
    lost_series: u64,
    merger: HistogramMerger,
}

/// Room kept for the report or the merged window that makes more room.
const RESERVE: &str = "reserve";
const RESERVE_BYTES: usize = 512 << 10;

impl<S: Storage> Spool<S> {
    /// Opens a folder and puts it in order after whatever happened to it. `boot` is the id of this
    /// run of the agent.
    ///
    /// # Errors
    /// Where the folder cannot be read or changed. A file that cannot be read is no error: it is
    /// set aside.
    pub fn open(storage: S, limits: Limits, boot: BootId) -> Result<Self, SpoolError> {
        let mut spool = Self {
            storage,
            limits,
            boot,
            sequence: Sequence::FIRST,
            next_serial: 1,
            index: Index::default(),
            pending: std::collections::VecDeque::new(),
            held: Vec::new(),
            in_doubt: None,
            stale: true,
            reserved: false,
            corrupt: 0,
            refused: 0,
            lost_series: 0,
            merger: HistogramMerger::new(),
        };
        spool.settle()?;
        Ok(spool)
    }

    /// What it holds.
    pub fn holdings(&self) -> Holdings {
        let in_memory = self.held.len() as u64 + u64::from(self.in_doubt.is_some());
        let sealed: u64 = self.pending.iter().map(|pending| u64::from(pending.windows)).sum();
        Holdings {
            disk_bytes: self.disk_bytes(),
            windows: self.index.len() + sealed + in_memory,
            in_memory,
            corrupt: self.corrupt,
            refused: self.refused,
            lost_series: self.lost_series,
        }
    }

    fn disk_bytes(&self) -> u64 {
        self.index.bytes()
            + self.pending.iter().map(|pending| blocks(pending.disk_bytes)).sum::<u64>()
    }

    /// The number of the next file.
    fn take_serial(&mut self) -> Serial {
        let serial = self.next_serial;
        self.next_serial += 1;
        serial
    }

    /// Writes a file durably, then removes what it replaces. Returns its length.
    ///
    /// On an error before the file has its name, nothing has changed. Later, what is on disk is
    /// not known, and the next call begins by looking.
    fn place(&mut self, file: &SpoolFile) -> Result<usize, SpoolError> {
        let bytes = file.encode();
        let partial = Ending::Partial.name(file.serial);
        let mut written = self.write(&partial, &bytes);
        if written.as_ref().is_err_and(SpoolError::is_full) && !file.replaces.is_empty() {
            // It makes more room than it takes.
            self.give_reserve()?;
            written = self.write(&partial, &bytes);
        }
        if let Err(error) = written {
            // What cannot be removed now is found and removed by the next look at the folder.
            let _ = self.storage.remove(&partial);
            return Err(error);
        }
        self.stale = true;
        self.storage
            .rename(&partial, &file.name())
            .map_err(SpoolError::storage("rename a file"))?;
        self.sync()?;
        if !file.replaces.is_empty() {
            for &serial in &file.replaces {
                self.storage
                    .remove(&Ending::Window.name(serial))
                    .map_err(SpoolError::storage("remove a file"))?;
            }
            self.sync()?;
        }
        self.stale = false;
        Ok(bytes.len())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), SpoolError> {
        self.storage
            .write(name, bytes)
            .and_then(|()| self.storage.sync_file(name))
            .map_err(SpoolError::storage("write a file"))
    }

    fn sync(&mut self) -> Result<(), SpoolError> {
        self.storage.sync_folder().map_err(SpoolError::storage("sync the folder"))
    }

    /// Keeps some room, as far as there is any.
    fn take_reserve(&mut self) {
        if self.reserved {
            return;
        }
        let share = usize::try_from(self.limits.disk_bytes / 8).unwrap_or(usize::MAX);
        let zeros = vec![0; RESERVE_BYTES.min(share)];
        self.reserved = self.write(RESERVE, &zeros).is_ok();
        if !self.reserved {
            // A part of it would only be in the way of windows.
            let _ = self.storage.remove(RESERVE);
        }
    }

    fn give_reserve(&mut self) -> Result<(), SpoolError> {
        self.reserved = false;
        self.storage.remove(RESERVE).map_err(SpoolError::storage("give up the reserve"))
    }
}

/// What a file takes up on a disk of the usual block size.
fn blocks(bytes: usize) -> u64 {
    (bytes as u64).next_multiple_of(4_096)
}

//! Putting the folder in order: at the start, and after an error that left open what is on disk.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Content, Damage, Ending, Serial, SpoolFile};
use super::index::{Entry, Index};
use super::{Pending, RESERVE, Spool, SpoolError, Storage};

/// Files that are kept after they were set aside, of each kind; the oldest go first.
const MOST_SET_ASIDE: usize = 16;

impl<S: Storage> Spool<S> {
    /// Makes sure that what is known of the folder is what is there.
    pub(super) fn settle(&mut self) -> Result<(), SpoolError> {
        if !self.stale {
            return Ok(());
        }
        let listing = self.look()?;
        self.serials_above(listing.highest);
        self.drop_replaced(&listing)?;
        self.bound_set_aside(listing.corrupt, Ending::Corrupt)?;
        self.bound_set_aside(listing.refused, Ending::Refused)?;
        // What was seen is what a loss of power leaves, too: serials that are free stay free.
        self.sync()?;
        self.stale = false;
        self.adopt(listing.files, &listing.replaced);
        self.resolve_doubt();
        self.take_reserve();
        Ok(())
    }

    /// Reads the folder. Sets aside what cannot be read, removes what was not completed.
    fn look(&mut self) -> Result<Listing, SpoolError> {
        let mut listing = Listing::default();
        self.reserved = false;
        let names = self.storage.list().map_err(SpoolError::storage("list the files"))?;
        for name in names {
            self.reserved |= name == RESERVE;
            let Some((serial, ending)) = Ending::parse(&name) else { continue };
            listing.highest = listing.highest.max(serial);
            match ending {
                Ending::Partial => self
                    .storage
                    .remove(&name)
                    .map_err(SpoolError::storage("remove an incomplete file"))?,
                Ending::Corrupt => drop(listing.corrupt.insert(serial)),
                Ending::Refused => drop(listing.refused.insert(serial)),
                Ending::Window | Ending::Report => match self.read(&name)? {
                    Ok(mut file) => {
                        listing.replaced.extend(&file.replaces);
                        let bytes = file.encoded_len();
                        // Thousands of windows may wait; their bodies are read when needed.
                        file.body = Vec::new();
                        listing.files.insert(serial, (file, bytes));
                    }
                    Err(reason) => drop(listing.unreadable.insert(serial, (name, reason))),
                },
            }
        }
        for (serial, (name, reason)) in std::mem::take(&mut listing.unreadable) {
            if listing.replaced.contains(&serial) {
                self.storage.remove(&name).map_err(SpoolError::storage("remove a file"))?;
                continue;
            }
            let ending = Ending::parse(&name).map_or(Ending::Window, |(_, ending)| ending);
            self.set_aside(serial, ending, &reason)?;
            listing.corrupt.insert(serial);
        }
        Ok(listing)
    }

    /// Reads a file. The inner error says how it is damaged.
    pub(super) fn read(&mut self, name: &str) -> Result<Result<SpoolFile, String>, SpoolError> {
        let bytes = match self.storage.read(name) {
            Ok(bytes) => bytes,
            // A bad sector. Other errors, such as a lack of descriptors, pass.
            Err(error) if error.raw_os_error() == Some(libc::EIO) => {
                return Ok(Err(error.to_string()));
            }
            Err(error) => {
                self.stale = true;
                return Err(SpoolError::storage("read a file")(error));
            }
        };
        Ok(match SpoolFile::decode(&bytes) {
            Ok(file) if file.name() == name => Ok(file),
            Ok(_) => Err(Damage::Format.to_string()),
            Err(damage) => Err(damage.to_string()),
        })
    }

    /// Keeps a file that is of no use, for whoever wants to know why, out of the way.
    pub(super) fn set_aside(
        &mut self,
        serial: Serial,
        ending: Ending,
        reason: &str,
    ) -> Result<(), SpoolError> {
        let name = ending.name(serial);
        tracing::error!(file = name, reason, "a file of the spool is set aside");
        self.storage
            .rename(&name, &Ending::Corrupt.name(serial))
            .and_then(|()| self.storage.sync_folder())
            .inspect_err(|_| self.stale = true)
            .map_err(SpoolError::storage("set a file aside"))?;
        self.corrupt += 1;
        Ok(())
    }

    fn drop_replaced(&mut self, listing: &Listing) -> Result<(), SpoolError> {
        // The files that replace them may not go before these are gone for good.
        self.sync()?;
        for (file, _) in listing.replaced.iter().filter_map(|serial| listing.files.get(serial)) {
            self.storage.remove(&file.name()).map_err(SpoolError::storage("remove a file"))?;
        }
        Ok(())
    }

    fn bound_set_aside(
        &mut self,
        mut serials: BTreeSet<Serial>,
        ending: Ending,
    ) -> Result<(), SpoolError> {
        while serials.len() > MOST_SET_ASIDE {
            if let Some(oldest) = serials.pop_first() {
                self.storage
                    .remove(&ending.name(oldest))
                    .map_err(SpoolError::storage("remove a file"))?;
            }
        }
        Ok(())
    }

    fn serials_above(&mut self, highest: Serial) {
        self.next_serial = self.next_serial.max(highest.saturating_add(1));
    }

    fn adopt(&mut self, files: BTreeMap<Serial, (SpoolFile, usize)>, replaced: &BTreeSet<Serial>) {
        self.index = Index::default();
        self.pending.clear();
        for (serial, (file, bytes)) in files {
            if replaced.contains(&serial) {
                continue;
            }
            match file.content {
                Content::Window { window, tallies } => {
                    self.index.insert(window, serial, Entry { bytes, tallies });
                }
                Content::Report { boot, sequence } => {
                    if boot == self.boot && sequence >= self.sequence {
                        self.sequence = sequence.next();
                    }
                    let windows = file.windows;
                    self.pending.push_back(Pending {
                        serial,
                        boot,
                        sequence,
                        windows,
                        disk_bytes: bytes,
                    });
                }
            }
        }
    }

    /// A window in doubt is on disk by now, or it is not.
    fn resolve_doubt(&mut self) {
        if let Some((serial, report)) = self.in_doubt.take()
            && !self.index.contains(report.window, serial)
        {
            self.held.insert(0, report);
        }
    }
}

/// What the folder holds.
#[derive(Debug, Default)]
struct Listing {
    highest: Serial,
    files: BTreeMap<Serial, (SpoolFile, usize)>,
    replaced: BTreeSet<Serial>,
    unreadable: BTreeMap<Serial, (String, String)>,
    corrupt: BTreeSet<Serial>,
    refused: BTreeSet<Serial>,
}

//! Windows go out, as sealed reports.

use vantage_wire::report::bounds::MAX_WINDOWS;
use vantage_wire::report::{ReportError, WindowReport};
use vantage_wire::{BootId, Sequence, Window};

use super::file::{Content, Ending, Serial, SpoolFile};
use super::intake::{MOST_BODY_BYTES, MOST_TALLIES};
use super::{Spool, SpoolError, Storage};

/// A sealed report that waits for its acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pending {
    /// The number of its file.
    pub(super) serial: Serial,
    /// In which run of the agent it was sealed.
    pub boot: BootId,
    /// Which report of that run.
    pub sequence: Sequence,
    /// Windows in it.
    pub windows: u32,
    /// The length of its file.
    pub(super) disk_bytes: usize,
}

impl<S: Storage> Spool<S> {
    /// The report to send next: the one that is sealed already, or the oldest windows, at most
    /// `most_windows`, sealed now. `None` where nothing waits. When this returns, the report is on
    /// disk, in place of its windows, and is the same whenever it is asked for until
    /// [`Spool::acknowledge`] or [`Spool::refuse`].
    ///
    /// `seal` makes the envelope of a report with this number and these windows.
    ///
    /// # Errors
    /// Where the disk fails; everything is as it was.
    pub fn next_report(
        &mut self,
        most_windows: usize,
        mut seal: impl FnMut(Sequence, Vec<WindowReport>) -> Result<Vec<u8>, ReportError>,
    ) -> Result<Option<(Pending, Vec<u8>)>, SpoolError> {
        self.settle()?;
        while let Some(pending) = self.pending.front().copied() {
            match self.reread(pending)? {
                Some(envelope) => return Ok(Some((pending, envelope))),
                None => self.pending.pop_front(),
            };
        }
        let mut most = most_windows.max(1);
        loop {
            let chosen = self.oldest(most);
            let Some(windows) = self.load_all(&chosen)? else { continue };
            if windows.is_empty() {
                return Ok(None);
            }
            match seal(self.sequence, windows) {
                Ok(envelope) => return self.store(&chosen, envelope).map(Some),
                Err(_) if chosen.len() > 1 => most = chosen.len() / 2,
                Err(error) => {
                    let (window, serial) = chosen[0];
                    self.set_aside(serial, Ending::Window, &error.to_string())?;
                    self.index.remove(window, serial);
                }
            }
        }
    }

    /// The oldest files that fit into one report.
    fn oldest(&self, most: usize) -> Vec<(Window, Serial)> {
        let (mut bytes, mut tallies) = (0, 0);
        let mut chosen = Vec::new();
        for (window, serial, entry) in self.index.iter().take(most.min(MAX_WINDOWS)) {
            bytes += entry.bytes;
            tallies += entry.tallies as usize;
            // The oldest goes by itself, however large it is.
            if !chosen.is_empty() && (bytes > MOST_BODY_BYTES || tallies > MOST_TALLIES) {
                break;
            }
            chosen.push((window, serial));
        }
        chosen
    }

    /// The windows of some files; `None` where one was damaged, so that others must be chosen.
    fn load_all(
        &mut self,
        chosen: &[(Window, Serial)],
    ) -> Result<Option<Vec<WindowReport>>, SpoolError> {
        let mut windows = Vec::new();
        for &(window, serial) in chosen {
            let Some(loaded) = self.load(serial)? else {
                self.index.remove(window, serial);
                return Ok(None);
            };
            windows.extend(loaded);
        }
        Ok(Some(windows))
    }

    fn store(
        &mut self,
        chosen: &[(Window, Serial)],
        envelope: Vec<u8>,
    ) -> Result<(Pending, Vec<u8>), SpoolError> {
        let serial = self.take_serial();
        let (boot, sequence) = (self.boot, self.sequence);
        let windows = u32::try_from(chosen.len()).unwrap_or(u32::MAX);
        let file = SpoolFile {
            serial,
            content: Content::Report { boot, sequence },
            windows,
            replaces: chosen.iter().map(|(_, serial)| *serial).collect(),
            body: envelope,
        };
        let disk_bytes = self.place(&file)?;
        for &(window, serial) in chosen {
            self.index.remove(window, serial);
        }
        self.sequence = sequence.next();
        let pending = Pending { serial, boot, sequence, windows, disk_bytes };
        self.pending.push_back(pending);
        Ok((pending, file.body))
    }

    /// The envelope of a sealed report; `None` where its file turned out to be damaged.
    fn reread(&mut self, pending: Pending) -> Result<Option<Vec<u8>>, SpoolError> {
        match self.read(&Ending::Report.name(pending.serial))? {
            Ok(file) => Ok(Some(file.body)),
            Err(reason) => {
                self.set_aside(pending.serial, Ending::Report, &reason)?;
                Ok(None)
            }
        }
    }

    /// Forgets a report, which the aggregator has stored.
    ///
    /// # Errors
    /// Where the disk fails. The report is then sent again, which the aggregator tolerates.
    pub fn acknowledge(&mut self, report: Pending) -> Result<(), SpoolError> {
        self.settle()?;
        self.stale = true;
        self.storage
            .remove(&Ending::Report.name(report.serial))
            .map_err(SpoolError::storage("remove a report"))?;
        self.sync()?;
        self.stale = false;
        self.pending.retain(|pending| pending.serial != report.serial);
        self.take_reserve();
        Ok(())
    }

    /// Sets a report aside, which the aggregator will never take.
    ///
    /// # Errors
    /// Where the disk fails. The report is then sent again.
    pub fn refuse(&mut self, report: Pending) -> Result<(), SpoolError> {
        self.settle()?;
        self.stale = true;
        self.storage
            .rename(&Ending::Report.name(report.serial), &Ending::Refused.name(report.serial))
            .map_err(SpoolError::storage("set a report aside"))?;
        self.refused += 1;
        // Looking at the folder again bounds how many are kept.
        self.settle()
    }
}

//! Making room: short windows become longer ones.

use vantage_wire::WindowLength;
use vantage_wire::report::{WindowReport, coarsen, decode_windows, encode_windows};

use super::file::{Content, Ending, Serial, SpoolFile};
use super::index::{Entry, STEPS};
use super::intake::MOST_BODY_BYTES;
use super::{Spool, SpoolError, Storage, blocks};

type Group = Vec<(vantage_wire::Window, Serial, Entry)>;

impl<S: Storage> Spool<S> {
    /// Merges the oldest files that can be merged. Returns whether that made room; `false` means
    /// that nothing is left to merge.
    pub(super) fn coarsen_once(&mut self) -> Result<bool, SpoolError> {
        for length in STEPS {
            while let Some(group) = self.index.mergeable(length) {
                if self.merge(&group, length)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Merges some files into one. Where that gains nothing they are noted as settled.
    fn merge(&mut self, group: &Group, length: WindowLength) -> Result<bool, SpoolError> {
        let mut windows = Vec::new();
        for &(window, serial, _) in group {
            let Some(loaded) = self.load(serial)? else {
                self.index.remove(window, serial);
                // The group is not what it seemed; what is left of it is looked at anew.
                return Ok(true);
            };
            windows.extend(loaded);
        }
        let merged = coarsen(&windows, length, &mut self.merger)?;
        drop(windows);
        let before: u64 = group.iter().map(|(_, _, entry)| blocks(entry.bytes)).sum();
        let Some((report, body)) = single(&merged)
            .filter(|(_, body)| blocks(body.len() + 512) < before && body.len() <= MOST_BODY_BYTES)
        else {
            return self.merge_less(group, length);
        };
        let serial = self.take_serial();
        let tallies = u32::try_from(report.tallies.len()).unwrap_or(u32::MAX);
        let file = SpoolFile {
            serial,
            content: Content::Window { window: report.window, tallies },
            windows: 1,
            replaces: group.iter().map(|(_, serial, _)| *serial).collect(),
            body,
        };
        let bytes = self.place(&file)?;
        for &(window, serial, _) in group {
            self.index.remove(window, serial);
        }
        self.index.insert(report.window, serial, Entry { bytes, tallies });
        tracing::debug!(files = group.len(), into = %length, "windows of the spool were merged");
        self.take_reserve();
        Ok(true)
    }

    /// What is too large together may still gain by halves.
    fn merge_less(&mut self, group: &Group, length: WindowLength) -> Result<bool, SpoolError> {
        if group.len() > 2 {
            let half = group[..group.len() / 2].to_vec();
            return self.merge(&half, length);
        }
        for (_, serial, _) in group {
            self.index.settle(*serial, length);
        }
        Ok(false)
    }

    /// The windows of a file; `None` where it turned out to be damaged and was set aside.
    pub(super) fn load(&mut self, serial: Serial) -> Result<Option<Vec<WindowReport>>, SpoolError> {
        let read = self
            .read(&Ending::Window.name(serial))?
            .and_then(|file| decode_windows(&file.body).map_err(|error| error.to_string()));
        match read {
            Ok((windows, _)) => Ok(Some(windows)),
            Err(reason) => {
                self.set_aside(serial, Ending::Window, &reason)?;
                Ok(None)
            }
        }
    }
}

/// The one window that a merge came to, and its bytes; `None` where it does not fit the format.
fn single(merged: &[WindowReport]) -> Option<(&WindowReport, Vec<u8>)> {
    let [report] = merged else { return None };
    Some((report, encode_windows(merged).ok()?))
}

//! Closed windows come in.

use vantage_wire::report::{ReportError, Tally, WindowReport, encode_windows};

use super::file::{Content, SpoolFile};
use super::index::{Entry, STEPS};
use super::{Spool, SpoolError, Storage, blocks};

/// The most bytes of windows, compressed, that go into one file or report: a quarter of what an
/// envelope may hold, because sealing takes some ten times as much memory.
pub const MOST_BODY_BYTES: usize = 256 << 10;
/// The most series in one file or report, far within the bounds of the format.
pub const MOST_TALLIES: usize = 2_048;
/// The most bytes of histograms in one file.
const MOST_HISTOGRAM_BYTES: usize = 1 << 20;

impl<S: Storage> Spool<S> {
    /// Keeps windows: on disk when this returns `Ok`, else in memory, from where they go to disk
    /// with the next call that finds room. Calling it with no windows tries just that.
    ///
    /// # Errors
    /// Why windows had to stay in memory. They are not lost.
    pub fn append(
        &mut self,
        windows: impl IntoIterator<Item = WindowReport>,
    ) -> Result<(), SpoolError> {
        self.held.extend(windows.into_iter().filter(|report| !report.tallies.is_empty()));
        let kept = self.write_held();
        if kept.is_err() {
            self.bound_memory()?;
        }
        kept
    }

    fn write_held(&mut self) -> Result<(), SpoolError> {
        self.settle()?;
        let mut waiting = std::mem::take(&mut self.held);
        waiting.sort_by_key(|report| report.window);
        let mut waiting = std::collections::VecDeque::from(waiting);
        while let Some(report) = waiting.pop_front() {
            match self.keep(&report) {
                Ok(()) => {}
                Err(Refusal::TooLarge(parts)) => {
                    let (first, second) = *parts;
                    waiting.push_front(second);
                    waiting.push_front(first);
                }
                Err(Refusal::Unfit(error)) => {
                    self.lost_series += report.tallies.len() as u64;
                    tracing::error!(%error, window = ?report.window, "a series cannot be kept");
                }
                Err(Refusal::NoRoom(error)) => {
                    if self.in_doubt.is_none() {
                        waiting.push_front(report);
                    }
                    self.held = waiting.into();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes one window to a file of its own.
    fn keep(&mut self, report: &WindowReport) -> Result<(), Refusal> {
        let body = match encode_windows(std::slice::from_ref(report)) {
            Ok(body) if body.len() <= MOST_BODY_BYTES && is_moderate(report) => body,
            Ok(_) => return Err(halve(report).map_or_else(unfit, Refusal::TooLarge)),
            // One bad series must not take the others with it.
            Err(error) => {
                return Err(halve(report).map_or(Refusal::Unfit(error), Refusal::TooLarge));
            }
        };
        self.make_room(blocks(body.len() + 512))?;
        let serial = self.take_serial();
        let tallies = u32::try_from(report.tallies.len()).unwrap_or(u32::MAX);
        let content = Content::Window { window: report.window, tallies };
        let file = SpoolFile { serial, content, windows: 1, replaces: Vec::new(), body };
        loop {
            match self.place(&file) {
                Ok(bytes) => {
                    self.index.insert(report.window, serial, Entry { bytes, tallies });
                    return Ok(());
                }
                Err(error) if self.stale => {
                    self.in_doubt = Some((serial, report.clone()));
                    return Err(error.into());
                }
                Err(error) if error.is_full() => {
                    if !self.coarsen_once()? {
                        return Err(error.into());
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn make_room(&mut self, bytes: u64) -> Result<(), SpoolError> {
        while self.index.bytes() + bytes > self.limits.disk_bytes {
            if !self.coarsen_once()? {
                return Err(SpoolError::Full { disk_bytes: self.limits.disk_bytes });
            }
        }
        Ok(())
    }

    /// Merges what waits in memory until it is small enough, or cannot be merged further.
    fn bound_memory(&mut self) -> Result<(), SpoolError> {
        for length in STEPS {
            if self.held.iter().map(memory_bytes).sum::<usize>() <= self.limits.memory_bytes {
                break;
            }
            self.held = vantage_wire::report::coarsen(&self.held, length, &mut self.merger)?;
        }
        Ok(())
    }
}

/// Why a window did not get a file.
enum Refusal {
    /// It is divided.
    TooLarge(Box<(WindowReport, WindowReport)>),
    /// The format does not allow it.
    Unfit(ReportError),
    /// There is no room, or the disk failed.
    NoRoom(SpoolError),
}

impl From<SpoolError> for Refusal {
    fn from(error: SpoolError) -> Self {
        Self::NoRoom(error)
    }
}

fn unfit() -> Refusal {
    Refusal::Unfit(ReportError::ReportTooLarge)
}

fn is_moderate(report: &WindowReport) -> bool {
    report.tallies.len() <= MOST_TALLIES && memory_bytes(report) <= MOST_HISTOGRAM_BYTES
}

/// What a window takes up in memory, about.
fn memory_bytes(report: &WindowReport) -> usize {
    let tally = |tally: &Tally| {
        let phases = tally.phases.values().map(|histogram| histogram.as_bytes().len() + 64);
        256 + 128 * tally.failures.len() + 24 * tally.addresses.len() + phases.sum::<usize>()
    };
    report.tallies.values().map(tally).sum()
}

/// Two windows with half of the series each; `None` for a single series.
fn halve(report: &WindowReport) -> Option<Box<(WindowReport, WindowReport)>> {
    let middle = report.tallies.keys().nth(report.tallies.len() / 2)?;
    let (mut first, mut second) = (report.clone(), report.clone());
    first.tallies.retain(|key, _| key < middle);
    second.tallies.retain(|key, _| key >= middle);
    (!first.tallies.is_empty()).then(|| Box::new((first, second)))
}

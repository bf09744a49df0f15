//! How the agent itself fares.

use super::error::{Invalid, Locate as _, Problem};
use super::message;
use crate::units::Micros;

/// The agent's state when it made the report. A value that the agent could not determine, or that
/// its system does not offer, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How late timers of the agent's event loop fired since the last report, 99th percentile.
    pub event_loop_lag_p99: Option<Micros>,
    /// Share of CPU time that the hypervisor gave to others since the last report, 0 to 1000 ‰.
    pub cpu_steal_permille: Option<u32>,
    /// File descriptors in use.
    pub open_files: Option<u64>,
    /// File descriptors that the process may use.
    pub open_files_limit: Option<u64>,
    /// Resident memory of the process, in bytes.
    pub resident_bytes: Option<u64>,
    /// Bytes on disk that wait to be shipped.
    pub spool_bytes: Option<u64>,
    /// Windows on disk that wait to be shipped.
    pub spool_windows: Option<u64>,
    /// Anchors (well-known hosts that tell whether the agent has a network) that answered.
    pub anchors_reachable: Option<u32>,
    /// Anchors that were asked.
    pub anchors_total: Option<u32>,
}

impl Health {
    fn check(&self) -> Result<(), Invalid> {
        if let Some(steal @ 1_001..) = self.cpu_steal_permille {
            let problem = Problem::Range { found: steal.into(), lowest: 0, highest: 1_000 };
            return Err(problem).field("cpu_steal_permille");
        }
        if let (Some(reachable), Some(total)) = (self.anchors_reachable, self.anchors_total)
            && reachable > total
        {
            let problem = Problem::MoreThanWhole { found: reachable.into(), whole: total.into() };
            return Err(problem).field("anchors_reachable");
        }
        Ok(())
    }

    pub(super) fn to_message(&self) -> Result<message::Health, Invalid> {
        self.check()?;
        Ok(message::Health {
            event_loop_lag_p99_us: self.event_loop_lag_p99.map(Micros::get),
            cpu_steal_permille: self.cpu_steal_permille,
            open_files: self.open_files,
            open_files_limit: self.open_files_limit,
            resident_bytes: self.resident_bytes,
            spool_bytes: self.spool_bytes,
            spool_windows: self.spool_windows,
            anchors_reachable: self.anchors_reachable,
            anchors_total: self.anchors_total,
        })
    }

    pub(super) fn from_message(message: &message::Health) -> Result<Self, Invalid> {
        let health = Self {
            event_loop_lag_p99: message.event_loop_lag_p99_us.map(Micros::new),
            cpu_steal_permille: message.cpu_steal_permille,
            open_files: message.open_files,
            open_files_limit: message.open_files_limit,
            resident_bytes: message.resident_bytes,
            spool_bytes: message.spool_bytes,
            spool_windows: message.spool_windows,
            anchors_reachable: message.anchors_reachable,
            anchors_total: message.anchors_total,
        };
        health.check()?;
        Ok(health)
    }
}

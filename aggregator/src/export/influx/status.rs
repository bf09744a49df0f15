//! How the export fares: for metrics, for pages, for people.

use std::collections::BTreeMap;

use vantage_wire::UtcMicros;

use super::answer::{Reason, WriteError};
use super::delivery::Delivered;
use crate::store::{InfluxBacklog, StoreError};

/// How the export fares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether it goes on.
    pub condition: Condition,
    /// What is to be written. The age of the oldest note is how far the export lags behind.
    pub backlog: InfluxBacklog,
    /// Points that InfluxDB took since the process began; a point that was written again counts
    /// again.
    pub points_written: u64,
    /// When it took the last ones.
    pub last_written: Option<UtcMicros>,
    /// Points that it will never take, by why, since the process began. They stay in the store.
    pub points_aside: BTreeMap<Reason, u64>,
    /// Windows that could not be written because they had been deleted for their age, or whose
    /// counts do not add up, since the process began.
    pub windows_lost: u64,
    /// The time of the newest scores that it has, in seconds since the Unix epoch.
    pub scored_unix_s: Option<i64>,
    /// The minute of the newest points about agents that were made, in seconds since the Unix epoch.
    pub agents_unix_s: Option<i64>,
    /// What went wrong last, and when.
    pub last_error: Option<(UtcMicros, String)>,
}

/// Whether the export goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Points are written as they come, or nothing was to be written yet.
    #[default]
    Well,
    /// Another aggregator writes.
    Another,
    /// InfluxDB does not answer, or cannot take points now.
    Unreached,
    /// InfluxDB does not let us in: an operator has to change something.
    Denied,
    /// The store cannot be read or written.
    StoreFails,
    /// It was switched off in the store.
    Off,
}

impl Condition {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Well, Self::Another, Self::Unreached, Self::Denied, Self::StoreFails, Self::Off];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Another => "another",
            Self::Unreached => "unreached",
            Self::Denied => "denied",
            Self::StoreFails => "store_fails",
            Self::Off => "off",
        }
    }
}

impl From<&WriteError> for Condition {
    fn from(error: &WriteError) -> Self {
        match error {
            WriteError::Denied { .. } | WriteError::Token(_) => Self::Denied,
            _ => Self::Unreached,
        }
    }
}

impl From<&StoreError> for Condition {
    fn from(_: &StoreError) -> Self {
        Self::StoreFails
    }
}

impl Status {
    /// Counts what was delivered, and logs the first point that is put aside for each reason.
    pub fn count(&mut self, delivered: &Delivered, now: UtcMicros) {
        self.points_written += delivered.written;
        if delivered.written > 0 {
            self.last_written = Some(now);
        }
        for aside in &delivered.aside {
            let known = self.points_aside.entry(aside.reason).or_default();
            if *known == 0 {
                tracing::warn!(
                    reason = aside.reason.name(), points = aside.count, line = %aside.line,
                    "InfluxDB will not take these points, which are put aside: {}", aside.saying
                );
            }
            *known += aside.count;
        }
    }
}

//! Levels and the spans of time that each is made of.

use std::fmt;

/// A level of roll-ups. Below hours there are the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// UTC hours, added up from the windows that start in them.
    Hour,
    /// Local days of the vantage point's market, added up from the hours that start in them.
    Day,
}

impl Level {
    /// The number that stands for it in the database.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Hour => 1,
            Self::Day => 2,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Hour => "hour",
            Self::Day => "day",
        })
    }
}

/// Seconds in an hour.
pub(super) const HOUR_S: i64 = 3_600;

/// Seconds since the Unix epoch: from the first up to, not including, the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Seconds {
    pub(super) const fn hour(start: i64) -> Self {
        Self { from: start, to: start.saturating_add(HOUR_S) }
    }

    pub(super) const fn only(start: i64) -> Self {
        Self { from: start, to: start.saturating_add(1) }
    }
}

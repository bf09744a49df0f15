//! Two moments in one argument: `2026-03-01..2026-03-29`.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment::{Moment, NoMoment, Range};

/// A range that is written with two dots, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Stretch(pub Range);

/// What is no stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoStretch {
    /// The two moments are not divided.
    #[error("{0:?} has no two dots; write FROM..TO: 2026-03-01..2026-03-29")]
    NoDots(String),
    /// One of them is none.
    #[error(transparent)]
    NoMoment(#[from] NoMoment),
    /// The end is not after the beginning.
    #[error("{0}")]
    Senseless(String),
}

impl FromStr for Stretch {
    type Err = NoStretch;

    fn from_str(text: &str) -> Result<Self, NoStretch> {
        let (from, to) = text.split_once("..").ok_or_else(|| NoStretch::NoDots(text.to_owned()))?;
        let (from, to): (Moment, Moment) = (from.parse()?, to.parse()?);
        let range = Range::between(from, to);
        range.map(Self).map_err(|error| NoStretch::Senseless(error.to_string()))
    }
}

impl Stretch {
    /// Its whole hours in a time zone, counted from the Unix epoch.
    pub fn hours(&self, zone: &TimeZone) -> std::ops::Range<i64> {
        self.0.hours(zone)
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.from, self.0.to)
    }
}

impl TryFrom<String> for Stretch {
    type Error = NoStretch;

    fn try_from(text: String) -> Result<Self, NoStretch> {
        text.parse()
    }
}

impl From<Stretch> for String {
    fn from(stretch: Stretch) -> Self {
        stretch.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_write_is_said_once() {
        let error = |text: &str| text.parse::<Stretch>().unwrap_err().to_string();
        assert_eq!(
            error("2026-03-01"),
            "\"2026-03-01\" has no two dots; write FROM..TO: 2026-03-01..2026-03-29"
        );
        assert_eq!(
            error("a..2026-03-29"),
            "\"a\" is no time; write a date, 2026-03-01, or a date, time and offset, \
             2026-03-01T12:00:00Z"
        );
    }

    #[test]
    fn stretches_read_as_written() {
        let text = "2026-03-01..2026-03-29T12:00:00Z";
        assert_eq!(text.parse::<Stretch>().unwrap().to_string(), text);
        for wrong in ["", "2026-03-01", "2026-03-02..2026-03-01", "a..b", "2026-03-01.2026-03-02"] {
            assert!(wrong.parse::<Stretch>().is_err(), "{wrong}");
        }
    }
}

//! Two moments in one argument: `2026-03-01..2026-03-29`.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::moment::{Moment, Range};

/// A range that is written with two dots, the end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Stretch(pub Range);

/// What is no stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write FROM..TO, each a date or an instant: 2026-03-01..2026-03-29")]
pub struct NoStretch(String);

impl FromStr for Stretch {
    type Err = NoStretch;

    fn from_str(text: &str) -> Result<Self, NoStretch> {
        let (from, to) =
            text.split_once("..").ok_or_else(|| NoStretch(format!("{text:?} has no two dots")))?;
        let moment = |text: &str| -> Result<Moment, NoStretch> {
            text.parse().map_err(|error| NoStretch(format!("{error}")))
        };
        let (from, to) = (moment(from)?, moment(to)?);
        Range::between(from, to).map(Self).map_err(|error| NoStretch(error.to_string()))
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
    fn stretches_read_as_written() {
        let text = "2026-03-01..2026-03-29T12:00:00Z";
        assert_eq!(text.parse::<Stretch>().unwrap().to_string(), text);
        for wrong in ["", "2026-03-01", "2026-03-02..2026-03-01", "a..b", "2026-03-01.2026-03-02"] {
            assert!(wrong.parse::<Stretch>().is_err(), "{wrong}");
        }
    }
}

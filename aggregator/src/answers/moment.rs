//! Times as people give them, and what they mean in a market.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::AnswerError;

/// A date, which begins at midnight in each market, or an instant, which is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub enum Moment {
    /// The beginning of a date, `2026-03-01`.
    Date(Date),
    /// An instant, RFC 3339: `2026-03-01T12:00:00Z`.
    Instant(Timestamp),
}

/// What is neither a date nor an instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no time; write a date, 2026-03-01, or a date, time and offset, 2026-03-01T12:00:00Z"
)]
pub struct NoMoment(String);

impl FromStr for Moment {
    type Err = NoMoment;

    fn from_str(text: &str) -> Result<Self, NoMoment> {
        // A date parses as the beginning of one, and a time with its offset only as an instant.
        if let Ok(instant) = text.parse() {
            return Ok(Self::Instant(instant));
        }
        let plain = text.len() == "2026-03-01".len();
        let date = plain.then(|| text.parse().ok()).flatten();
        date.map(Self::Date).ok_or_else(|| NoMoment(text.to_owned()))
    }
}

impl TryFrom<String> for Moment {
    type Error = NoMoment;

    fn try_from(text: String) -> Result<Self, NoMoment> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Date(date) => fmt::Display::fmt(date, f),
            Self::Instant(instant) => fmt::Display::fmt(instant, f),
        }
    }
}

impl Moment {
    /// The local date in which it lies.
    pub fn date(self, zone: &TimeZone) -> Date {
        match self {
            Self::Date(date) => date,
            Self::Instant(instant) => instant.to_zoned(zone.clone()).date(),
        }
    }

    /// When it is in a time zone. Dates so far away that they have no instant are taken as the
    /// first or last there is.
    pub fn instant(self, zone: &TimeZone) -> Timestamp {
        match self {
            Self::Instant(instant) => instant,
            Self::Date(date) => match date.to_zoned(zone.clone()) {
                Ok(zoned) => zoned.timestamp(),
                Err(_) if date.year() < 0 => Timestamp::MIN,
                Err(_) => Timestamp::MAX,
            },
        }
    }
}

/// From a moment up to, not including, another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The first moment.
    pub from: Moment,
    /// The end.
    pub to: Moment,
}

impl Range {
    /// The last `span` up to `now`.
    pub fn last(span: Duration, now: Timestamp) -> Self {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        let from = now.checked_sub(span).unwrap_or(Timestamp::MIN);
        Self { from: Moment::Instant(from), to: Moment::Instant(now) }
    }

    /// Between two moments.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] where it would be empty or run backwards in any time zone.
    pub fn between(from: Moment, to: Moment) -> Result<Self, AnswerError> {
        if from.instant(&TimeZone::UTC) >= to.instant(&TimeZone::UTC) {
            let message = format!("the time from {from} to {to} is empty");
            return Err(AnswerError::Senseless(message));
        }
        Ok(Self { from, to })
    }

    /// The local dates of which all is in the past of `to`: from the one in which `from` lies up to,
    /// not including, the one in which `to` lies.
    pub fn dates(&self, zone: &TimeZone) -> std::ops::Range<Date> {
        self.from.date(zone)..self.to.date(zone)
    }

    /// The whole hours in it, counted from the Unix epoch.
    pub fn hours(&self, zone: &TimeZone) -> std::ops::Range<i64> {
        let hour = |moment: Moment| moment.instant(zone).as_second().div_euclid(3600);
        let from = self.from.instant(zone).as_second();
        let first = hour(self.from) + i64::from(from.rem_euclid(3600) != 0);
        first..hour(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Moment {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn dates_and_instants_read_as_written() {
        for text in ["2026-03-01", "2026-03-01T12:00:00Z"] {
            assert_eq!(moment(text).to_string(), text);
        }
        assert_eq!(moment("2026-03-01T12:00:00+08:00").to_string(), "2026-03-01T04:00:00Z");
        for wrong in ["", "yesterday", "2026-13-01", "2026-03-01T12:00:00", "2026-03", "12:00"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_begins_at_local_midnight() {
        let begin = moment("2026-03-01").instant(&zone("Asia/Kolkata"));
        assert_eq!(begin.to_string(), "2026-02-28T18:30:00Z");
    }

    #[test]
    fn the_last_days_are_whole_local_days() {
        let now = "2026-03-31T20:00:00Z".parse().unwrap();
        let last = Range::last(Duration::from_hours(30 * 24), now);
        let dates = last.dates(&zone("Asia/Taipei"));
        assert_eq!(
            (dates.start.to_string(), dates.end.to_string()),
            ("2026-03-02".into(), "2026-04-01".into())
        );
    }

    #[test]
    fn hours_are_whole() {
        let range = Range::between(moment("2026-03-01T00:30:00Z"), moment("2026-03-01T03:10:00Z"));
        let hours = range.unwrap().hours(&TimeZone::UTC);
        assert_eq!(hours.end - hours.start, 2);
        assert!(Range::between(moment("2026-03-02"), moment("2026-03-01")).is_err());
    }
}

//! Local days: which hours belong to which.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::level::Seconds;

/// The IANA name of a time zone, such as `Asia/Kolkata`, known to exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeZoneName(String);

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone {0:?}; known are IANA names such as Asia/Kolkata")]
pub struct UnknownTimeZone(pub String);

impl TimeZoneName {
    /// Looks `name` up in the database of time zones that is built in.
    ///
    /// # Errors
    ///
    /// [`UnknownTimeZone`] where it is not there.
    pub fn new(name: &str) -> Result<Self, UnknownTimeZone> {
        match TimeZone::get(name) {
            Ok(_) => Ok(Self(name.to_owned())),
            Err(_) => Err(UnknownTimeZone(name.to_owned())),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

/// The local day to which the hour belongs that starts at `hour`: from local midnight, or the first
/// instant after it where clocks are put forward at midnight, to the next.
pub(super) fn containing(zone: &TimeZone, hour: i64) -> Seconds {
    local(zone, hour).unwrap_or_else(|| {
        // Thousands of years away, where there are no calendars: UTC days.
        let from = hour - hour.rem_euclid(86_400);
        Seconds { from, to: from.saturating_add(86_400) }
    })
}

fn local(zone: &TimeZone, hour: i64) -> Option<Seconds> {
    let date = Timestamp::from_second(hour).ok()?.to_zoned(zone.clone()).date();
    let day = between(zone, date)?;
    // Where clocks are put back across midnight, an hour can start on a date that is not over, or
    // has not begun for good: it belongs to the day between whose first instants it lies.
    if hour < day.from {
        between(zone, date.yesterday().ok()?)
    } else if hour >= day.to {
        between(zone, date.tomorrow().ok()?)
    } else {
        Some(day)
    }
}

fn between(zone: &TimeZone, date: Date) -> Option<Seconds> {
    let first = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp().as_second());
    Some(Seconds { from: first(date)?, to: first(date.tomorrow().ok()?)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn zone(name: &str) -> TimeZone {
        TimeZoneName::new(name).unwrap().zone()
    }

    fn second(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    fn day(name: &str, hour: &str) -> (i64, i64) {
        let day = containing(&zone(name), second(hour));
        (day.from, day.to)
    }

    #[test]
    fn unknown_zones_are_refused() {
        assert!(TimeZoneName::new("Asia/Atlantis").is_err());
        assert_eq!(TimeZoneName::new("Asia/Kolkata").unwrap().as_str(), "Asia/Kolkata");
    }

    #[test]
    fn an_indian_day_has_the_24_hours_that_start_in_it() {
        let midnight = (second("2026-03-01T18:30:00Z"), second("2026-03-02T18:30:00Z"));
        assert_eq!(day("Asia/Kolkata", "2026-03-01T19:00:00Z"), midnight);
        assert_eq!(day("Asia/Kolkata", "2026-03-02T18:00:00Z"), midnight);
        assert_ne!(day("Asia/Kolkata", "2026-03-02T19:00:00Z"), midnight);
    }

    #[test]
    fn a_day_has_23_or_25_hours_where_clocks_are_changed() {
        let hours = |(from, to): (i64, i64)| (to - from) / 3600;
        assert_eq!(hours(day("Europe/Berlin", "2026-03-29T12:00:00Z")), 23);
        assert_eq!(hours(day("Europe/Berlin", "2026-10-25T12:00:00Z")), 25);
    }

    #[test]
    fn times_without_a_calendar_have_utc_days() {
        let day = containing(&zone("Asia/Kolkata"), i64::MAX / 1_000_000 / 3600 * 3600);
        assert_eq!(day.to - day.from, 86_400);
    }

    proptest! {
        #[test]
        fn days_tile_the_hours(
            hour in -100_000_i64..900_000,
            name in proptest::sample::select(vec![
                "UTC", "Asia/Kolkata", "America/St_Johns", "America/Sao_Paulo", "Asia/Kathmandu",
                "Pacific/Apia", "Africa/Cairo", "America/Mexico_City", "Europe/Moscow",
            ]),
        ) {
            let (zone, hour) = (zone(name), hour * 3600);
            let day = containing(&zone, hour);
            prop_assert!(day.from <= hour && hour < day.to);
            // All hours of the day agree, so each hour is in one day only.
            let first = day.from + (hour - day.from).rem_euclid(3600);
            for other in (first..day.to).step_by(3600) {
                prop_assert_eq!(containing(&zone, other), day);
            }
        }
    }
}

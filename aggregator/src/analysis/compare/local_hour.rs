//! Hours as a market's clocks show them.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

use crate::analysis::Block;

const EPOCH: Date = date(1970, 1, 1);

/// An hour of the Unix epoch in a market's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalHour {
    /// The local day on which the hour begins.
    pub day: Block,
    /// From 0, Monday at midnight, to 167. Where local time is not a whole number of hours from
    /// UTC, the local hour in which this one begins.
    pub hour_of_week: u8,
}

impl LocalHour {
    /// The local hour of an hour counted from the Unix epoch; `None` thousands of years away, where
    /// there are no calendars.
    pub fn of(hour: i64, zone: &TimeZone) -> Option<Self> {
        let start = Timestamp::from_second(hour.checked_mul(3600)?).ok()?;
        let local = zone.to_datetime(start);
        let day = local.date().duration_since(EPOCH).as_hours() / 24;
        let weekday = i16::from(local.date().weekday().to_monday_zero_offset());
        let hour_of_week = u8::try_from(weekday * 24 + i16::from(local.hour())).ok()?;
        Some(Self { day: Block(day), hour_of_week })
    }

    /// From 0 to 23.
    pub const fn hour_of_day(self) -> u8 {
        self.hour_of_week % 24
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(utc: &str, zone: &str) -> LocalHour {
        let hour = utc.parse::<Timestamp>().unwrap().as_second().div_euclid(3600);
        LocalHour::of(hour, &TimeZone::get(zone).unwrap()).unwrap()
    }

    #[test]
    fn days_and_hours_of_the_week_are_the_markets_own() {
        // 2026-03-01 was a Sunday, day 20513 since 1970-01-01.
        let sunday = local("2026-03-01T15:00:00Z", "UTC");
        assert_eq!(sunday, LocalHour { day: Block(20_513), hour_of_week: 6 * 24 + 15 });
        let monday = local("2026-03-01T18:00:00Z", "Asia/Hong_Kong");
        assert_eq!(monday, LocalHour { day: Block(20_514), hour_of_week: 2 });
        assert_eq!(monday.hour_of_day(), 2);
        let half_past_eleven = local("2026-03-01T18:00:00Z", "Asia/Kolkata");
        assert_eq!(half_past_eleven, LocalHour { day: Block(20_513), hour_of_week: 6 * 24 + 23 });
        let before_epoch = local("1969-12-31T12:00:00Z", "UTC");
        assert_eq!(before_epoch.day, Block(-1));
    }

    #[test]
    fn an_hour_that_clocks_repeat_has_the_same_place_in_the_week() {
        let first = local("2025-10-26T00:00:00Z", "Europe/Berlin");
        assert_eq!(first, local("2025-10-26T01:00:00Z", "Europe/Berlin"));
    }

    #[test]
    fn hours_without_a_calendar_have_no_local_time() {
        for hour in [i64::MIN, i64::MAX, i64::MAX / 3600] {
            assert_eq!(LocalHour::of(hour, &TimeZone::UTC), None);
        }
    }
}

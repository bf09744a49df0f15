//! The same hours of the week on both sides.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::local_hour::LocalHour;
use super::periods::Periods;

/// The hours of two periods that are compared: as many of each hour of the week on one side as on
/// the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MatchedHours {
    /// Hours of the period to compare with, counted from the Unix epoch.
    pub before: BTreeSet<i64>,
    /// As many hours of the other period.
    pub after: BTreeSet<i64>,
    /// Measured hours of the period to compare with that have no counterpart.
    pub unused_before: u64,
    /// Measured hours of the other period that have no counterpart.
    pub unused_after: u64,
}

/// Matches the hours that were `measured`, by hour of the week.
///
/// Of each hour of the week there are as many on both sides as the side with fewer has; on the
/// other side, those nearest in time are taken. So Sunday nights are compared with Sunday nights,
/// and a month before with a month after.
pub fn match_hours(measured: &BTreeMap<i64, LocalHour>, periods: &Periods) -> MatchedHours {
    let before = by_hour_of_week(measured, periods.before());
    let after = by_hour_of_week(measured, periods.after());
    let total = |hours: &BTreeMap<u8, Vec<i64>>| hours.values().map(Vec::len).sum::<usize>() as u64;

    let mut matched = MatchedHours::default();
    for (hour_of_week, earlier) in &before {
        let Some(later) = after.get(hour_of_week) else { continue };
        let count = earlier.len().min(later.len());
        if periods.are_reversed() {
            matched.before.extend(&earlier[..count]);
            matched.after.extend(&later[later.len() - count..]);
        } else {
            matched.before.extend(&earlier[earlier.len() - count..]);
            matched.after.extend(&later[..count]);
        }
    }
    matched.unused_before = total(&before) - matched.before.len() as u64;
    matched.unused_after = total(&after) - matched.after.len() as u64;
    matched
}

/// The hours of a period in the order of time, by their place in the week.
fn by_hour_of_week(
    measured: &BTreeMap<i64, LocalHour>,
    period: &Range<i64>,
) -> BTreeMap<u8, Vec<i64>> {
    let mut hours = BTreeMap::<u8, Vec<i64>>::new();
    if !period.is_empty() {
        for (hour, local) in measured.range(period.clone()) {
            hours.entry(local.hour_of_week).or_default().push(*hour);
        }
    }
    hours
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    /// A Monday at midnight, UTC.
    const MONDAY: i64 = 4 * 24;
    const WEEK: i64 = 168;

    fn measured(hours: impl IntoIterator<Item = i64>) -> BTreeMap<i64, LocalHour> {
        let local = |hour| Some((hour, LocalHour::of(hour, &TimeZone::UTC)?));
        hours.into_iter().filter_map(local).collect()
    }

    fn periods(before: Range<i64>, after: Range<i64>) -> Periods {
        Periods::new(before, after).unwrap()
    }

    #[test]
    fn whole_weeks_match_completely() {
        let hours = measured(MONDAY..MONDAY + 4 * WEEK);
        let cutover = MONDAY + 2 * WEEK;
        let matched = match_hours(&hours, &periods(MONDAY..cutover, cutover..MONDAY + 4 * WEEK));
        assert_eq!((matched.before.len(), matched.after.len()), (336, 336));
        assert_eq!((matched.unused_before, matched.unused_after), (0, 0));
    }

    #[test]
    fn of_a_longer_side_the_hours_nearest_to_the_cutover_are_taken() {
        let hours = measured(MONDAY..MONDAY + 5 * WEEK);
        let cutover = MONDAY + 4 * WEEK;
        let matched = match_hours(&hours, &periods(MONDAY..cutover, cutover..cutover + WEEK));
        assert!(matched.before.iter().eq(&(cutover - WEEK..cutover).collect::<Vec<_>>()));
        assert_eq!((matched.unused_before, matched.unused_after), (3 * 168, 0));
        let reversed = match_hours(&hours, &periods(cutover..cutover + WEEK, MONDAY..cutover));
        assert_eq!((reversed.before, reversed.after), (matched.after, matched.before));
    }

    #[test]
    fn hours_of_the_week_that_only_one_side_has_are_not_compared() {
        // Monday and Tuesday before, Tuesday and Wednesday after.
        let hours = measured((MONDAY..MONDAY + 48).chain(MONDAY + WEEK + 24..MONDAY + WEEK + 72));
        let around = periods(MONDAY..MONDAY + 48, MONDAY + WEEK..MONDAY + 2 * WEEK);
        let matched = match_hours(&hours, &around);
        assert!(matched.before.iter().eq(&(MONDAY + 24..MONDAY + 48).collect::<Vec<_>>()));
        assert_eq!(matched.after.len(), 24);
        assert_eq!((matched.unused_before, matched.unused_after), (24, 24));
    }

    #[test]
    fn sides_without_a_common_hour_of_the_week_match_nothing() {
        let hours = measured((MONDAY..MONDAY + 24).chain(MONDAY + 24..MONDAY + 48));
        let matched = match_hours(&hours, &periods(MONDAY..MONDAY + 24, MONDAY + 24..MONDAY + 48));
        assert!(matched.before.is_empty() && matched.after.is_empty());
        let nothing = match_hours(&BTreeMap::new(), &periods(0..0, 5..5));
        assert_eq!(nothing, MatchedHours::default());
    }
}

//! The two stretches of time that are compared.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

/// Two stretches of time without a common hour, in hours counted from the Unix epoch. The end is
/// excluded. A stretch may be empty: then there is nothing to compare yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    before: Range<i64>,
    after: Range<i64>,
}

/// Two periods have hours in common, so that one cannot be compared with the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the two periods to compare overlap")]
pub struct OverlappingPeriods;

impl Periods {
    /// Any two periods. That `before` is the earlier one is usual but not necessary.
    ///
    /// # Errors
    ///
    /// [`OverlappingPeriods`] where they share an hour.
    pub fn new(before: Range<i64>, after: Range<i64>) -> Result<Self, OverlappingPeriods> {
        let common = before.start.max(after.start)..before.end.min(after.end);
        if common.is_empty() { Ok(Self { before, after }) } else { Err(OverlappingPeriods) }
    }

    /// What lies `within` a stretch before and after a cutover, but for the hours that touch the
    /// guard window: those less than `guard` before or after it, while caches, DNS answers and
    /// connections still lead to the old site, or the new one is warming up.
    pub fn around(cutover: Timestamp, guard: SignedDuration, within: Range<i64>) -> Self {
        let cutover = cutover.as_second();
        let guard = guard.as_secs().max(0);
        let last = cutover.saturating_sub(guard).div_euclid(3600);
        let first = -(-cutover.saturating_add(guard)).div_euclid(3600);
        // The hour of the cutover itself belongs to neither side, unless it begins with it.
        Self {
            before: within.start..last.min(within.end),
            after: first.max(within.start)..within.end,
        }
    }

    /// The period to compare with.
    pub const fn before(&self) -> &Range<i64> {
        &self.before
    }

    /// The period that is compared with it.
    pub const fn after(&self) -> &Range<i64> {
        &self.after
    }

    /// Whether the period to compare with is the later one.
    pub(super) fn are_reversed(&self) -> bool {
        self.before.start > self.after.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_window_is_left_out_and_with_it_the_hours_that_it_cuts() {
        let cutover = Timestamp::from_second(1000 * 3600 + 600).unwrap();
        let periods = Periods::around(cutover, SignedDuration::from_hours(2), 900..1100);
        assert_eq!((periods.before(), periods.after()), (&(900..998), &(1003..1100)));
        let unguarded = Periods::around(cutover, SignedDuration::ZERO, 900..1100);
        assert_eq!((unguarded.before(), unguarded.after()), (&(900..1000), &(1001..1100)));
    }

    #[test]
    fn a_cutover_on_the_hour_without_guard_costs_no_hour() {
        let cutover = Timestamp::from_second(1000 * 3600).unwrap();
        let periods = Periods::around(cutover, SignedDuration::ZERO, 900..1100);
        assert_eq!((periods.before(), periods.after()), (&(900..1000), &(1000..1100)));
    }

    #[test]
    fn a_cutover_outside_the_stretch_leaves_one_side_empty() {
        let cutover = Timestamp::from_second(2000 * 3600).unwrap();
        let periods = Periods::around(cutover, SignedDuration::from_hours(2), 900..1100);
        assert_eq!(periods.before(), &(900..1100));
        assert!(periods.after().is_empty());
    }

    #[test]
    fn periods_that_overlap_are_an_error_but_empty_ones_are_not() {
        assert_eq!(Periods::new(0..10, 9..20), Err(OverlappingPeriods));
        assert!(Periods::new(0..10, 10..20).is_ok());
        assert!(Periods::new(10..20, 0..10).is_ok_and(|periods| periods.are_reversed()));
        assert!(Periods::new(0..10, 5..5).is_ok());
    }
}

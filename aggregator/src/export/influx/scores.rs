//! When scores are written: at aligned times, each over the time before it.
//!
//! Scores are written for every multiple of `every` since the Unix epoch, a while after it, when the
//! reports of the time before have come in and are rolled up. Those that InfluxDB missed while it
//! was away are computed when it is back, from what the store has then, at most the last
//! [`MOST_MISSED`]; older ones are left to `vantage export influx`. Data that come later still do
//! not change what was written.

use std::time::Duration;

use jiff::Timestamp;

use super::lines::Lines;
use super::score;
use super::writing::WritingError;
use crate::answers::{AnswerError, Moment, Scope, rank};
use crate::catalogue::Catalogue;
use crate::store::Store;

/// Times that are made up for after an outage: with one an hour, a week.
pub const MOST_MISSED: i64 = 7 * 24;
/// So long after a time its scores are computed.
const SETTLED_S: i64 = 300;

/// When scores are written, and over what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScoreSettings {
    /// Between two times; divides a day, at least ten minutes.
    pub every: Duration,
    /// How far each looks back.
    pub over: Duration,
}

/// Times of which scores are to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the unit, seconds")]
pub struct Scores {
    next_s: i64,
    last_s: i64,
    every_s: i64,
}

impl Scores {
    /// Those that are due now, given the newest that were written.
    pub fn due(settings: &ScoreSettings, newest_s: Option<i64>, now_s: i64) -> Option<Self> {
        let every_s = settings.every_s();
        let last_s = floor(now_s.saturating_sub(SETTLED_S), every_s);
        let earliest_s = last_s.saturating_sub(every_s.saturating_mul(MOST_MISSED - 1));
        // Where none were written, the newest will do.
        let next_s = newest_s.map_or(last_s, |newest_s| {
            floor(newest_s, every_s).saturating_add(every_s).max(earliest_s)
        });
        (next_s <= last_s).then_some(Self { next_s, last_s, every_s })
    }

    /// Those from one time up to, not including, another.
    pub fn between(settings: &ScoreSettings, from_s: i64, to_s: i64) -> Option<Self> {
        let every_s = settings.every_s();
        let next_s = floor(from_s.saturating_add(every_s - 1), every_s);
        let last_s = floor(to_s.saturating_sub(1), every_s);
        (next_s <= last_s).then_some(Self { next_s, last_s, every_s })
    }

    /// Whether there are more.
    pub const fn is_more(&self) -> bool {
        self.next_s <= self.last_s
    }
}

impl Iterator for Scores {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let tick_s = self.is_more().then_some(self.next_s)?;
        self.next_s = self.next_s.saturating_add(self.every_s);
        Some(tick_s)
    }
}

const fn floor(unix_s: i64, every_s: i64) -> i64 {
    unix_s - unix_s.rem_euclid(every_s)
}

impl ScoreSettings {
    fn every_s(&self) -> i64 {
        i64::try_from(self.every.as_secs()).unwrap_or(i64::MAX).max(1)
    }

    /// Adds the points of one time. None where there is not enough to rank by.
    ///
    /// # Errors
    ///
    /// Where the store cannot be read.
    pub async fn write(
        &self,
        store: &Store,
        catalogue: &Catalogue,
        tick_s: i64,
        lines: &mut Lines,
    ) -> Result<(), WritingError> {
        let over_s = i64::try_from(self.over.as_secs()).unwrap_or(i64::MAX);
        let (from, to) = (instant(tick_s.saturating_sub(over_s)), instant(tick_s));
        let scope = Scope {
            from: Some(Moment::Instant(from)),
            to: Some(Moment::Instant(to)),
            ..Scope::default()
        };
        match rank(store, catalogue, &scope, to).await {
            Ok(answer) => score::write(&answer, tick_s, lines),
            Err(AnswerError::Store(error)) => return Err(error.into()),
            // Nothing was measured, or the catalogue has nothing to rank.
            Err(error) => tracing::debug!(tick_s, "no scores: {error}"),
        }
        Ok(())
    }
}

/// A second as an instant; one beyond the year 9999 as the epoch.
fn instant(unix_s: i64) -> Timestamp {
    Timestamp::from_second(unix_s).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOURLY: ScoreSettings =
        ScoreSettings { every: Duration::from_hours(1), over: Duration::from_hours(720) };
    const NOON: i64 = 1_772_409_600 + 12 * 3_600;

    fn due(newest_s: Option<i64>, now_s: i64) -> Vec<i64> {
        Scores::due(&HOURLY, newest_s, now_s).into_iter().flatten().collect()
    }

    #[test]
    fn scores_are_due_a_while_after_their_time_and_once() {
        assert!(due(Some(NOON - 3_600), NOON + 299).is_empty());
        assert_eq!(due(Some(NOON - 3_600), NOON + 300), [NOON]);
        assert!(due(Some(NOON), NOON + 3_000).is_empty());
        assert_eq!(due(None, NOON + 300), [NOON]);
    }

    #[test]
    fn times_that_were_missed_are_made_up_for_within_reason() {
        assert_eq!(due(Some(NOON - 3 * 3_600), NOON + 600), [NOON - 7_200, NOON - 3_600, NOON]);
        let long = due(Some(NOON - 1_000 * 3_600), NOON + 600);
        assert_eq!(i64::try_from(long.len()), Ok(MOST_MISSED));
        assert_eq!(long.last(), Some(&NOON));
        // A clock that was wrong, or another interval before.
        assert_eq!(due(Some(NOON - 1_800), NOON + 600), [NOON]);
        assert!(due(Some(NOON + 86_400), NOON + 600).is_empty());
    }

    #[test]
    fn those_between_two_times_are_aligned() {
        let between = Scores::between(&HOURLY, NOON + 1, NOON + 7_200).unwrap();
        assert_eq!(between.collect::<Vec<_>>(), [NOON + 3_600]);
        assert_eq!(Scores::between(&HOURLY, NOON + 1, NOON + 3_600), None);
        assert!(Scores::between(&HOURLY, NOON, NOON + 1).is_some());
    }
}

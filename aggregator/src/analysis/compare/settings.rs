//! What is compared with what.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use vantage_wire::{MarketId, SiteId};

use super::periods::Periods;
use crate::analysis::{Sample, Threshold};
use crate::catalogue::Score;

/// From what on a change of a failure rate matters unless it is said otherwise: one attempt in a
/// thousand.
pub const FAILURE_RATE_THRESHOLD: f64 = 0.001;

/// Samples by the hour, counted from the Unix epoch. Hours in which nothing was measured though it
/// should have been are there, too: without attempts, but with `expected_s`. What is missing
/// altogether lowers no coverage.
pub type Hours = BTreeMap<i64, Sample>;

/// What one market has measured of a migration, with the same probe everywhere.
#[derive(Clone, Debug)]
pub struct MarketHours {
    /// The market.
    pub market: MarketId,
    /// Its share of the users, relative to the weights of the others; above 0.
    pub weight: f64,
    /// Tells where its days begin.
    pub time_zone: TimeZone,
    /// The service that moves, on both sides of the cutover.
    pub service: Hours,
    /// The site that it moves to, by the site's own targets, if a forecast is wanted.
    pub candidate: Option<(SiteId, Hours)>,
    /// Sites that did not move.
    pub controls: BTreeMap<SiteId, Hours>,
}

/// How to compare.
#[derive(Clone, Debug, PartialEq)]
pub struct ComparisonSettings {
    /// What with what.
    pub periods: Periods,
    /// By which statistic.
    pub score: Score,
    /// From what on a change of the score matters.
    pub threshold: Threshold,
    /// From what on a change of a failure rate matters, as a share of the attempts:
    /// [`FAILURE_RATE_THRESHOLD`] unless it is said otherwise.
    pub failure_threshold: f64,
}

//! Before and after: what a migration changed, and whether it was the migration.
//!
//! ```text
//! Hours ─▶ match_hours ─▶ Views of both sides ─▶ Measured ─▶ Difference ─▶ verdict
//! ```
//!
//! - Only the [same hours of the week](match_hours) are compared, as many on both sides, without the
//!   guard window around the cutover; the hours of a local day are one block.
//! - The change is *after less before*, by the independent jackknives of both sides. Where there are
//!   sites that did not move, what their mean changed is taken away ([difference in
//!   differences](ScoreChange::change_us)): what all sites saw was not the migration.
//! - Beside it stand what the new site [promised](Forecast), [at what times](TemporalChange) there
//!   is a change, and [which failures](FailureChanges) became more or less frequent.
//!
//! Nothing here decides when a migration was: [`Periods`] may be any two stretches of time.

mod compared;
mod difference;
mod document;
mod failures;
mod forecast;
mod judged;
mod local_hour;
mod market;
mod matching;
mod measure;
mod overall;
mod paired;
mod periods;
mod settings;
mod sufficiency;
mod temporal;

pub use difference::Figure;
pub use document::{
    Comparison, ControlChange, Distribution, FailureRateChange, MarketComparison,
    OverallComparison, ScoreChange, SideSummary,
};
pub use failures::{CodeChange, FailureChanges, LostAttempts};
pub use forecast::{Forecast, ForecastOutcome};
pub use local_hour::LocalHour;
pub use market::{ComparedMarket, compare_market};
pub use matching::{MatchedHours, match_hours};
pub use overall::{compare, compare_overall};
pub use periods::{OverlappingPeriods, Periods};
pub use settings::{ComparisonSettings, FAILURE_RATE_THRESHOLD, Hours, MarketHours};
pub use temporal::{HourOfDay, TemporalChange, TemporalClass};

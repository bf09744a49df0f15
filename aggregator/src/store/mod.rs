//! Where everything is kept: who may report, what was reported, and its roll-ups by hour and day.
//!
//! One [`Store`] works on two databases: SQLite, a single file that needs no set-up, and
//! PostgreSQL, which several aggregators share. Both are reached through sqlx's `Any` driver with
//! the same statements, so there is one implementation, and a concrete type instead of traits. What
//! differs between the two (how a transaction begins, what locks a row, which error means what)
//! stands in one small private type, `Dialect`. A conformance suite runs every case on both.
//!
//! ```text
//! append ──▶ windows ──roll_up──▶ hours ──roll_up──▶ days      each level the exact sum of the one before
//!    └─────▶ progress (which reports are in: nothing counts twice)
//! ```
//!
//! - [`Store::append`] stores reports and the progress of their agents in one transaction.
//! - [`Store::roll_up`] brings the hours and days up to date whose windows have changed. A window
//!   belongs to the hour (UTC) in which it starts, an hour to the local day of its market in which
//!   it starts.
//! - [`Store::expire`] deletes what is older than its level's [`Retention`]. What arrives for an hour
//!   whose windows have been deleted is added to the hour's roll-up: it is never lost, and never
//!   replaces what was there.
//! - An append notes what it adds for the export to InfluxDB, where that is switched on, until it
//!   has been [written](Store::end_influx_turn).
//! - [`Store::check`] computes every roll-up again from the level below and compares the bytes.
//!
//! A write is tried again a bounded number of times where the database is [busy](StoreError::Busy);
//! every write is one transaction, so one that failed, for want of disk space say, has left no trace.
//! Nothing here reads a clock. The assumption most likely to break: that `synchronous = FULL` and
//! `fsync` mean on the machine at hand what they promise.

mod append;
mod bulk;
mod check;
mod dialect;
mod enrolment;
mod error;
mod figures;
mod health_json;
mod influx;
mod level;
mod local_day;
mod location;
mod open;
mod probes;
mod progress;
mod read;
mod retention;
mod roll_up;
mod rollup_rows;
mod rollups;
mod sequence_set;
mod span;
mod sum;
mod tally_text;
mod time_zones;
mod transaction;
mod vantages;
mod windows;

pub use append::IncomingReport;
pub use check::CheckReport;
pub use enrolment::{Enrolled, EnrolmentToken, TokenHash};
pub use error::StoreError;
pub use figures::StoreFigures;
pub use influx::{INFLUX_TURN, InfluxBacklog, InfluxNote, InfluxTurn, InfluxWriter, KeptHour};
pub use level::Level;
pub use local_day::{TimeZoneName, UnknownTimeZone};
pub use location::{Location, NoPostgresUrl, PostgresUrl};
pub use open::Store;
pub use retention::{Expired, Retention};
pub use roll_up::{RolledUp, SpanFault};
pub use rollups::{Rollup, RollupQuery};
pub use sequence_set::SequenceSet;
pub use vantages::{AgentStatus, PublicKey, Registration};
pub use windows::{SeriesTotals, StoredWindow};

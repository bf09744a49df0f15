//! Level shifts in a series of latencies: a route moved, a server moved.
//!
//! ```text
//! hours of a View ─▶ Points ─▶ level_shifts ─▶ LevelShifts ─▶ explain, with addresses ─▶ Explained
//! ```
//!
//! A series is taken for a level that stays as it is for long, then jumps, with noise around it that
//! may have heavy tails. [`level_shifts`] looks at all of it at once (offline). What fits best is
//! found exactly, in one pass: every point costs its distance from the level, in units of the noise
//! and up to a limit, and every jump costs a fixed penalty. The limit is what makes it robust: a
//! spike costs the same however high it is, and a few spikes in a row cost less than the two jumps
//! that would explain them away.
//!
//! [`explain`] then says whether the address that was probed changed with the level.

mod explain;
mod levels;
mod noise;
mod points;
mod segment;
mod shift;
#[cfg(test)]
mod tests;

pub use explain::{Cause, Explained, SeenAddresses, explain};
pub use points::hourly_medians;
pub use shift::{LevelShift, Settings, level_shifts};

/// One point of a series of latencies.
#[derive(
    Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub struct Point {
    /// When it was measured, or when the hour starts that it stands for: seconds since the Unix epoch.
    pub unix_s: i64,
    /// The latency in microseconds, above 0; `None` where nothing was measured.
    pub value_us: Option<f64>,
}

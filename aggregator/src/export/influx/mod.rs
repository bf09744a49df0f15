//! The export to InfluxDB 2: what was measured, where sites stand, how agents fare, as points of
//! line protocol. `aggregator/INFLUX.md` is for operators; [`fields`] has every name.
//!
//! ```text
//! append ─notes─▶ store ─windows─▶ latency ─┐
//!                 answers::rank ─▶ score ───┼─▶ line ─▶ lines ─▶ delivery ─▶ server
//!                 agents ────────▶ agent ───┘            (bounded) (halves)   (HTTP)
//! ```
//!
//! - [`mod@line`] writes a point, [`lines`] holds what is sent together, [`delivery`] finds what the
//!   server refuses, [`server`] makes the requests and [`answer`] says what their answers mean.
//! - [`exporter`] is the task of `vantage serve`: it follows the
//!   [notes](crate::store::InfluxNote) of the store, ends none before the server has what it is
//!   about, and never holds up who adds to the store. [`backfill`] writes a stretch of the past.
//! - [`status`] says how it fares.
//!
//! What is guaranteed: every window that is stored while the export is switched on is in InfluxDB
//! once, in the point of its start, whatever is killed at whatever time, as long as it is kept in
//! the store. Points have the same tags and time whenever they are written, so writing them again
//! changes nothing. The assumption most likely to break: that a server which has not answered within
//! the time-out does not carry the request out minutes later, over what was written since.
//!
//! # Why not the crate `influxdb2`
//!
//! Its release 0.5.2 was tried. A line end in a tag begins another line, a backslash in last place
//! swallows the separator or the quote after it, numbers that are not finite and empty tags make
//! lines that the server refuses; a path in the URL and `Retry-After` are lost, and an empty value in
//! an answer panics. Its TLS stack has advisories without a fix. So the few hundred lines that are
//! needed are here, on reqwest, and the crate is the independent peer of the tests, where its client
//! and its points are held against ours. A repaired release could take the place of [`server`].

pub mod agent;
pub mod answer;
pub mod backfill;
pub mod delivery;
pub mod exporter;
pub mod fields;
mod filling;
pub mod latency;
pub mod line;
pub mod lines;
pub mod score;
pub mod scores;
pub mod server;
pub mod status;
#[cfg(test)]
mod tests;
pub mod writing;

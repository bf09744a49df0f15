//! What a process says of itself to Prometheus.
//!
//! ```text
//! constants: Metric ─┐
//! counters, gauges ──┴▶ Exposition ──▶ text of a Format, as the scraper accepts it
//! ```
//!
//! An [`Exposition`] is made anew for every scrape, from what the process counts anyway; nothing is
//! registered and nothing global. Names are whole, as queries have them (`…_seconds_total`), in
//! constants that documentation is held to. The assumption most likely to break: that label values
//! come from closed sets or from the catalogue; whatever else would grow without bound at the scraper.

mod bounds;
mod exposition;
mod format;
mod metric;
mod process;
mod protobuf;

pub use bounds::{Bounds, Durations};
pub use exposition::{Exposition, Sample, Value};
pub use format::Format;
pub use metric::{Kind, Metric};
pub use process::{PROCESS, ProcessFacts};

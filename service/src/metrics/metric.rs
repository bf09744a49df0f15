//! Metrics as they are announced.

use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

/// What becomes of a metric's values over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, from zero at the start of the process. Its name ends in `_total`.
    Counter,
    /// They go up and down.
    Gauge,
    /// Counters of values up to bounds.
    Histogram,
}

/// A metric as it is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name, with its unit.
    pub name: &'static str,
    /// What becomes of its values.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it means: one sentence.
    pub help: &'static str,
}

/// Units that stand at the end of a name.
const UNITS: [&str; 3] = ["seconds", "bytes", "ratio"];

impl Metric {
    /// A counter.
    pub const fn counter(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    /// A gauge.
    pub const fn gauge(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// A histogram.
    pub const fn histogram(
        name: &'static str,
        labels: &'static [&'static str],
        help: &'static str,
    ) -> Self {
        Self { name, kind: Kind::Histogram, labels, help }
    }

    /// Its row in a table for people: name, type, labels, meaning.
    pub fn documentation(&self) -> String {
        let kind = self.metric_type();
        let labels: Vec<_> = self.labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = if labels.is_empty() { "–".to_owned() } else { labels.join(", ") };
        format!("| `{}` | {} | {labels} | {} |", self.name, kind.as_str(), self.help)
    }

    pub(super) const fn metric_type(&self) -> MetricType {
        match self.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
        }
    }

    /// The name without what the encoder appends for kind and unit.
    pub(super) fn stem(&self) -> (&'static str, Option<Unit>) {
        let name = match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Gauge | Kind::Histogram => self.name,
        };
        for unit in UNITS {
            if let Some(stem) = name.strip_suffix(unit).and_then(|stem| stem.strip_suffix('_')) {
                return (stem, Some(Unit::Other(unit.to_owned())));
            }
        }
        (name, None)
    }
}

//! All that a process says in one scrape.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabel as _, EncodeLabelSet, LabelSetEncoder, MetricEncoder, NoLabelSet,
};

use super::metric::{Kind, Metric};

/// What a sample says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter or a gauge: a whole number.
    Count(u64),
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram.
    Histogram {
        /// All values together.
        sum: f64,
        /// How many there are between the bound before and this one, which is part of it; the last
        /// bound is infinite.
        buckets: Vec<(f64, u64)>,
        /// The schema of native histograms that has these bounds.
        schema: i32,
        /// The number of the first bound in it.
        first: i32,
    },
}

/// One value of a metric, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The values of the metric's labels, in their order.
    pub labels: Vec<Cow<'static, str>>,
    /// What it says.
    pub value: Value,
}

impl Sample {
    /// A sample with these label values.
    pub fn new<const N: usize>(labels: [impl Into<Cow<'static, str>>; N], value: Value) -> Self {
        Self { labels: labels.into_iter().map(Into::into).collect(), value }
    }
}

/// All that a process says in one scrape, metric by metric.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    families: Vec<(Metric, Vec<Sample>)>,
}

impl Exposition {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn families(&self) -> impl Iterator<Item = &(Metric, Vec<Sample>)> {
        self.families.iter()
    }

    /// Adds a metric. One without samples is not announced.
    pub fn put(&mut self, metric: Metric, samples: impl IntoIterator<Item = Sample>) {
        let samples: Vec<_> = samples.into_iter().collect();
        debug_assert!(samples.iter().all(|sample| sample.labels.len() == metric.labels.len()));
        debug_assert!(self.families.iter().all(|(known, _)| known.name != metric.name));
        if !samples.is_empty() {
            self.families.push((metric, samples));
        }
    }

    /// Adds a metric without labels.
    pub fn put_one(&mut self, metric: Metric, value: Value) {
        self.put(metric, [Sample { labels: Vec::new(), value }]);
    }

    /// Adds a metric without labels, where its value is known.
    pub fn put_known(&mut self, metric: Metric, value: Option<f64>) {
        if let Some(value) = value {
            self.put_one(metric, Value::Number(value));
        }
    }
}

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (metric, samples) in &self.families {
            let (stem, unit) = metric.stem();
            let mut family = encoder.encode_descriptor(
                stem,
                metric.help,
                unit.as_ref(),
                metric.metric_type(),
            )?;
            for Sample { labels, value } in samples {
                let labels = Labels { names: metric.labels, values: labels };
                encode(&mut family.encode_family(&labels)?, metric.kind, value)?;
            }
        }
        Ok(())
    }
}

fn encode(encoder: &mut MetricEncoder<'_>, kind: Kind, value: &Value) -> Result<(), fmt::Error> {
    match (kind, value) {
        (Kind::Counter, Value::Count(count)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(count, None)
        }
        (Kind::Counter, Value::Number(number)) => {
            encoder.encode_counter::<NoLabelSet, _, f64>(number, None)
        }
        (Kind::Gauge, Value::Count(count)) => encoder.encode_gauge(count),
        (Kind::Gauge, Value::Number(number)) => encoder.encode_gauge(number),
        (Kind::Histogram, Value::Histogram { sum, buckets, .. }) => {
            let count = buckets.iter().map(|(_, count)| count).sum();
            encoder.encode_histogram::<NoLabelSet>(*sum, count, buckets, None)
        }
        (Kind::Histogram, _) | (_, Value::Histogram { .. }) => Err(fmt::Error),
    }
}

/// The labels of one sample.
struct Labels<'a> {
    names: &'static [&'static str],
    values: &'a [Cow<'static, str>],
}

impl EncodeLabelSet for Labels<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, value) in self.names.iter().zip(self.values) {
            (*name, &**value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}

//! Prometheus's protobuf: the one format that has native histograms.
//!
//! The messages are those of `io.prometheus.client` (`metrics.proto` of Prometheus's client model), as
//! far as they are needed. A histogram has both kinds of buckets, and Prometheus takes the native ones
//! where it is told to (`--enable-feature=native-histograms`).

use prost::Message;

use super::exposition::{Exposition, Sample, Value};
use super::metric::{Kind, Metric};

#[derive(Clone, PartialEq, Message)]
struct FamilyMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    help: String,
    /// 0 counter, 1 gauge, 4 histogram.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
    #[prost(message, repeated, tag = "4")]
    metrics: Vec<MetricMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct MetricMessage {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<LabelMessage>,
    #[prost(message, optional, tag = "2")]
    gauge: Option<NumberMessage>,
    #[prost(message, optional, tag = "3")]
    counter: Option<NumberMessage>,
    #[prost(message, optional, tag = "7")]
    histogram: Option<HistogramMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct NumberMessage {
    #[prost(double, optional, tag = "1")]
    value: Option<f64>,
}

#[derive(Clone, PartialEq, Message)]
struct HistogramMessage {
    #[prost(uint64, optional, tag = "1")]
    count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    sum: Option<f64>,
    #[prost(message, repeated, tag = "3")]
    buckets: Vec<BucketMessage>,
    #[prost(sint32, optional, tag = "5")]
    schema: Option<i32>,
    #[prost(double, optional, tag = "6")]
    zero_threshold: Option<f64>,
    #[prost(uint64, optional, tag = "7")]
    zero_count: Option<u64>,
    #[prost(message, repeated, tag = "12")]
    positive_spans: Vec<SpanMessage>,
    #[prost(sint64, repeated, tag = "13")]
    positive_deltas: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct BucketMessage {
    #[prost(uint64, optional, tag = "1")]
    cumulative_count: Option<u64>,
    #[prost(double, optional, tag = "2")]
    upper_bound: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct SpanMessage {
    #[prost(sint32, optional, tag = "1")]
    offset: Option<i32>,
    #[prost(uint32, optional, tag = "2")]
    length: Option<u32>,
}

/// One message for each metric, each behind its length; `None` where a sample is not of its metric's
/// kind.
pub(super) fn encode(exposition: &Exposition) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for (metric, samples) in exposition.families() {
        let kind = match metric.kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        };
        let family = FamilyMessage {
            name: metric.name.to_owned(),
            help: metric.help.to_owned(),
            kind: Some(kind),
            metrics: samples.iter().map(|sample| message(metric, sample)).collect::<Option<_>>()?,
        };
        // Into memory, which has room.
        family.encode_length_delimited(&mut bytes).ok()?;
    }
    Some(bytes)
}

fn message(metric: &Metric, sample: &Sample) -> Option<MetricMessage> {
    let labels = metric.labels.iter().zip(&sample.labels).map(|(name, value)| LabelMessage {
        name: (*name).to_owned(),
        value: value.clone().into_owned(),
    });
    let mut message = MetricMessage { labels: labels.collect(), ..MetricMessage::default() };
    match (metric.kind, &sample.value) {
        (Kind::Counter, value) => message.counter = Some(number(value)?),
        (Kind::Gauge, value) => message.gauge = Some(number(value)?),
        (Kind::Histogram, Value::Histogram { sum, buckets, schema, first }) => {
            message.histogram = Some(histogram(*sum, buckets, *schema, *first));
        }
        (Kind::Histogram, _) => return None,
    }
    Some(message)
}

fn number(value: &Value) -> Option<NumberMessage> {
    let value = match value {
        Value::Count(count) => *count as f64,
        Value::Number(number) => *number,
        Value::Histogram { .. } => return None,
    };
    Some(NumberMessage { value: Some(value) })
}

fn histogram(sum: f64, buckets: &[(f64, u64)], schema: i32, first: i32) -> HistogramMessage {
    let mut count = 0;
    let classic: Vec<_> = buckets
        .iter()
        .map(|(bound, more)| {
            count += more;
            BucketMessage { cumulative_count: Some(count), upper_bound: Some(*bound) }
        })
        .collect();
    // What is below the lowest bound is what a native histogram calls zero.
    let (zero, rest) =
        buckets.split_first().map_or((0, buckets), |((_, zero), rest)| (*zero, rest));
    let empty_ahead = rest.iter().take_while(|(_, count)| *count == 0).count();
    let filled = rest.iter().rposition(|(_, count)| *count > 0).map_or(0, |last| last + 1);
    let counts = rest.get(empty_ahead..filled).unwrap_or_default();
    let mut before = 0;
    let deltas = counts.iter().map(|(_, count)| {
        let count = count.cast_signed();
        count - std::mem::replace(&mut before, count)
    });
    let positive_deltas: Vec<i64> = deltas.collect();
    // One without any would be taken for a classic histogram.
    let ahead = i32::try_from(empty_ahead).unwrap_or(0) + 1;
    let (offset, length) = if counts.is_empty() { (0, 0) } else { (first + ahead, counts.len()) };
    let span = SpanMessage { offset: Some(offset), length: u32::try_from(length).ok() };
    HistogramMessage {
        count: Some(count),
        sum: Some(sum),
        buckets: classic,
        schema: Some(schema),
        zero_threshold: buckets.first().map(|(bound, _)| *bound),
        zero_count: Some(zero),
        positive_spans: vec![span],
        positive_deltas,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Bounds, Durations};

    #[test]
    fn native_buckets_have_the_numbers_that_their_bounds_have() {
        // 0.5, 1, 2, 4, 8 s are the bounds number -1 to 3 of schema 0.
        let bounds = Bounds::exponential(0, -1..=3);
        let mut durations = Durations::new(&bounds);
        for (micros, times) in [(400_000, 5), (1_500_000, 2), (7_000_000, 3), (9_000_000, 1)] {
            durations.add(&bounds, micros, times);
        }
        let Value::Histogram { sum, buckets, schema, first } = durations.value(&bounds) else {
            panic!("a histogram");
        };
        let message = histogram(sum, &buckets, schema, first);
        assert_eq!((message.count, message.zero_count), (Some(11), Some(5)));
        assert_eq!((message.schema, message.zero_threshold), (Some(0), Some(0.5)));
        // 1 to 2 s, 2 to 4 s, 4 to 8 s, and beyond.
        let span = SpanMessage { offset: Some(1), length: Some(4) };
        assert_eq!(message.positive_spans, [span]);
        assert_eq!(message.positive_deltas, [2, -2, 3, -2]);
        let last = message.buckets.last().unwrap();
        assert_eq!((last.cumulative_count, last.upper_bound), (Some(11), Some(f64::INFINITY)));
    }

    #[test]
    fn a_histogram_without_values_is_native_all_the_same() {
        let bounds = Bounds::exponential(1, 0..=1);
        let Value::Histogram { sum, buckets, schema, first } =
            Durations::new(&bounds).value(&bounds)
        else {
            panic!("a histogram");
        };
        let message = histogram(sum, &buckets, schema, first);
        let span = SpanMessage { offset: Some(0), length: Some(0) };
        assert_eq!((message.positive_spans, message.positive_deltas), (vec![span], Vec::new()));
    }
}

//! The formats, and which of them a scraper wants.

use std::fmt;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

use super::exposition::Exposition;
use super::protobuf;

/// The parameters of the one kind of protobuf that is written.
const PROTOBUF: [&str; 2] = ["proto=io.prometheus.client.MetricFamily", "encoding=delimited"];

/// A format that a scraper can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's protobuf, which alone has native histograms.
    Protobuf,
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// Prometheus's own text, 0.0.4: for whoever asks for nothing in particular.
    Text,
}

impl Format {
    /// The format that suits an `Accept` header best: protobuf and `OpenMetrics` only where they are
    /// named, and then unless another is preferred.
    pub fn negotiate(accept: Option<&str>) -> Self {
        let (mut protobuf, mut open_metrics, mut plain) = (0.0_f32, 0.0_f32, 0.0_f32);
        for range in accept.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<_> = parts.collect();
            let quality = parameters.iter().find_map(|part| part.strip_prefix("q="));
            let quality: f32 = quality.map_or(1.0, |text| text.parse().unwrap_or(0.0));
            match media_type.as_str() {
                "application/vnd.google.protobuf"
                    if PROTOBUF.iter().all(|part| parameters.contains(part)) =>
                {
                    protobuf = quality.max(protobuf);
                }
                "application/openmetrics-text" => open_metrics = quality.max(open_metrics),
                "text/plain" | "text/*" => plain = quality.max(plain),
                _ => {}
            }
        }
        if protobuf > 0.0 && protobuf >= open_metrics.max(plain) {
            Self::Protobuf
        } else if open_metrics > 0.0 && open_metrics >= plain {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The media type of an answer.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => prometheus_text::CONTENT_TYPE,
        }
    }

    /// Writes an exposition.
    ///
    /// # Errors
    ///
    /// Where a sample is not of its metric's kind: a mistake of the program.
    pub fn write(self, exposition: Exposition) -> Result<Vec<u8>, fmt::Error> {
        if self == Self::Protobuf {
            return protobuf::encode(&exposition).ok_or(fmt::Error);
        }
        let mut registry = Registry::default();
        registry.register_collector(Box::new(exposition));
        let mut written = String::new();
        match self {
            Self::OpenMetrics => text::encode(&mut written, &registry)?,
            _ => prometheus_text::encode(&mut written, &registry)?,
        }
        Ok(written.into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Bounds, Durations, Metric, Sample, Value};

    #[test]
    fn scrapers_get_what_they_prefer() {
        for (accept, expected) in [
            (None, Format::Text),
            (Some(""), Format::Text),
            (Some("*/*"), Format::Text),
            (Some("text/html, text/plain"), Format::Text),
            (Some("application/openmetrics-text"), Format::OpenMetrics),
            (Some("application/openmetrics-text;q=0"), Format::Text),
            (Some("application/openmetrics-text;q=0.3, text/plain"), Format::Text),
            // As Prometheus asks that wants native histograms.
            (
                Some(
                    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                     encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
                     application/openmetrics-text;version=0.0.1;q=0.75,\
                     text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                Format::Protobuf,
            ),
            (Some("application/vnd.google.protobuf"), Format::Text),
            // As Prometheus 2.42 asks.
            (
                Some(
                    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
                     version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                ),
                Format::OpenMetrics,
            ),
        ] {
            assert_eq!(Format::negotiate(accept), expected, "{accept:?}");
        }
    }

    fn exposition() -> Exposition {
        let bounds = Bounds::exponential(0, -1..=1);
        let mut durations = Durations::new(&bounds);
        for micros in [500_000, 500_001, 3_000_000] {
            durations.add(&bounds, micros, 1);
        }
        let mut exposition = Exposition::new();
        let reports = Metric::counter("x_reports_total", &["outcome"], "Reports.");
        exposition.put(
            reports,
            [
                Sample::new(["stored"], Value::Count(3)),
                Sample::new(["a \"b\"\\\n"], Value::Count(0)),
            ],
        );
        exposition.put_one(Metric::gauge("x_size_bytes", &[], "Size."), Value::Count(12));
        exposition
            .put_one(Metric::counter("x_busy_seconds_total", &[], "Busy."), Value::Number(1.5));
        exposition.put_one(Metric::gauge("x_coverage_ratio", &[], "Share."), Value::Number(0.5));
        exposition.put(Metric::gauge("x_nothing", &["a"], "Nothing."), []);
        let took = Metric::histogram("x_took_seconds", &["page"], "Took.");
        exposition.put(took, [Sample::new(["/"], durations.value(&bounds))]);
        exposition
    }

    fn written(format: Format) -> String {
        String::from_utf8(format.write(exposition()).unwrap()).unwrap()
    }

    #[test]
    fn plain_text_is_as_it_is_documented() {
        let expected = "\
# HELP x_reports_total Reports.
# TYPE x_reports_total counter
x_reports_total{outcome=\"stored\"} 3
x_reports_total{outcome=\"a \\\"b\\\"\\\\\\n\"} 0
# HELP x_size_bytes Size.
# TYPE x_size_bytes gauge
x_size_bytes 12
# HELP x_busy_seconds_total Busy.
# TYPE x_busy_seconds_total counter
x_busy_seconds_total 1.5
# HELP x_coverage_ratio Share.
# TYPE x_coverage_ratio gauge
x_coverage_ratio 0.5
# HELP x_took_seconds Took.
# TYPE x_took_seconds histogram
x_took_seconds_sum{page=\"/\"} 4.000001
x_took_seconds_count{page=\"/\"} 3
x_took_seconds_bucket{page=\"/\",le=\"0.5\"} 1
x_took_seconds_bucket{page=\"/\",le=\"1\"} 2
x_took_seconds_bucket{page=\"/\",le=\"2\"} 2
x_took_seconds_bucket{page=\"/\",le=\"+Inf\"} 3
";
        let lines = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&written(Format::Text)), lines(expected));
    }

    #[test]
    fn open_metrics_names_units_and_ends() {
        let text = written(Format::OpenMetrics);
        for line in [
            "# TYPE x_reports counter",
            "x_reports_total{outcome=\"stored\"} 3",
            "# UNIT x_busy_seconds seconds",
            "# TYPE x_busy_seconds counter",
            "# UNIT x_coverage_ratio ratio",
            "# TYPE x_took_seconds histogram",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn a_sample_of_another_kind_is_an_error() {
        let mut exposition = Exposition::new();
        exposition.put_one(Metric::histogram("x_seconds", &[], "X."), Value::Count(1));
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            assert!(format.write(exposition.clone()).is_err());
        }
    }
}

//! Panels over latencies and failures that several dashboards show.
//!
//! Percentiles of several vantage points, targets or minutes cannot be averaged. What is shown here
//! is either one series each, or the worst of them, or made of what does add up: counts, the counts
//! of the buckets, and means by their counts. Over a longer interval a percentile is that of its
//! median minute.

use serde_json::json;
use vantage_aggregator::export::influx::fields::{BUCKET_BOUNDS_US, Unit, bucket_field};
use vantage_wire::Micros;

use crate::exported::Measurement::Latency;
use crate::influxql::{Column, Expression, Query};
use crate::panel::{Panel, Target, Threshold, matching, zeros_hidden};
use crate::variable::Variable;

/// Shares of failed attempts from which on a figure is yellow, and red.
pub const FAILURE_RATE_LIMITS: [f64; 2] = [0.01, 0.05];
/// Windows are a minute long: shorter intervals would have gaps.
pub const WINDOW: &str = "1m";

/// Share of the attempts that failed.
pub fn failure_rate() -> Expression {
    Latency.sum("failed") / Latency.sum("attempts")
}

/// Failure rates over time, by these tags.
pub fn failure_rates<const N: usize>(
    description: &str,
    chosen: &[&Variable],
    tags: [&str; N],
    called: &str,
) -> Panel {
    let [middling, bad] = FAILURE_RATE_LIMITS;
    let query = Query::of(Latency, [failure_rate().named("failure rate")])
        .chosen(chosen)
        .with_attempts()
        .by_interval()
        .by(tags);
    Panel::time_series("Failure rate", description, Unit::Share)
        .asking(Target::lines(query, called))
        .every(WINDOW)
        .from_zero()
        .coloured(&Threshold::rising(middling, bad))
        .with_limits()
}

/// Upper bounds of buckets for which the share of quick attempts is shown.
const WITHIN_US: [u64; 6] = [100_000, 200_000, 300_000, 500_000, 1_000_000, 2_000_000];

/// Share of all attempts that succeeded within a time, as a column called by that time.
pub fn share_within(bound_us: u64) -> Column {
    let within = Latency.sum(&bucket_field(bound_us)) / Latency.sum("attempts");
    within.named(&Micros::new(bound_us).to_string())
}

/// Shares of attempts that succeeded within certain times. They add up over vantage points, targets
/// and time.
pub fn shares_within(chosen: &[&Variable]) -> Panel {
    let query = Query::of(Latency, WITHIN_US.map(share_within))
        .chosen(chosen)
        .with_attempts()
        .by_interval();
    Panel::time_series(
        "Answered within",
        "Share of all attempts, failed ones included, that succeeded within the time: counts of the \
         buckets of everything chosen, summed. Exact however many vantage points, targets and minutes \
         are put together.",
        Unit::Share,
    )
    .asking(Target::lines(query, "$col"))
    .every(WINDOW)
    .between(0.0, 1.0)
}

/// Failures over time by code.
pub fn failures_by_code(chosen: &[&Variable]) -> Panel {
    let columns = codes(Expression::sum);
    let query = Query::of(Latency, columns).chosen(chosen).by_interval();
    Panel::stacked_counts(
        "Failures by code",
        "Attempts that failed, by code, of everything chosen, summed. Codes that never occurred are \
         not drawn. FIELDS.md says what each code means.",
    )
    .asking(Target::lines(query, "$col"))
    .every(WINDOW)
    .except(zeros_hidden())
}

/// A column for each failure code, called by the code.
pub fn codes(of: impl Fn(Expression) -> Expression) -> Vec<Column> {
    let prefix = "code_";
    let fields = Latency.fields(prefix);
    let column = |name: &str| of(Latency.value(name)).named(name.trim_start_matches(prefix));
    fields.iter().map(|field| column(&field.name)).collect()
}

/// Failures over time by whose fault they are.
pub fn failures_by_attribution(chosen: &[&Variable]) -> Panel {
    let prefix = "failed_";
    let fields = Latency.fields(prefix);
    let columns = fields
        .iter()
        .map(|field| Latency.sum(&field.name).named(field.name.trim_start_matches(prefix)));
    let query = Query::of(Latency, columns).chosen(chosen).by_interval();
    Panel::stacked_counts(
        "Failures by attribution",
        "Attempts that failed, by whose fault it was, of everything chosen, summed. Target, path and \
         resolver make the failure rate; agent and config are lost coverage and never count against a \
         site.",
    )
    .asking(Target::lines(query, "$col"))
    .every(WINDOW)
    .except(zeros_hidden())
}

/// How many samples were how long.
pub fn heat_map(chosen: &[&Variable]) -> Panel {
    let sum = |bound_us: u64| Latency.sum(&bucket_field(bound_us));
    let lowest = BUCKET_BOUNDS_US.first().map(|bound_us| (*bound_us, sum(*bound_us)));
    // The exporter's buckets are cumulative, those of the panel are not.
    let above = BUCKET_BOUNDS_US
        .array_windows()
        .map(|[below_us, bound_us]| (*bound_us, sum(*bound_us) - sum(*below_us)));
    let columns =
        lowest.into_iter().chain(above).map(|(bound_us, count)| count.named(&bound_us.to_string()));
    let query = Query::of(Latency, columns).chosen(chosen).by_interval();
    Panel::heat_map(
        "Distribution",
        "How many samples were at most that long and longer than the bucket below: counts of the \
         buckets of everything chosen, summed. Failed attempts have no latency and are not in it.",
    )
    .asking(Target::table(query))
    .every(WINDOW)
}

/// Percentiles of the worst series of everything chosen.
pub fn worst_percentiles(title: &str, description: &str, chosen: &[&Variable]) -> Panel {
    let names = ["p50_us", "p90_us", "p95_us", "p99_us"];
    let label = |name: &str| name.trim_end_matches("_us").to_owned();
    let medians = names.map(|name| Latency.median(name).named(&label(name)));
    let longest = Latency.max("max_us").named("longest");
    let inner = Query::of(Latency, medians.into_iter().chain([longest]))
        .chosen(chosen)
        .by_interval()
        .by(["vantage", "target", "probe", "family", "warm"]);
    let columns: Vec<_> =
        inner.column_names().map(|name| Expression::column(name).max().named(name)).collect();
    let query = Query::over(inner, columns).by_interval();
    Panel::time_series(title, description, Unit::Microseconds)
        .asking(Target::lines(query, "$col"))
        .every(WINDOW)
        .from_zero()
        .except(matching(
            "^p(90|99)$",
            &[("custom.lineStyle", json!({ "fill": "dash", "dash": [6, 4] }))],
        ))
        .except(matching(
            "^longest$",
            &[("custom.lineStyle", json!({ "fill": "dot", "dash": [1, 5] }))],
        ))
}

/// Median minute of a percentile over time, one line for each series.
pub fn percentile_of_each(percentile: &str, chosen: &[&Variable]) -> Panel {
    let label = percentile.trim_end_matches("_us");
    let query = Query::of(Latency, [Latency.median(percentile).named(label)])
        .chosen(chosen)
        .by_interval()
        .by(["vantage", "target", "probe", "family", "warm"]);
    Panel::time_series(
        &format!("{label} of each"),
        "One line for each vantage point, target and probe, with the version of IP where each is \
         measured by itself, and `true` where connections were open already; nothing is averaged over \
         them. Over intervals longer than a window: the median window.",
        Unit::Microseconds,
    )
    .asking(Target::lines(query, "$tag_vantage → $tag_target $tag_probe $tag_family $tag_warm"))
    .every(WINDOW)
    .from_zero()
}

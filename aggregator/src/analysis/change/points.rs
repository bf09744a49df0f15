//! From roll-ups to the points of a series.

use super::Point;
use crate::analysis::{View, quantile_us};

const HOUR_S: i64 = 3600;
/// Fewest successes of an hour whose median is taken for its level: of fewer, one slow attempt in
/// three would make a point of its own.
const FEWEST: u64 = 5;

/// The median latency of every hour of a view whose blocks are hours (counted from the Unix epoch),
/// from its first hour to its last.
///
/// Hours in which nothing, or next to nothing, was measured have no value: a gap stays a gap.
/// Failures are no part of it: they are an answer of their own, and a site that begins to fail has
/// not moved.
pub fn hourly_medians(view: &View) -> Vec<Point> {
    let blocks = view.blocks();
    let (Some((first, _)), Some((last, _))) = (blocks.first_key_value(), blocks.last_key_value())
    else {
        return Vec::new();
    };
    let mut points = Vec::new();
    let mut next = first.0;
    for (block, sample) in blocks {
        points.extend((next..block.0).map(|hour| point(hour, None)));
        let latencies = sample.latencies();
        let median = (latencies.count() >= FEWEST).then(|| quantile_us([latencies], 0.5));
        points.push(point(block.0, median.flatten()));
        next = block.0 + 1;
    }
    debug_assert_eq!(next, last.0 + 1, "blocks are in order");
    points
}

fn point(hour: i64, value_us: Option<f64>) -> Point {
    Point { unix_s: hour.saturating_mul(HOUR_S), value_us }
}

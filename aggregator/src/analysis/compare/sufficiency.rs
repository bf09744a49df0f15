//! Whether there is enough on each side to be compared.

use std::collections::BTreeSet;

use super::settings::Hours;
use crate::analysis::sufficiency::LEAST_COVERAGE;
use crate::analysis::{BlockLength, View};

/// Which share of the hours that the service is compared in another series has to have measured, to
/// be compared with it. Hours that one of them lacks are compared in none.
const WELL_MEASURED: f64 = 0.9;

/// What one side lacks, in words; nothing where it has enough.
pub(super) fn shortfalls(
    side: &str,
    view: &View,
    coverage: Option<f64>,
    fewest_attempts: u64,
) -> Vec<String> {
    let mut shortfalls = Vec::new();
    let attempts = view.total().attempts();
    if attempts == 0 {
        return vec![format!("{side}, no hour of the week was measured that both sides have")];
    }
    let days = view.blocks().len();
    if days < BlockLength::FEWEST_DAYS {
        shortfalls.push(format!(
            "{side}, {days} local days can be compared; an answer needs {}",
            BlockLength::FEWEST_DAYS
        ));
    }
    if attempts < fewest_attempts {
        shortfalls.push(format!(
            "{side}, {attempts} attempts can be compared; an answer needs {fewest_attempts}"
        ));
    }
    if let Some(coverage) = coverage.filter(|coverage| *coverage < LEAST_COVERAGE) {
        shortfalls.push(format!(
            "{side}, {:.0} % of the time was measured; an answer needs {:.0} %",
            coverage * 100.0,
            LEAST_COVERAGE * 100.0,
        ));
    }
    shortfalls
}

/// The share of the time between the first and the last of these hours that was measured, from 0 to
/// 1; `None` where nothing is known about what was expected.
pub(super) fn coverage(series: &Hours, hours: &BTreeSet<i64>) -> Option<f64> {
    let (first, last) = hours.first().zip(hours.last())?;
    let (mut covered_s, mut expected_s) = (0_u64, 0_u64);
    for sample in series.range(first..=last).map(|(_, sample)| sample) {
        covered_s = covered_s.saturating_add(sample.covered_s);
        expected_s = expected_s.saturating_add(sample.expected_s);
    }
    (expected_s > 0).then(|| covered_s as f64 / expected_s as f64)
}

/// Whether a series has measured enough of the hours that it should be compared in.
pub(super) fn is_well_measured(hours: usize, of: usize) -> bool {
    hours as f64 >= WELL_MEASURED * of as f64
}

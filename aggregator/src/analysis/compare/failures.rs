//! What fails more or less often than before, by phase and code.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use vantage_wire::{FailureCode, Phase};

use super::difference::{Figure, change};
use super::measure::{Measure, Measured, count};
use crate::analysis::{CONFIDENCE, FailureRate, Verdict, View};

/// How often one kind of failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CodeChange {
    /// In which phase.
    pub phase: Phase,
    /// What happened.
    pub code: FailureCode,
    /// Before.
    pub before: FailureRate,
    /// After.
    pub after: FailureRate,
    /// After less before, as a share of the attempts.
    pub change: Option<Figure>,
    /// What may be said of the change, where as many are judged as there are kinds of failures.
    pub verdict: Verdict,
}

/// Attempts that say nothing about the site: they lower coverage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LostAttempts {
    /// In which phase.
    pub phase: Phase,
    /// What happened.
    pub code: FailureCode,
    /// How many before.
    pub before: u64,
    /// How many after.
    pub after: u64,
}

/// What failed on both sides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct FailureChanges {
    /// What counts against the site, the largest change first.
    pub by_code: Vec<CodeChange>,
    /// What is laid to agents, to the configuration or to nobody.
    pub lost: Vec<LostAttempts>,
}

/// Compares every kind of failure that happened.
pub(super) fn failure_changes(
    before: &View,
    after: &View,
    threshold: f64,
    undersampled: bool,
) -> FailureChanges {
    let sides = [before, after].map(View::total);
    let kinds: BTreeSet<_> =
        sides.iter().flat_map(|side| side.failures().keys().copied()).collect();
    let (counted, lost): (Vec<_>, Vec<_>) =
        kinds.into_iter().partition(|(_, code)| code.attribution().counts_against_site());

    // Of many changes judged at 95 % each, one in twenty would be found where nothing changed
    // (Bonferroni).
    let confidence = 1.0 - (1.0 - CONFIDENCE) / counted.len().max(1) as f64;
    let mut by_code: Vec<_> = counted
        .iter()
        .map(|&(phase, code)| {
            let kind = Measure::Failures(phase, code);
            let measured = [kind.of(before), kind.of(after)];
            let [measured_before, measured_after] = measured.each_ref().map(Option::as_ref);
            let difference = Option::zip(measured_before, measured_after)
                .and_then(|(before, after)| change(before, after));
            let verdict = match difference {
                _ if undersampled => Verdict::Undersampled,
                None => Verdict::Inconclusive,
                Some(difference) => Verdict::at(&difference, threshold, confidence),
            };
            CodeChange {
                phase,
                code,
                before: rate(before, kind, measured_before),
                after: rate(after, kind, measured_after),
                change: difference.as_ref().and_then(Figure::of),
                verdict,
            }
        })
        .collect();
    let size =
        |row: &CodeChange| (row.after.rate.unwrap_or(0.0) - row.before.rate.unwrap_or(0.0)).abs();
    by_code.sort_by(|one, other| size(other).total_cmp(&size(one)));

    let lost = lost.into_iter().map(|(phase, code)| {
        let [before, after] = sides.map(|side| count(side, phase, code));
        LostAttempts { phase, code, before, after }
    });
    FailureChanges { by_code, lost: lost.collect() }
}

fn rate(view: &View, kind: Measure, measured: Option<&Measured>) -> FailureRate {
    let total = view.total();
    let replicates = measured.map(|measured| &measured.replicates);
    FailureRate::of_kind(kind.failures(total), total.attempts(), replicates)
}

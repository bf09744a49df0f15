//! What is said of a change.

use super::difference::{Difference, Figure, Side, verdict};
use super::document::{FailureRateChange, ScoreChange};
use crate::analysis::{Estimate, Verdict};

/// A statistic on both sides.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    /// Before and after; infinite as a mean time to success where nothing succeeded.
    pub values: [Option<f64>; 2],
    /// With what margins are made of; `None` where it has no finite value without some day.
    pub measured: Option<[Side; 2]>,
}

/// A change and what is said of it.
pub(super) struct Judged {
    /// Before and after; infinite as a mean time to success where nothing succeeded.
    values: [Option<f64>; 2],
    difference: Option<Difference>,
    threshold: f64,
    verdict: Verdict,
}

impl Judged {
    /// Judges what changed from one side to the other.
    pub fn of(sides: &Sides, threshold: f64, undersampled: bool) -> Self {
        let values = sides.values;
        let measured = sides.measured.as_ref();
        let difference = measured.map(|[before, after]| Difference::between(before, after));
        let judged = difference.and_then(|difference| difference.judged());
        let verdict = if undersampled {
            Verdict::Undersampled
        } else {
            outright(values).unwrap_or_else(|| verdict(judged.as_ref(), threshold))
        };
        Self { values, difference, threshold, verdict }
    }

    /// What may be said of the change.
    pub const fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn figures(&self) -> Figures {
        let [before, after] = self.values.map(finite);
        let figure = |part: fn(&Difference) -> Option<Estimate>| {
            part(self.difference.as_ref()?).as_ref().and_then(Figure::of)
        };
        let judged = figure(Difference::judged);
        Figures {
            before,
            after,
            judged,
            relative: judged.zip(before).and_then(|(judged, before)| judged.relative_to(before)),
            plain: figure(|difference| difference.plain),
            controls: figure(|difference| difference.controls),
        }
    }
}

struct Figures {
    before: Option<f64>,
    after: Option<f64>,
    judged: Option<Figure>,
    relative: Option<Figure>,
    plain: Option<Figure>,
    controls: Option<Figure>,
}

impl From<Judged> for ScoreChange {
    fn from(this: Judged) -> Self {
        let figures = this.figures();
        Self {
            before_us: figures.before,
            after_us: figures.after,
            change_us: figures.judged,
            relative: figures.relative,
            plain_us: figures.plain,
            controls_us: figures.controls,
            threshold_us: this.threshold,
            verdict: this.verdict,
        }
    }
}

impl From<Judged> for FailureRateChange {
    fn from(this: Judged) -> Self {
        let figures = this.figures();
        Self {
            before: figures.before,
            after: figures.after,
            change: figures.judged,
            relative: figures.relative,
            plain: figures.plain,
            controls: figures.controls,
            threshold: this.threshold,
            verdict: this.verdict,
        }
    }
}

/// What is plain without statistics: nothing succeeded on one side, so that its mean time to
/// success is infinite.
fn outright(values: [Option<f64>; 2]) -> Option<Verdict> {
    let [before, after] = values.map(|value| value.map(f64::is_finite));
    match (before?, after?) {
        (true, false) => Some(Verdict::Worse),
        (false, true) => Some(Verdict::Better),
        _ => None,
    }
}

pub(super) fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

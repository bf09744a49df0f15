//! What the new site promised before the move, beside what came true.

use std::fmt;

use serde::{Deserialize, Serialize};
use vantage_wire::SiteId;
use vantage_wire::histogram::CountOverflow;

use super::difference::{Difference, Figure, change, verdict};
use super::measure::Measure;
use super::paired::Paired;
use super::settings::{ComparisonSettings, Hours, MarketHours};
use super::sufficiency::{coverage, is_well_measured, shortfalls};
use crate::analysis::{Verdict, fewest_attempts};

/// What became of a promise.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum ForecastOutcome {
    /// The service is as fast as the site was, give or take what does not matter.
    Kept,
    /// The service is faster than the site was.
    Exceeded,
    /// The service is slower than the site was.
    Broken,
    /// The data do not tell.
    Inconclusive,
    /// There are not enough data to ask.
    Undersampled,
}

impl fmt::Display for ForecastOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Kept => "kept",
            Self::Exceeded => "better than promised",
            Self::Broken => "worse than promised",
            Self::Inconclusive => "inconclusive",
            Self::Undersampled => "undersampled",
        })
    }
}

impl From<Verdict> for ForecastOutcome {
    fn from(gap: Verdict) -> Self {
        match gap {
            Verdict::Equivalent => Self::Kept,
            Verdict::Better => Self::Exceeded,
            Verdict::Worse => Self::Broken,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Undersampled => Self::Undersampled,
        }
    }
}

/// What the new site promised before the move, beside what came true.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Forecast {
    /// The site that the service moved to.
    pub site: SiteId,
    /// What became of the promise.
    pub outcome: ForecastOutcome,
    /// What to keep in mind, in words.
    pub caveats: Vec<String>,
    /// Hours that are compared: as many on both sides.
    pub matched_hours: u64,
    /// Score of the site before the move, by its own targets.
    pub site_before_us: Option<f64>,
    /// Score of the site less that of the service, both before the move.
    pub promised_us: Option<Figure>,
    /// Score of the service after less before.
    pub realised_us: Option<Figure>,
    /// What came true less what was promised; where there are controls, less what these changed.
    pub gap_us: Option<Figure>,
    /// From what on a gap matters.
    pub threshold_us: f64,
}

/// Compares the service after the move with the site before it. `controls` are those that are
/// measured well enough, `comparable` is in how many hours they and the service are.
pub(super) fn forecast(
    market: &MarketHours,
    (site, candidate): (&SiteId, &Hours),
    controls: &[&Hours],
    comparable: usize,
    settings: &ComparisonSettings,
) -> Result<Forecast, CountOverflow> {
    let mut after = vec![&market.service];
    after.extend(controls);
    let mut before = after.clone();
    before.push(candidate);
    let paired = Paired::new(&before, &after, &settings.periods, &market.time_zone);
    let hours = &paired.hours;
    let promising = paired.views(candidate, controls, &hours.before)?;
    let served = paired.view(&market.service, &hours.before)?;
    let serving = paired.views(&market.service, controls, &hours.after)?;

    let measure = Measure::Score(settings.score);
    let gap = Option::zip(promising.side(measure), serving.side(measure))
        .and_then(|(promising, serving)| Difference::between(&promising, &serving).judged());
    let [promising_alone, served, serving_alone] =
        [&promising.moved, &served, &serving.moved].map(|view| measure.of(view));
    let promised = Option::zip(promising_alone, served.as_ref())
        .and_then(|(promising, served)| promising.minus(served).estimate());
    let realised = Option::zip(served.as_ref(), serving_alone)
        .and_then(|(served, serving)| change(served, &serving));

    let fewest = fewest_attempts(settings.score);
    let site_coverage = coverage(candidate, &hours.before);
    let service_coverage = coverage(&market.service, &hours.after);
    let mut caveats = shortfalls("before", &promising.moved, site_coverage, fewest);
    caveats.extend(shortfalls("after", &serving.moved, service_coverage, fewest));
    let matched = hours.before.len();
    if !is_well_measured(matched, comparable) {
        caveats.push(format!(
            "{site} was measured in {matched} of the {comparable} hours before in which the \
             service is compared"
        ));
    }
    let site_before_us = measure.value(promising.moved.total()).filter(|score| score.is_finite());
    let threshold_us = settings.threshold.beside(site_before_us.unwrap_or(0.0));
    let outcome = if caveats.is_empty() {
        verdict(gap.as_ref(), threshold_us)
    } else {
        Verdict::Undersampled
    };
    Ok(Forecast {
        site: site.clone(),
        outcome: outcome.into(),
        caveats,
        matched_hours: matched as u64,
        site_before_us,
        promised_us: promised.as_ref().and_then(Figure::of),
        realised_us: realised.as_ref().and_then(Figure::of),
        gap_us: gap.as_ref().and_then(Figure::of),
        threshold_us,
    })
}

//! One market before and after.

use std::collections::BTreeSet;

use vantage_wire::histogram::CountOverflow;

use super::compared::Compared;
use super::difference::{Figure, Side, change};
use super::document::{ControlChange, Distribution, MarketComparison, SideSummary};
use super::failures::failure_changes;
use super::forecast::forecast;
use super::judged::{Judged, Sides, finite};
use super::measure::Measure;
use super::paired::SideViews;
use super::settings::{ComparisonSettings, MarketHours};
use super::sufficiency::{coverage, shortfalls};
use super::temporal::temporal_change;
use crate::analysis::{FailureRate, fewest_attempts, quantile_us};
use crate::catalogue::Score;

/// One market's answer, with what the answer for all markets is made of.
#[derive(Clone, Debug)]
pub struct ComparedMarket {
    /// The answer.
    pub document: MarketComparison,
    /// Both sides of its score, where there is enough to tell one.
    pub(super) score: Option<Sides>,
    /// Both sides of its failure rate, where there is enough to tell one.
    pub(super) failure_rate: Option<Sides>,
}

/// Compares one market before and after.
///
/// # Errors
///
/// [`CountOverflow`] where there are more than 2⁶³ attempts.
pub fn compare_market(
    market: &MarketHours,
    settings: &ComparisonSettings,
) -> Result<ComparedMarket, CountOverflow> {
    let mut caveats = Vec::new();
    let compared = Compared::new(market, settings, &mut caveats)?;
    let Compared { paired, before, after, .. } = &compared;

    let summaries = [
        compared.summary(before, &paired.hours.before, paired.hours.unused_before, settings.score),
        compared.summary(after, &paired.hours.after, paired.hours.unused_after, settings.score),
    ];
    let lacking = |fewest: u64| -> Vec<String> {
        [("before", before), ("after", after)]
            .into_iter()
            .zip(&summaries)
            .flat_map(|((name, side), summary)| {
                shortfalls(name, &side.moved, summary.coverage, fewest)
            })
            .collect()
    };
    let lacking_for_score = lacking(fewest_attempts(settings.score));
    let rates_undersampled = !lacking(fewest_attempts(Score::Mean)).is_empty();

    let threshold = settings.threshold.beside(summaries[0].score_us.unwrap_or(0.0));
    let score_undersampled = !lacking_for_score.is_empty();
    let score_sides = compared.sides(Measure::Score(settings.score));
    let score = Judged::of(&score_sides, threshold, score_undersampled);
    let rate_sides = compared.sides(Measure::FailureRate);
    let rates = Judged::of(&rate_sides, settings.failure_threshold, rates_undersampled);

    caveats.extend(lacking_for_score);
    let hours_of_week = paired.hours_of_week();
    if (1..168).contains(&hours_of_week) {
        caveats.push(format!(
            "the answer holds for {hours_of_week} of the 168 hours of the week only"
        ));
    }
    let controls: Vec<_> = compared.controls.iter().map(|(_, hours)| *hours).collect();
    let forecast = market.candidate.as_ref().map(|(site, hours)| {
        forecast(market, (site, hours), &controls, paired.hours.before.len(), settings)
    });
    let [before_summary, after_summary] = summaries;
    let document = MarketComparison {
        market: market.market.clone(),
        weight: market.weight,
        verdict: score.verdict(),
        caveats,
        hours_of_week,
        before: before_summary,
        after: after_summary,
        score: score.into(),
        failure_rate: rates.into(),
        controls: compared.control_changes(settings.score),
        forecast: forecast.transpose()?,
        temporal: temporal_change(&market.service, paired, &settings.threshold),
        failures: failure_changes(
            &before.moved,
            &after.moved,
            settings.failure_threshold,
            rates_undersampled,
        ),
        distribution: distribution(before, after),
    };
    Ok(ComparedMarket {
        document,
        score: (!score_undersampled).then_some(score_sides),
        failure_rate: (!rates_undersampled).then_some(rate_sides),
    })
}

impl Compared<'_> {
    fn sides(&self, measure: Measure) -> Sides {
        let sides = [&self.before, &self.after];
        let measured = Option::zip(self.before.side(measure), self.after.side(measure));
        Sides {
            values: sides.map(|side| measure.value(side.moved.total())),
            measured: measured.map(<[Side; 2]>::from),
        }
    }

    fn summary(
        &self,
        side: &SideViews,
        hours: &BTreeSet<i64>,
        unused_hours: u64,
        score: Score,
    ) -> SideSummary {
        let view = &side.moved;
        let total = view.total();
        let measure = Measure::Score(score);
        let interval = measure.of(view).and_then(|measured| Figure::of(&measured.estimate()?));
        SideSummary {
            from_unix_s: hours.first().map(|hour| hour * 3600),
            until_unix_s: hours.last().map(|hour| (hour + 1) * 3600),
            matched_hours: hours.len() as u64,
            unused_hours,
            days: view.blocks().len() as u64,
            excused: total.excused(),
            coverage: coverage(self.service, hours),
            score_us: finite(measure.value(total)),
            score_interval_us: interval.map(|figure| figure.interval),
            failure_rate: FailureRate::of(view),
        }
    }

    fn control_changes(&self, score: Score) -> Vec<ControlChange> {
        let views = self.before.controls.iter().zip(&self.after.controls);
        let measure = Measure::Score(score);
        self.controls
            .iter()
            .zip(views)
            .map(|((site, _), (before, after))| {
                let change = Option::zip(measure.of(before), measure.of(after))
                    .and_then(|(before, after)| change(&before, &after));
                ControlChange {
                    site: (*site).clone(),
                    before_us: finite(measure.value(before.total())),
                    after_us: finite(measure.value(after.total())),
                    change_us: change.as_ref().and_then(Figure::of),
                }
            })
            .collect()
    }
}

fn distribution(before: &SideViews, after: &SideViews) -> Distribution {
    let quantiles: Vec<_> = (1..100).map(|percent| f64::from(percent) / 100.0).collect();
    let [before_us, after_us] = [before, after].map(|side| {
        let total = side.moved.total();
        let histograms = [total.latencies(), total.penalties()];
        quantiles.iter().filter_map(|quantile| quantile_us(histograms, *quantile)).collect()
    });
    Distribution { quantiles, before_us, after_us }
}

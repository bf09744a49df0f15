//! All markets together.

use vantage_wire::histogram::CountOverflow;

use super::difference::Side;
use super::document::{Comparison, OverallComparison};
use super::judged::{Judged, Sides, finite};
use super::market::{ComparedMarket, compare_market};
use super::measure::Measured;
use super::settings::{ComparisonSettings, MarketHours};

type SidesOf = dyn Fn(&ComparedMarket) -> Option<&Sides>;

/// Compares all markets before and after.
///
/// # Errors
///
/// [`CountOverflow`] where there are more than 2⁶³ attempts.
pub fn compare(
    markets: &[MarketHours],
    settings: &ComparisonSettings,
) -> Result<Comparison, CountOverflow> {
    let compared = markets.iter().map(|market| compare_market(market, settings));
    let compared = compared.collect::<Result<Vec<_>, _>>()?;
    let overall = compare_overall(&compared, settings);
    let markets = compared.into_iter().map(|market| market.document).collect();
    Ok(Comparison { overall, markets })
}

/// Weighs markets that were compared one by one.
///
/// Markets with too few data are left out, and the others are weighted among themselves. The same
/// date in several markets is one day: what happens to the service then happens to all.
pub fn compare_overall(
    markets: &[ComparedMarket],
    settings: &ComparisonSettings,
) -> OverallComparison {
    let weight_of_all: f64 = markets.iter().map(|market| market.document.weight).sum();
    let (used, left_out): (Vec<_>, Vec<_>) =
        markets.iter().partition(|market| market.score.is_some());
    let weight: f64 = used.iter().map(|market| market.document.weight).sum();

    let judge = |sides: &SidesOf, threshold: &dyn Fn(f64) -> f64| {
        let parts: Vec<_> = used
            .iter()
            .filter_map(|market| Some((market.document.weight / weight, sides(market)?)))
            .collect();
        let sides = weighted(&parts);
        let threshold = threshold(finite(sides.values[0]).unwrap_or(0.0));
        Judged::of(&sides, threshold, parts.is_empty())
    };
    let score =
        judge(&|market| market.score.as_ref(), &|before_us| settings.threshold.beside(before_us));
    let failure_rate =
        judge(&|market| market.failure_rate.as_ref(), &|_| settings.failure_threshold);

    OverallComparison {
        verdict: score.verdict(),
        caveats: caveats(&used, &left_out),
        weight_covered: if weight_of_all > 0.0 { weight / weight_of_all } else { 0.0 },
        score: score.into(),
        failure_rate: failure_rate.into(),
    }
}

fn weighted(parts: &[(f64, &Sides)]) -> Sides {
    let value = |side: usize| {
        let values = parts.iter().map(|(weight, sides)| Some(weight * sides.values[side]?));
        (!parts.is_empty()).then(|| values.sum::<Option<f64>>()).flatten()
    };
    let measured: Option<Vec<_>> =
        parts.iter().map(|(weight, sides)| Some((*weight, sides.measured.as_ref()?))).collect();
    let sum = |side: usize| {
        let measured = measured.as_ref().filter(|parts| !parts.is_empty())?;
        let moved = measured.iter().map(|(weight, sides)| (*weight, &sides[side].moved));
        let controls: Vec<_> = measured
            .iter()
            .filter_map(|(weight, sides)| Some((*weight, sides[side].controls.as_ref()?)))
            .collect();
        Some(Side {
            moved: Measured::sum(moved),
            controls: (!controls.is_empty()).then(|| Measured::sum(controls)),
        })
    };
    Sides {
        values: [value(0), value(1)],
        measured: Option::zip(sum(0), sum(1)).map(<[Side; 2]>::from),
    }
}

fn caveats(used: &[&ComparedMarket], left_out: &[&ComparedMarket]) -> Vec<String> {
    let names = |markets: &[&ComparedMarket]| {
        let names: Vec<_> = markets.iter().map(|market| market.document.market.as_str()).collect();
        names.join(", ")
    };
    let mut caveats = Vec::new();
    if !left_out.is_empty() {
        caveats.push(format!("without {}: too few data there", names(left_out)));
    }
    let unscored: Vec<_> = used.iter().filter(|market| has_no_margin(market)).copied().collect();
    if !unscored.is_empty() {
        caveats.push(format!(
            "nearly nothing succeeded on one side in {}: the score of all markets has no margin",
            names(&unscored)
        ));
    }
    let uncontrolled: Vec<_> =
        used.iter().filter(|market| market.document.controls.is_empty()).copied().collect();
    if !uncontrolled.is_empty() {
        caveats.push(format!(
            "no control site was measured in {}: a change that all sites saw there would be taken \
             for the migration's",
            names(&uncontrolled)
        ));
    }
    caveats
}

fn has_no_margin(market: &ComparedMarket) -> bool {
    market.score.as_ref().is_some_and(|sides| sides.measured.is_none())
}

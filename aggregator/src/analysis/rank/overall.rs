//! The ranking of the sites over all markets.

use std::collections::{BTreeMap, BTreeSet};

use vantage_wire::{MarketId, SiteId};

use super::scored::{ScoredMarket, ScoredSite};
use super::standing::{self, Candidate};
use super::{RankSettings, Ranking};
use crate::analysis::score::score_us;
use crate::analysis::{Block, Caveat, FailureRate, Replicates, Shortage};

/// A market with its weight.
type Weighed<'v> = (&'v MarketId, f64, ScoredMarket<'v>);

/// Ranks the sites that every market has a score of; what is missing of the others is a caveat.
pub(super) fn ranking(markets: &mut [Weighed<'_>], settings: &RankSettings) -> Ranking {
    let weights: f64 = markets.iter().map(|(_, weight, _)| weight).sum();
    let share = |weight: f64| weight / weights;
    let sites: BTreeSet<&SiteId> =
        markets.iter().flat_map(|(_, _, market)| market.sites.keys().copied()).collect();

    let mut missing: BTreeMap<&SiteId, Vec<MarketId>> = BTreeMap::new();
    let mut candidates = Vec::with_capacity(sites.len());
    for site in sites {
        let mut parts: Vec<(f64, &ScoredSite<'_>)> = Vec::with_capacity(markets.len());
        for (id, weight, market) in &*markets {
            let scored = market.sites.get(site);
            if scored.is_none_or(|scored| scored.shortage.is_some()) {
                missing.entry(site).or_default().push((*id).clone());
            }
            parts.extend(scored.map(|scored| (share(*weight), scored)));
        }
        candidates.push(candidate(site, &parts, markets.len(), settings));
    }
    // What is missing where says more than that something is.
    let known = |caveat: &Caveat| !matches!(caveat, Caveat::Undersampled { .. });
    let mut ranking = standing::ranking(candidates, settings, |site, other| {
        let differences: Vec<(f64, Replicates)> = markets
            .iter_mut()
            .map(|(_, weight, market)| Some((share(*weight), market.difference(site, other)?)))
            .collect::<Option<_>>()?;
        Some(weighted_sum(&differences))
    });
    ranking.caveats.retain(known);
    ranking.caveats.extend(
        missing
            .into_iter()
            .map(|(site, markets)| Caveat::SiteMissingIn { site: site.clone(), markets }),
    );
    ranking
}

fn candidate<'v>(
    site: &'v SiteId,
    parts: &[(f64, &ScoredSite<'v>)],
    markets: usize,
    settings: &RankSettings,
) -> Candidate<'v> {
    let everywhere = parts.len() == markets;
    let totals = || parts.iter().map(|(_, scored)| scored.view.total());
    let scores_us: Option<Vec<f64>> =
        totals().map(|total| score_us(total, settings.score)).collect();
    let replicates: Option<Vec<(f64, Replicates)>> =
        parts.iter().map(|(share, scored)| Some((*share, scored.score.clone()?))).collect();
    let (covered_s, expected_s) = totals().fold((0_u64, 0_u64), |(covered, expected), total| {
        (covered.saturating_add(total.covered_s), expected.saturating_add(total.expected_s))
    });
    let blocks: BTreeSet<Block> = parts
        .iter()
        .flat_map(|(_, scored)| scored.view.measured().map(|(block, _)| block))
        .collect();
    let failures: Vec<_> = parts.iter().map(|(share, scored)| scored.part(*share)).collect();
    Candidate {
        site,
        score_us: scores_us
            .filter(|_| everywhere)
            .map(|scores| scores.iter().zip(parts).map(|(score, (share, _))| share * score).sum()),
        score: replicates.filter(|_| everywhere).map(|parts| weighted_sum(&parts)),
        failures: FailureRate::of_parts(&failures),
        excused: totals().fold(0, |sum, total| sum.saturating_add(total.excused())),
        coverage: (expected_s > 0).then(|| covered_s as f64 / expected_s as f64),
        blocks: blocks.len(),
        shortage: if everywhere {
            parts.iter().find_map(|(_, scored)| scored.shortage)
        } else {
            Some(Shortage::Markets { measured: parts.len(), needed: markets })
        },
    }
}

fn weighted_sum(parts: &[(f64, Replicates)]) -> Replicates {
    Replicates::sum(parts.iter().map(|(weight, part)| (*weight, part)))
}

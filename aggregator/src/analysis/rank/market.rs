//! The ranking of the sites in one market.

use super::scored::ScoredMarket;
use super::standing::{self, Candidate};
use super::{RankSettings, Ranking};
use crate::analysis::FailureRate;
use crate::analysis::score::score_us;

/// Ranks the sites of a market.
pub(super) fn ranking(market: &mut ScoredMarket<'_>, settings: &RankSettings) -> Ranking {
    let candidates = market
        .sites
        .iter()
        .map(|(&site, scored)| Candidate {
            site,
            score_us: score_us(scored.view.total(), settings.score),
            score: scored.score.clone(),
            failures: FailureRate::of_parts(&[scored.part(1.0)]),
            excused: scored.view.total().excused(),
            coverage: scored.view.total().coverage(),
            blocks: scored.view.measured().count(),
            shortage: scored.shortage,
        })
        .collect();
    standing::ranking(candidates, settings, |site, other| market.difference(site, other))
}

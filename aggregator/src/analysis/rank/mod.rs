//! Which site is best: sites in the order of their scores, and which of them cannot be told apart.
//!
//! Sites are compared by multiple comparisons with the best (Hsu 1984; for unequal variances,
//! Edwards & Hsu 1983) over paired differences: the same market, the same blocks. Ties are the
//! common case, and are shown as ties. `groups` has the rules.

mod groups;
mod market;
mod overall;
mod scored;
mod standing;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, SiteId};

use super::verdict::Threshold;
use super::view::{BlockLength, View};
use crate::catalogue::Score;
use crate::parallel;
use scored::ScoredMarket;
pub use standing::Standing;

/// How sites are to be ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankSettings {
    /// What they are ordered by.
    pub score: Score,
    /// From what on a difference matters in practice.
    pub threshold: Threshold,
    /// What the blocks of the views are.
    pub blocks: BlockLength,
}

/// A market as its sites are seen from it.
#[derive(Clone, Debug, PartialEq)]
pub struct WeighedMarket {
    /// Its share of the users, relative to the weights of the other markets; above 0.
    pub weight: f64,
    /// What it sees of each site.
    pub views: BTreeMap<SiteId, View>,
}

/// Sites in order, and what weakens the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Ranking {
    /// What the blocks are that margins are taken from.
    pub blocks: BlockLength,
    /// From what difference to the best site on a site counts as worse, in microseconds; `None`
    /// where no site could be ranked.
    pub threshold_us: Option<f64>,
    /// All sites: the ranked ones from the best to the worst, then the others by name.
    pub sites: Vec<Standing>,
    /// What a reader must know.
    pub caveats: Vec<super::caveat::Caveat>,
}

/// The rankings of every market, and of all of them together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Rankings {
    /// By market.
    pub markets: BTreeMap<MarketId, Ranking>,
    /// By `Σ weight · score`, weights taken as shares of their sum. Only sites that every market has
    /// a score of are ranked.
    pub overall: Ranking,
}

/// Ranks the sites in every market and overall.
pub fn rank(markets: &BTreeMap<MarketId, WeighedMarket>, settings: &RankSettings) -> Rankings {
    let ranked = parallel::map(markets.iter().collect(), |(id, market)| {
        let mut scored = ScoredMarket::new(&market.views, settings.score);
        let ranking = market::ranking(&mut scored, settings);
        ((id.clone(), ranking), (id, market.weight, scored))
    });
    let (by_market, mut scored): (BTreeMap<_, _>, Vec<_>) = ranked.into_iter().unzip();
    Rankings { markets: by_market, overall: overall::ranking(&mut scored, settings) }
}

/// Ranks the sites in one market.
pub fn rank_market(views: &BTreeMap<SiteId, View>, settings: &RankSettings) -> Ranking {
    market::ranking(&mut ScoredMarket::new(views, settings.score), settings)
}

/// Ranks the sites over all markets together, by their weights.
pub fn rank_overall(
    markets: &BTreeMap<MarketId, WeighedMarket>,
    settings: &RankSettings,
) -> Ranking {
    let mut scored: Vec<_> = markets
        .iter()
        .map(|(id, market)| (id, market.weight, ScoredMarket::new(&market.views, settings.score)))
        .collect();
    overall::ranking(&mut scored, settings)
}

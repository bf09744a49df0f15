//! One market's sites with their scores, each computed once.

use std::collections::{BTreeMap, BTreeSet};

use vantage_wire::SiteId;

use crate::analysis::failure_rate::Part;
use crate::analysis::{Block, Replicates, Shortage, View};
use crate::catalogue::Score;

/// What is known of one site in one market.
pub(super) struct ScoredSite<'v> {
    pub(super) view: &'v View,
    pub(super) shortage: Option<Shortage>,
    pub(super) score: Option<Replicates>,
    pub(super) failure_rate: Option<Replicates>,
}

impl ScoredSite<'_> {
    /// Its part in a failure rate, where it counts for this share of the users.
    pub(super) const fn part(&self, share: f64) -> Part<'_> {
        Part { share, total: self.view.total(), replicates: self.failure_rate.as_ref() }
    }
}

/// The sites of one market.
pub(super) struct ScoredMarket<'v> {
    pub(super) sites: BTreeMap<&'v SiteId, ScoredSite<'v>>,
    score: Score,
    /// Scores of only the blocks that a site shares with others. There are few such sets of blocks:
    /// what keeps a site from being measured on a day keeps most sites from it.
    within: BTreeMap<(&'v SiteId, BTreeSet<Block>), Option<Replicates>>,
}

impl<'v> ScoredMarket<'v> {
    pub(super) fn new(views: &'v BTreeMap<SiteId, View>, score: Score) -> Self {
        let scored = |view| ScoredSite {
            view,
            shortage: Shortage::of(view, score),
            score: Replicates::of_score(view, score),
            failure_rate: Replicates::of_failure_rate(view),
        };
        let sites = views.iter().map(|(site, view)| (site, scored(view))).collect();
        Self { sites, score, within: BTreeMap::new() }
    }

    /// The score of a site less that of another, on the blocks that both have.
    pub(super) fn difference(&mut self, site: &SiteId, other: &SiteId) -> Option<Replicates> {
        let subtract = |ours: f64, theirs: f64| ours - theirs;
        let (ours, theirs) = (self.whole(site)?, self.whole(other)?);
        if ours.without.keys().eq(theirs.without.keys()) {
            return Some(ours.combine(theirs, subtract));
        }
        let common: BTreeSet<Block> = ours
            .without
            .keys()
            .filter(|block| theirs.without.contains_key(block))
            .copied()
            .collect();
        let ours = self.within(site, &common)?;
        let theirs = self.within(other, &common)?;
        Some(ours.combine(&theirs, subtract))
    }

    fn whole(&self, site: &SiteId) -> Option<&Replicates> {
        self.sites.get(site)?.score.as_ref()
    }

    fn within(&mut self, site: &SiteId, blocks: &BTreeSet<Block>) -> Option<Replicates> {
        let (site, scored) = self.sites.get_key_value(site)?;
        let score = self.score;
        self.within
            .entry((site, blocks.clone()))
            .or_insert_with(|| Replicates::of_score_within(scored.view, blocks, score))
            .clone()
    }
}

//! The choice, with one date left out at a time.

use std::collections::{BTreeMap, BTreeSet};

use vantage_wire::SiteId;

use super::document::{OtherChoice, Stability};
use super::instance::Instance;
use super::question::{Question, Rules};
use super::search::{Found, Goal};
use crate::analysis::Block;

/// Best sets by their size. Sizes of which no set meets the rules are missing.
pub(super) type BySize = BTreeMap<usize, Vec<SiteId>>;

/// What is chosen without one date.
pub(super) struct Replicate {
    pub without: Block,
    /// The best set of any size.
    pub chosen: Option<Vec<SiteId>>,
    pub by_size: BySize,
}

/// The whole choice again without each date, if there are at least two.
pub(super) fn replicates(question: &Question<'_>, rules: &Rules, all: &BySize) -> Vec<Replicate> {
    let markets = question.markets.keys();
    let scores = markets.flat_map(|market| {
        question.measured(market).filter(|(site, _)| {
            rules.admits(question, site) && rules.serves(question, market, site)
        })
    });
    let dates: BTreeSet<Block> =
        scores.flat_map(|(_, score)| score.without.keys().copied()).collect();
    if dates.len() < 2 {
        return Vec::new();
    }
    dates.into_iter().map(|date| replicate(question, rules, date, all)).collect()
}

fn replicate(question: &Question<'_>, rules: &Rules, without: Block, all: &BySize) -> Replicate {
    let instance = Instance::of(question, rules, |score| {
        score.without.get(&without).copied().unwrap_or(score.all)
    });
    let mut best: Option<Found> = None;
    let mut by_size = BySize::new();
    for size in rules.sizes() {
        let known = all.get(&size).and_then(|set| instance.places(set));
        let known = known.as_slice();
        let Some(found) = instance.search(size, Goal::Best(1), known).pop() else { continue };
        by_size.insert(size, instance.ids(&found.set));
        if best.as_ref().is_none_or(|best| found.order(best).is_lt()) {
            best = Some(found);
        }
    }
    Replicate { without, chosen: best.map(|best| instance.ids(&best.set)), by_size }
}

impl Stability {
    /// How often the replicates choose what was chosen from all dates.
    pub(super) fn of(chosen: &[SiteId], replicates: &[Replicate]) -> Self {
        let mut others: BTreeMap<Option<&[SiteId]>, Vec<i64>> = BTreeMap::new();
        for replicate in replicates {
            others.entry(replicate.chosen.as_deref()).or_default().push(replicate.without.0);
        }
        let same = others.remove(&Some(chosen)).map_or(0, |dates| dates.len());
        let mut others: Vec<OtherChoice> = others
            .into_iter()
            .map(|(sites, without)| OtherChoice { sites: sites.map(<[_]>::to_vec), without })
            .collect();
        others.sort_by_key(|other| std::cmp::Reverse(other.without.len()));
        Self { dates: replicates.len(), same, share: share(same, replicates.len()), others }
    }
}

/// For which share of the replicates `set` is the best of its size.
pub(super) fn share_by_size(set: &[SiteId], replicates: &[Replicate]) -> Option<f64> {
    let best = replicates.iter().filter_map(|replicate| replicate.by_size.get(&set.len()));
    share(best.filter(|best| *best == set).count(), replicates.len())
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

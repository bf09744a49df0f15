//! What is said of one site in a ranking.

use serde::{Deserialize, Serialize};
use vantage_wire::SiteId;

use super::groups::{Place, places};
use super::{RankSettings, Ranking};
use crate::analysis::{
    BlockLength, CONFIDENCE, Caveat, FailureRate, Interval, Replicates, Shortage, Verdict,
};

/// One site in a ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Standing {
    /// Which.
    pub site: SiteId,
    /// 1 + the number of sites in better groups; sites that cannot be told apart share it. `None`
    /// where too little is known.
    pub rank: Option<usize>,
    /// Against the best site; of the best itself, against all others. `None` where no other site is
    /// ranked.
    pub verdict: Option<Verdict>,
    /// Whether the best of all ranked sites may be this one: it is among those of which this is
    /// said, with 95 % confidence. `None` where too little is known.
    pub may_be_best: Option<bool>,
    /// In microseconds, lower is better. `None` without attempts, and as a mean without successes.
    pub score_us: Option<f64>,
    /// With 95 % confidence; `None` where too little is known.
    pub score_interval_us: Option<Interval>,
    /// The score less that of the best site, on the blocks that both have; `None` for the best.
    pub behind_best_us: Option<f64>,
    /// Each end of it holds for all sites of the ranking at once, with 95 % confidence.
    pub behind_best_interval_us: Option<Interval>,
    /// How often attempts fail.
    pub failures: FailureRate,
    /// Attempts that say nothing about the site, by the fault of agents or configuration.
    pub excused: u64,
    /// The share of the time that was measured, from 0 to 1; `None` where it is not known.
    pub coverage: Option<f64>,
    /// In how many blocks something speaks about the site.
    pub blocks: usize,
    /// Why it is not ranked.
    pub shortage: Option<Shortage>,
}

/// A site before it is placed.
pub(super) struct Candidate<'v> {
    pub(super) site: &'v SiteId,
    /// Infinite where it never works; `None` without attempts.
    pub(super) score_us: Option<f64>,
    /// `None` where it has no margin.
    pub(super) score: Option<Replicates>,
    pub(super) failures: FailureRate,
    pub(super) excused: u64,
    pub(super) coverage: Option<f64>,
    pub(super) blocks: usize,
    pub(super) shortage: Option<Shortage>,
}

impl Candidate<'_> {
    fn score_us(&self) -> f64 {
        self.score_us.unwrap_or(f64::INFINITY)
    }

    fn standing(self, place: Option<Place>) -> Standing {
        let margin = place.and(self.score.as_ref()).and_then(Replicates::estimate);
        Standing {
            site: self.site.clone(),
            rank: place.map(|place| place.rank),
            verdict: match place {
                Some(place) => place.verdict,
                None => Some(Verdict::Undersampled),
            },
            may_be_best: place.map(|place| place.may_be_best),
            score_us: Some(self.score_us()).filter(|score| score.is_finite()),
            score_interval_us: margin.map(|score| score.interval(CONFIDENCE)),
            behind_best_us: place.and_then(|place| Some(place.behind_best?.value)),
            behind_best_interval_us: place.and_then(|place| place.behind_best_interval),
            failures: self.failures,
            excused: self.excused,
            coverage: self.coverage,
            blocks: self.blocks,
            shortage: self.shortage,
        }
    }
}

/// Places candidates by the paired differences of any two of them.
pub(super) fn ranking<'v>(
    candidates: Vec<Candidate<'v>>,
    settings: &RankSettings,
    mut difference: impl FnMut(&'v SiteId, &'v SiteId) -> Option<Replicates>,
) -> Ranking {
    let (mut ranked, others): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.shortage.is_none());
    // Stable: sites with the same score stay in the order of their names.
    ranked.sort_by(|a, b| a.score_us().total_cmp(&b.score_us()));

    let scores: Vec<f64> = ranked.iter().map(Candidate::score_us).collect();
    let places = places(&scores, &settings.threshold, |site, other| {
        difference(ranked[site].site, ranked[other].site)?.estimate()
    });
    let caveats = caveats(&ranked, &others, &places, settings.blocks);
    let best = scores.first().filter(|score| score.is_finite());
    Ranking {
        blocks: settings.blocks,
        threshold_us: best.map(|score| settings.threshold.beside(*score)),
        sites: ranked
            .into_iter()
            .zip(places.into_iter().map(Some))
            .chain(others.into_iter().map(|candidate| (candidate, None)))
            .map(|(candidate, place)| candidate.standing(place))
            .collect(),
        caveats,
    }
}

fn caveats(
    ranked: &[Candidate<'_>],
    others: &[Candidate<'_>],
    places: &[Place],
    blocks: BlockLength,
) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    let fewest = ranked.iter().map(|candidate| candidate.blocks).min();
    match (blocks, fewest) {
        (BlockLength::Hour, _) => caveats.push(Caveat::HoursOnly),
        (BlockLength::Day, Some(blocks)) if blocks < Caveat::FEW_BLOCKS => {
            caveats.push(Caveat::FewBlocks { blocks });
        }
        _ => {}
    }
    if !others.is_empty() {
        let sites = others.iter().map(|candidate| candidate.site.clone()).collect();
        caveats.push(Caveat::Undersampled { sites });
    }
    if ranked.len() == 1 {
        caveats.push(Caveat::NothingToCompare);
    }
    let unpaired = |(candidate, place): &(&Candidate<'_>, &Place)| {
        candidate.score_us().is_finite() && place.behind_best.is_none()
    };
    let unpaired: Vec<_> = ranked.iter().zip(places).skip(1).filter(unpaired).collect();
    if !unpaired.is_empty() {
        let sites = unpaired.into_iter().map(|(candidate, _)| candidate.site.clone()).collect();
        caveats.push(Caveat::NotPaired { sites });
    }
    caveats
}

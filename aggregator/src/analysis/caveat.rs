//! What a reader must know before relying on an answer, and what to do about it.

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, ServiceId, SiteId};

/// A weakness of an answer that its margins do not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Caveat {
    /// There are too few days for blocks of days.
    HoursOnly,
    /// So few days that margins are wide, and no day of the week has come twice.
    FewBlocks {
        /// The fewest that any ranked site has, or either side of a comparison.
        blocks: usize,
    },
    /// Markets that are seen from one network only.
    OneNetwork {
        /// Which.
        markets: Vec<MarketId>,
        /// Of how many.
        of: usize,
    },
    /// Markets of which some was measured in windows longer than an hour: agents merged what had to
    /// wait on their disks.
    CoarseWindows {
        /// Which.
        markets: Vec<MarketId>,
        /// The length of the longest window, in seconds.
        longest_s: u64,
    },
    /// A service without targets of its own: those of its sites stand for it.
    StandIn {
        /// Which.
        service: ServiceId,
    },
    /// Sites of which too little is known.
    Undersampled {
        /// Which.
        sites: Vec<SiteId>,
    },
    /// A site that not every market has measured enough, and so has no overall score.
    SiteMissingIn {
        /// Which.
        site: SiteId,
        /// Where it was not.
        markets: Vec<MarketId>,
    },
    /// Sites that were not measured on the same days as the best one.
    NotPaired {
        /// Which.
        sites: Vec<SiteId>,
    },
    /// Only one site could be ranked.
    NothingToCompare,
}

impl Caveat {
    /// Fewer days than this are few: not every day of the week is among them.
    pub const FEW_BLOCKS: usize = 7;

    /// What is the matter: one sentence.
    pub fn explanation(&self) -> String {
        match self {
            Self::HoursOnly => {
                "Fewer than 3 days were measured, so margins are taken from hours and hold for \
                 this stretch of time only."
                    .to_owned()
            }
            Self::FewBlocks { blocks } => format!(
                "Only {blocks} days were measured: margins are wide, and not every day of the \
                 week is in them."
            ),
            Self::OneNetwork { markets, of } => format!(
                "{} of {of} markets {} one network only: {}.",
                markets.len(),
                if markets.len() == 1 { "has" } else { "have" },
                list(markets)
            ),
            Self::CoarseWindows { markets, longest_s } => format!(
                "In {} some was measured in windows of up to {} hours: all of such a window counts \
                 for the hour and the day in which it began.",
                list(markets),
                longest_s.div_ceil(3600)
            ),
            Self::StandIn { service } => format!(
                "{service} has no target of its own: what was measured of the old site before the \
                 cutover, and of the new one after it, stands for it."
            ),
            Self::Undersampled { sites } => {
                format!("Too little is known to rank {}.", list(sites))
            }
            Self::SiteMissingIn { site, markets } => {
                format!("{site} has no overall score: too little is known in {}.", list(markets))
            }
            Self::NotPaired { sites } => format!(
                "{} and the best site were hardly measured on the same days, so they cannot be \
                 told apart.",
                list(sites)
            ),
            Self::NothingToCompare => {
                "Only one site could be ranked, so it is compared with nothing.".to_owned()
            }
        }
    }

    /// What is the matter, and what to do about it.
    pub fn in_words(&self) -> String {
        format!("{} {}", self.explanation(), self.advice())
    }

    /// What to do about it: one sentence.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::HoursOnly => "Measure at least 3 days, better 14.",
            Self::FewBlocks { .. } => "Measure at least 7 days, better 14.",
            Self::OneNetwork { .. } => "Add a vantage point in another network there.",
            Self::CoarseWindows { .. } => {
                "Leave that time out, and give agents more room on their disks (spool_max_bytes)."
            }
            Self::StandIn { .. } => {
                "Add a [[target]] with this service: it measures what its users see."
            }
            Self::Undersampled { .. } => {
                "Measure longer or more often, and see `vantage agents` for agents that were away."
            }
            Self::SiteMissingIn { .. } => "Have every market measure it.",
            Self::NotPaired { .. } => "Choose a period in which all sites were measured.",
            Self::NothingToCompare => "Add other sites to the catalogue.",
        }
    }
}

fn list<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caveats_are_told_in_words() {
        let markets = ["hk", "tw"].map(|id| MarketId::new(id).unwrap()).to_vec();
        assert_eq!(
            Caveat::OneNetwork { markets: markets.clone(), of: 6 }.explanation(),
            "2 of 6 markets have one network only: hk, tw."
        );
        let site = SiteId::new("oregon").unwrap();
        assert_eq!(
            Caveat::SiteMissingIn { site, markets }.explanation(),
            "oregon has no overall score: too little is known in hk, tw."
        );
        let markets = vec![MarketId::new("hk").unwrap()];
        assert_eq!(
            Caveat::CoarseWindows { markets, longest_s: 86_400 }.explanation(),
            "In hk some was measured in windows of up to 24 hours: all of such a window counts for \
             the hour and the day in which it began."
        );
        assert_eq!(
            Caveat::StandIn { service: ServiceId::new("shop").unwrap() }.in_words(),
            "shop has no target of its own: what was measured of the old site before the cutover, \
             and of the new one after it, stands for it. Add a [[target]] with this service: it \
             measures what its users see."
        );
        assert_eq!(
            serde_json::to_string(&Caveat::FewBlocks { blocks: 4 }).unwrap(),
            r#"{"kind":"few_blocks","blocks":4}"#
        );
    }
}

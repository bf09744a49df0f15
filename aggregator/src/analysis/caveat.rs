//! What a reader must know before relying on an answer, and what to do about it.

use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, SiteId};

/// A weakness of an answer that its margins do not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Caveat {
    /// There are too few days for blocks of days.
    HoursOnly,
    /// So few days that margins are wide, and no day of the week has come twice.
    FewBlocks {
        /// The fewest that any ranked site has.
        blocks: usize,
    },
    /// Markets that are seen from one network only.
    OneNetwork {
        /// Which.
        markets: Vec<MarketId>,
        /// Of how many.
        of: usize,
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

    /// What to do about it: one sentence.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::HoursOnly => "Measure at least 3 days, better 14.",
            Self::FewBlocks { .. } => "Measure at least 7 days, better 14.",
            Self::OneNetwork { .. } => "Add a vantage point in another network there.",
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
        assert_eq!(
            serde_json::to_string(&Caveat::FewBlocks { blocks: 4 }).unwrap(),
            r#"{"kind":"few_blocks","blocks":4}"#
        );
    }
}

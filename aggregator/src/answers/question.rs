//! What was asked, with every default filled in: the head of every answer.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::Phase;

use super::moment::Range;
use super::probes::{ProbeChoice, Probed};
use super::scope::Settled;
use crate::analysis::BlockLength;
use crate::catalogue::Score;
use crate::store::Level;

/// What was asked, with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// The time looked at.
    #[serde(flatten)]
    pub range: Range,
    /// The kind of probe, or the id.
    pub probe: ProbeChoice,
    /// The phase.
    pub phase: Phase,
    /// What sites are ordered by.
    pub score: Score,
    /// Of what length the blocks are.
    pub blocks: BlockLength,
}

/// What is no length of blocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("blocks are day or hour")]
pub struct NoBlockLength;

impl FromStr for BlockLength {
    type Err = NoBlockLength;

    fn from_str(text: &str) -> Result<Self, NoBlockLength> {
        match text {
            "day" => Ok(Self::Day),
            "hour" => Ok(Self::Hour),
            _ => Err(NoBlockLength),
        }
    }
}

impl fmt::Display for BlockLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Day => "day",
            Self::Hour => "hour",
        })
    }
}

impl Question {
    pub(super) fn new(settled: &Settled, probed: &Probed, level: Level) -> Self {
        Self {
            range: settled.range,
            probe: probed.choice.clone(),
            phase: probed.phase,
            score: settled.score,
            blocks: match level {
                Level::Hour => BlockLength::Hour,
                Level::Day => BlockLength::Day,
            },
        }
    }
}

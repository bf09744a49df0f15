//! One market's view of one site, block by block.

use std::collections::{BTreeMap, BTreeSet};

use vantage_wire::histogram::CountOverflow;

use super::sample::Sample;

/// A stretch of time that is taken to be independent of the others: usually a local day of the
/// market, as the number of its civil date counted from 1970-01-01; where there are too few days,
/// an hour, counted from the Unix epoch. One analysis has blocks of one length only.
///
/// Markets have the same number for the same date, so that what happens to a site on one day in
/// all markets is taken for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(pub i64);

/// How long the blocks of an analysis are.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum BlockLength {
    /// Local days of the market.
    Day,
    /// Hours, where there are too few days. Successive hours resemble each other, and none knows of
    /// tomorrow: margins hold for this stretch of time only.
    Hour,
}

impl BlockLength {
    /// Fewest days that a margin can be taken from.
    pub const FEWEST_DAYS: usize = 3;

    /// Days where there are enough of them, hours otherwise.
    pub const fn of(days: usize) -> Self {
        if days < Self::FEWEST_DAYS { Self::Hour } else { Self::Day }
    }
}

/// What one market sees of one site: a sample for every block that has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    blocks: BTreeMap<Block, Sample>,
    total: Sample,
}

impl View {
    /// Of these blocks.
    ///
    /// # Errors
    ///
    /// [`CountOverflow`] where they have more than 2⁶³ attempts together.
    pub fn new(blocks: BTreeMap<Block, Sample>) -> Result<Self, CountOverflow> {
        let total = Sample::sum(blocks.values())?;
        Ok(Self { blocks, total })
    }

    /// The samples, in the order of time.
    pub const fn blocks(&self) -> &BTreeMap<Block, Sample> {
        &self.blocks
    }

    /// The blocks in which something speaks about the site, in the order of time.
    pub fn measured(&self) -> impl Iterator<Item = (Block, &Sample)> {
        self.blocks
            .iter()
            .filter(|(_, sample)| sample.attempts() > 0)
            .map(|(block, sample)| (*block, sample))
    }

    /// All blocks together.
    pub const fn total(&self) -> &Sample {
        &self.total
    }

    /// All blocks but one together. A block that is not there leaves all.
    pub fn without(&self, block: Block) -> Sample {
        let mut rest = self.total.clone();
        if let Some(sample) = self.blocks.get(&block) {
            let contained = rest.subtract(sample);
            debug_assert!(contained.is_ok(), "the total is the sum of the blocks");
        }
        rest
    }

    /// Only the blocks that are among these.
    #[must_use]
    pub fn restricted_to(&self, blocks: &BTreeSet<Block>) -> Self {
        let mut kept = Self { blocks: BTreeMap::new(), total: self.total.clone() };
        for (block, sample) in &self.blocks {
            if blocks.contains(block) {
                kept.blocks.insert(*block, sample.clone());
            } else {
                let contained = kept.total.subtract(sample);
                debug_assert!(contained.is_ok(), "the total is the sum of the blocks");
            }
        }
        kept
    }

    /// The blocks that both have.
    pub fn common_blocks(&self, other: &Self) -> BTreeSet<Block> {
        self.blocks.keys().filter(|block| other.blocks.contains_key(block)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

    fn samples() -> impl Strategy<Value = BTreeMap<Block, Sample>> {
        let sample = (prop::collection::vec(1_u64..9_000_000, 0..20), 0_u64..3, 0_u64..90)
            .prop_map(|(latencies, failures, covered_s)| {
                let mut sample = Sample::default();
                let latencies = latencies.into_iter().map(Micros::new);
                sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
                (sample.covered_s, sample.expected_s) = (covered_s, 90);
                let timeout = Micros::from_secs(10);
                sample.add_failures(Phase::Tls, FailureCode::TlsReset, failures, timeout).unwrap();
                sample
            });
        prop::collection::btree_map((-3_i64..9).prop_map(Block), sample, 0..6)
    }

    proptest! {
        #[test]
        fn leaving_blocks_out_is_as_if_they_had_never_been(
            blocks in samples(),
            left_out in prop::collection::btree_set((-3_i64..9).prop_map(Block), 0..4),
        ) {
            let view = View::new(blocks.clone()).unwrap();
            let mut rest = blocks;
            if let Some(first) = left_out.first() {
                rest.remove(first);
                let expected = View::new(rest.clone()).unwrap();
                prop_assert_eq!(&view.without(*first), expected.total());
            }
            rest.retain(|block, _| !left_out.contains(block));
            let kept = rest.keys().copied().collect();
            prop_assert_eq!(view.restricted_to(&kept), View::new(rest).unwrap());
        }

        #[test]
        fn the_order_in_which_samples_are_merged_leaves_no_trace(blocks in samples()) {
            let mut merged = Sample::default();
            for sample in blocks.values().rev() {
                merged.merge(sample).unwrap();
            }
            let view = View::new(blocks).unwrap();
            prop_assert_eq!(&merged, view.total());
        }
    }

    #[test]
    fn common_blocks_are_those_of_both() {
        let view = |blocks: &[i64]| {
            let blocks = blocks.iter().map(|block| (Block(*block), Sample::default()));
            View::new(blocks.collect()).unwrap()
        };
        let common = view(&[1, 2, 4]).common_blocks(&view(&[2, 3, 4]));
        assert_eq!(common, BTreeSet::from([Block(2), Block(4)]));
    }
}

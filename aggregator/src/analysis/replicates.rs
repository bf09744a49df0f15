//! The delete-one-block jackknife.

use std::collections::{BTreeMap, BTreeSet};

use super::estimate::Estimate;
use super::quantile::QuantileWithout;
use super::sample::Sample;
use super::score::{Spent, failure_rate, score_us};
use super::view::{Block, View};
use crate::catalogue::Score;

/// A statistic of all blocks, and of all blocks but one, for each block.
///
/// A block in which nothing speaks about the site is none: leaving it out would leave everything,
/// and it must not pass for a day on which the site behaved as always.
///
/// Functions of several statistics are taken replicate by replicate (see [`combine`](Self::combine)
/// and [`sum`](Self::sum)), so whatever they have in common on a day cancels out as it should.
#[derive(Clone, Debug, PartialEq)]
pub struct Replicates {
    /// Of all blocks.
    pub all: f64,
    /// Of all but this one.
    pub without: BTreeMap<Block, f64>,
}

impl Replicates {
    /// A statistic of a view; `None` where it has no value, with all blocks or without one.
    ///
    /// Builds what remains without each block. Scores and failure rates have faster ways:
    /// [`of_score`](Self::of_score), [`of_failure_rate`](Self::of_failure_rate).
    pub fn of(view: &View, statistic: impl Fn(&Sample) -> Option<f64>) -> Option<Self> {
        let all = statistic(view.total())?;
        let without = view
            .measured()
            .map(|(block, _)| Some((block, statistic(&view.without(block))?)))
            .collect::<Option<_>>()?;
        Some(Self { all, without })
    }

    /// The [score](score_us) in microseconds.
    pub fn of_score(view: &View, score: Score) -> Option<Self> {
        Self::of_score_in(view.total(), view.measured(), score)
    }

    /// The [score](score_us) in microseconds of only the blocks that are among these.
    pub fn of_score_within(view: &View, blocks: &BTreeSet<Block>, score: Score) -> Option<Self> {
        let mut total = view.total().clone();
        for (_, sample) in view.blocks().iter().filter(|(block, _)| !blocks.contains(block)) {
            let contained = total.subtract(sample);
            debug_assert!(contained.is_ok(), "the total is the sum of the blocks");
        }
        let kept = view.measured().filter(|(block, _)| blocks.contains(block));
        Self::of_score_in(&total, kept, score)
    }

    fn of_score_in<'v>(
        total: &Sample,
        blocks: impl Iterator<Item = (Block, &'v Sample)>,
        score: Score,
    ) -> Option<Self> {
        let all = score_us(total, score)?;
        let without = match score {
            Score::Quantile(quantile) => {
                let quantile = QuantileWithout::new(total, quantile);
                blocks
                    .map(|(block, sample)| Some((block, quantile.without_us(sample)?)))
                    .collect::<Option<_>>()?
            }
            Score::Mean => {
                let spent = Spent::of(total);
                blocks
                    .map(|(block, part)| {
                        Some((block, spent.without(Spent::of(part)).per_success_us()?))
                    })
                    .collect::<Option<_>>()?
            }
        };
        Some(Self { all, without })
    }

    /// The [failure rate](failure_rate), from 0 to 1.
    pub fn of_failure_rate(view: &View) -> Option<Self> {
        let total = view.total();
        let without = view
            .measured()
            .map(|(block, part)| {
                let attempts = total.attempts() - part.attempts();
                let failed = total.failed() - part.failed();
                (attempts > 0).then(|| (block, failed as f64 / attempts as f64))
            })
            .collect::<Option<_>>()?;
        Some(Self { all: failure_rate(total)?, without })
    }

    /// A function of two statistics. Where a block is in one of them only, the other is unchanged
    /// by its absence.
    #[must_use]
    pub fn combine(&self, other: &Self, function: impl Fn(f64, f64) -> f64) -> Self {
        let only_theirs = other.without.keys().filter(|block| !self.without.contains_key(block));
        let without = self
            .without
            .keys()
            .chain(only_theirs)
            .map(|block| {
                let ours = self.without.get(block).copied().unwrap_or(self.all);
                let theirs = other.without.get(block).copied().unwrap_or(other.all);
                (*block, function(ours, theirs))
            })
            .collect();
        Self { all: function(self.all, other.all), without }
    }

    /// `Σ weight · statistic`, such as a score over markets. Zero where there is nothing to add.
    pub fn sum<'a>(parts: impl IntoIterator<Item = (f64, &'a Self)>) -> Self {
        let zero = Self { all: 0.0, without: BTreeMap::new() };
        parts
            .into_iter()
            .fold(zero, |sum, (weight, part)| sum.combine(part, |sum, part| sum + weight * part))
    }

    /// The value with its standard error; `None` with fewer than two blocks, or where a value is
    /// not finite.
    ///
    /// `(B−1)/B · Σ (θ₍₋ᵦ₎ − mean)²` over the B blocks, with B − 1 degrees of freedom. (Quenouille
    /// 1956, Tukey 1958; delete-a-group: Shao & Tu, *The Jackknife and Bootstrap*, 1995, §2.3.) The
    /// skewness is that of the pseudo-values, as of a sample, over √B.
    pub fn estimate(&self) -> Option<Estimate> {
        let blocks = self.without.len();
        let finite = self.all.is_finite() && self.without.values().all(|value| value.is_finite());
        if blocks < 2 || !finite {
            return None;
        }
        let count = blocks as f64;
        let mean = self.without.values().sum::<f64>() / count;
        // A block that pulls the statistic up pulls it down by its absence.
        let moment =
            |power| self.without.values().map(|value| (mean - value).powi(power)).sum::<f64>();
        let squares = moment(2);
        Some(Estimate {
            value: self.all,
            standard_error: (squares * (count - 1.0) / count).sqrt(),
            degrees_of_freedom: count - 1.0,
            skewness: if blocks < 3 || squares == 0.0 {
                0.0
            } else {
                // Fisher and Pearson's G₁ of the blocks, √(B(B−1)) / (B−2) · g₁, over √B.
                let skewness = (moment(3) / count) / (squares / count).powf(1.5);
                skewness * (count - 1.0).sqrt() / (count - 2.0)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

    fn day(latencies: &[u64], failed: u64, excused: u64) -> Sample {
        let mut sample = Sample::default();
        let latencies = latencies.iter().copied().map(Micros::new);
        sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
        let timeout = Micros::from_secs(10);
        for (code, count) in
            [(FailureCode::TcpTimeout, failed), (FailureCode::AgentMissedSlot, excused)]
        {
            sample.add_failures(Phase::Connect, code, count, timeout).unwrap();
        }
        sample
    }

    fn view(days: impl IntoIterator<Item = Sample>) -> View {
        View::new((0..).map(Block).zip(days).collect()).unwrap()
    }

    fn replicates(all: f64, without: impl IntoIterator<Item = (i64, f64)>) -> Replicates {
        let without = without.into_iter().map(|(block, value)| (Block(block), value)).collect();
        Replicates { all, without }
    }

    #[test]
    fn the_margin_of_a_mean_is_the_textbook_one() {
        // Of the numbers 1, 2, 3, 4: mean 2.5, standard error √(1.6667 / 4).
        let values = [1.0, 2.0, 3.0, 4.0];
        let without = (0..).zip(values.map(|value| (10.0 - value) / 3.0));
        let estimate = replicates(2.5, without).estimate().unwrap();
        assert!((estimate.standard_error - (5.0_f64 / 12.0).sqrt()).abs() < 1e-12);
        assert!((estimate.degrees_of_freedom - 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_block_has_no_margin() {
        assert_eq!(replicates(1.0, [(0, 1.0)]).estimate(), None);
        assert_eq!(replicates(1.0, []).estimate(), None);
    }

    #[test]
    fn what_is_not_finite_has_no_margin() {
        let infinite = replicates(2.0, [(0, f64::INFINITY), (1, 1.0)]);
        assert_eq!(infinite.estimate(), None);
        let single_success = view([day(&[5], 1, 0), day(&[], 2, 0)]);
        let mean = Replicates::of_score(&single_success, Score::Mean).unwrap();
        assert_eq!(mean.estimate(), None);
    }

    #[test]
    fn a_day_on_which_only_the_agent_failed_is_no_block() {
        let days = || [day(&[5, 6], 1, 0), day(&[7, 8], 0, 3)];
        let with = view(days().into_iter().chain([day(&[], 0, 9)]));
        let score = Score::Quantile(0.5);
        assert_eq!(Replicates::of_score(&with, score), Replicates::of_score(&view(days()), score));
    }

    #[test]
    fn what_two_statistics_share_on_a_day_cancels_out() {
        let ours = replicates(10.0, [(0, 12.0), (1, 8.0)]);
        let theirs = replicates(5.0, [(0, 7.0), (1, 3.0)]);
        let difference = ours.combine(&theirs, |ours, theirs| ours - theirs).estimate().unwrap();
        assert_eq!((difference.value, difference.standard_error), (5.0, 0.0));
    }

    #[test]
    fn a_block_that_only_one_has_leaves_the_other_as_it_is() {
        let sum = Replicates::sum([
            (2.0, &replicates(10.0, [(0, 12.0)])),
            (1.0, &replicates(5.0, [(0, 4.0), (1, 6.0)])),
        ]);
        assert_eq!(sum, replicates(25.0, [(0, 28.0), (1, 26.0)]));
        assert_eq!(Replicates::sum([]), replicates(0.0, []));
    }

    fn days() -> impl Strategy<Value = Vec<Sample>> {
        let day = (prop::collection::vec(1_u64..3_000_000, 0..40), 0_u64..4, 0_u64..3)
            .prop_map(|(latencies, failed, excused)| day(&latencies, failed, excused));
        prop::collection::vec(day, 0..6)
    }

    fn are_close(ours: Option<&Replicates>, theirs: Option<&Replicates>) -> bool {
        let close = |a: f64, b: f64| {
            a.total_cmp(&b).is_eq() || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
        };
        match (ours, theirs) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => {
                close(ours.all, theirs.all)
                    && ours.without.keys().eq(theirs.without.keys())
                    && ours
                        .without
                        .values()
                        .zip(theirs.without.values())
                        .all(|(a, b)| close(*a, *b))
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_fast_ways_give_what_building_the_remainders_gives(
            days in days(),
            quantile in 0.01_f64..0.999,
        ) {
            let view = view(days);
            for score in [Score::Quantile(quantile), Score::Mean] {
                let fast = Replicates::of_score(&view, score);
                let built = Replicates::of(&view, |sample| score_us(sample, score));
                prop_assert!(are_close(fast.as_ref(), built.as_ref()), "{fast:?} {built:?}");
            }
            let fast = Replicates::of_failure_rate(&view);
            let built = Replicates::of(&view, failure_rate);
            prop_assert!(are_close(fast.as_ref(), built.as_ref()), "{fast:?} {built:?}");
        }

        #[test]
        fn some_blocks_of_a_view_are_as_a_view_of_these_blocks(
            days in days(),
            kept in prop::collection::btree_set((0_i64..6).prop_map(Block), 0..6),
        ) {
            let view = view(days);
            let score = Score::Quantile(0.9);
            let within = Replicates::of_score_within(&view, &kept, score);
            prop_assert_eq!(within, Replicates::of_score(&view.restricted_to(&kept), score));
        }
    }
}

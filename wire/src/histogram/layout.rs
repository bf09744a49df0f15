//! Which bucket a latency falls into, and which latencies a bucket stands for.
//!
//! HdrHistogram covers its range by groups of 2048 equally wide buckets. Group 0 has buckets of
//! 1 µs and covers 0 to 2047 µs; in each further group the buckets are twice as wide. The lower
//! half of such a group would repeat the group before it, so only its upper 1024 buckets exist.
//! Hence bucket `1024·g + s` of group `g` holds the latencies `s·2^g … (s + 1)·2^g − 1` µs, with
//! `s` in 0..2048 for group 0 and in 1024..2048 for the others.

use crate::units::Micros;

/// The shortest latency told apart from zero.
pub const LOWEST: Micros = Micros::new(1);

/// The longest latency recorded; longer ones are recorded as this.
pub const HIGHEST: Micros = Micros::from_secs(60);

/// Decimal digits to which latencies are kept.
pub const SIGNIFICANT_DIGITS: u32 = 3;

/// 2048 is the power of two above 2·10³: 3 digits must tell 1999 from 2000.
const GROUP_BITS: u32 = 11;
const HALF_GROUP_BITS: u32 = GROUP_BITS - 1;
const GROUP_MASK: u64 = (1 << GROUP_BITS) - 1;

/// Groups until the last one covers [`HIGHEST`].
const GROUPS: u32 = 16;

/// Buckets of the whole layout: those that other HdrHistogram libraries allocate for this range.
pub(super) const BUCKETS: usize = (GROUPS as usize + 1) << HALF_GROUP_BITS;

/// The last group reaches beyond [`HIGHEST`], to 67.1 s. Nothing is recorded there, but other
/// libraries do so, and their histograms are accepted.
const HIGHEST_IN_LAYOUT: u64 = (1 << (GROUP_BITS + GROUPS - 1)) - 1;

const _: () = {
    assert!(BUCKETS == 17_408 && BUCKETS <= u16::MAX as usize);
    assert!(1 << GROUP_BITS >= 2 * 10_u64.pow(SIGNIFICANT_DIGITS));
    assert!(HIGHEST.get() <= HIGHEST_IN_LAYOUT && HIGHEST.get() > HIGHEST_IN_LAYOUT / 2);
};

/// The bucket that holds `latency`; the last one for everything beyond the layout.
pub(super) const fn index_of(latency: Micros) -> u16 {
    let value = if latency.get() < HIGHEST_IN_LAYOUT { latency.get() } else { HIGHEST_IN_LAYOUT };
    let group = u64::BITS - GROUP_BITS - (value | GROUP_MASK).leading_zeros();
    let within = value >> group;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most BUCKETS - 1, because the value was limited to the layout"
    )]
    let index = ((group as u64) << HALF_GROUP_BITS) as u16 + within as u16;
    index
}

/// The group of a bucket, which is also the power of two of its width in microseconds.
const fn group_of(index: u16) -> u32 {
    ((index >> HALF_GROUP_BITS) as u32).saturating_sub(1)
}

/// The shortest latency in a bucket.
pub(super) const fn lowest_in(index: u16) -> Micros {
    let group = group_of(index);
    let within = index as u64 - ((group as u64) << HALF_GROUP_BITS);
    Micros::new(within << group)
}

/// The longest latency in a bucket.
pub(super) const fn highest_in(index: u16) -> Micros {
    Micros::new(lowest_in(index).get() + (1 << group_of(index)) - 1)
}

/// The middle of a bucket, rounded up: what a sample in it counts as in a mean.
pub(super) const fn median_in(index: u16) -> Micros {
    Micros::new(lowest_in(index).get() + ((1 << group_of(index)) >> 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;

    fn indices() -> impl Iterator<Item = u16> {
        0..u16::try_from(BUCKETS).unwrap()
    }

    #[test]
    fn buckets_tile_the_layout_without_gap_or_overlap() {
        let mut next = 0;
        for index in indices() {
            assert_eq!(lowest_in(index).get(), next);
            assert_eq!(index_of(lowest_in(index)), index);
            assert_eq!(index_of(highest_in(index)), index);
            next = highest_in(index).get() + 1;
        }
        assert_eq!(next, HIGHEST_IN_LAYOUT + 1);
    }

    #[test]
    fn latencies_of_a_bucket_differ_by_less_than_a_1024th() {
        for index in indices() {
            let (lowest, highest) = (lowest_in(index).get(), highest_in(index).get());
            assert!((highest - lowest) * 1024 <= lowest, "bucket {index}");
        }
    }

    #[test]
    fn bounds_and_size_are_those_of_the_reference() {
        let reference = Histogram::<u64>::new_with_bounds(LOWEST.get(), HIGHEST.get(), 3).unwrap();
        assert_eq!(reference.distinct_values(), BUCKETS);
        for index in indices() {
            let value = lowest_in(index).get();
            assert_eq!(reference.lowest_equivalent(value), value);
            assert_eq!(reference.highest_equivalent(value), highest_in(index).get());
            assert_eq!(reference.median_equivalent(value), median_in(index).get());
        }
    }

    #[test]
    fn beyond_the_layout_is_the_last_bucket() {
        assert_eq!(usize::from(index_of(Micros::MAX)), BUCKETS - 1);
        assert_eq!(usize::from(index_of(Micros::new(HIGHEST_IN_LAYOUT + 1))), BUCKETS - 1);
    }
}

//! Which sequence numbers of one run of an agent have been received.

use std::fmt;

use vantage_wire::Sequence;

/// Most ranges that are kept apart. An agent sends one report after the other, so its gaps are
/// numbers of reports that were refused for good, or lost with its disk.
const MOST_RANGES: usize = 1_000;

/// A set of sequence numbers, kept as ranges: numbers come without gaps as a rule, so that a run of
/// years takes a few bytes.
///
/// At most 1000 gaps are kept, so that no agent can make it grow without bound: beyond, the numbers
/// that are missing in the lowest gap are taken to be in the set. An agent that sends its reports
/// in order never misses one for it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SequenceSet {
    /// First and last number of each range, ascending, with at least one number missing between
    /// two ranges.
    ranges: Vec<(u64, u64)>,
}

impl SequenceSet {
    /// The empty set.
    pub const fn new() -> Self {
        Self { ranges: Vec::new() }
    }

    /// Whether `sequence` is in the set.
    pub fn contains(&self, sequence: Sequence) -> bool {
        let number = sequence.get();
        let after = self.ranges.partition_point(|&(first, _)| first <= number);
        after > 0 && number <= self.ranges[after - 1].1
    }

    /// Adds `sequence` and answers whether it was new.
    pub fn insert(&mut self, sequence: Sequence) -> bool {
        let number = sequence.get();
        let after = self.ranges.partition_point(|&(first, _)| first <= number);
        if after > 0 && number <= self.ranges[after - 1].1 {
            return false;
        }
        // `number` lies before the range `after`, so it can be followed; and behind the range
        // before that, so it can be preceded.
        let joins_next = self.ranges.get(after).is_some_and(|&(first, _)| first == number + 1);
        let joins_previous = after > 0 && self.ranges[after - 1].1 == number - 1;
        match (joins_previous, joins_next) {
            (true, true) => {
                self.ranges[after - 1].1 = self.ranges[after].1;
                self.ranges.remove(after);
            }
            (true, false) => self.ranges[after - 1].1 = number,
            (false, true) => self.ranges[after].0 = number,
            (false, false) => self.ranges.insert(after, (number, number)),
        }
        if self.ranges.len() > MOST_RANGES {
            let (first, _) = self.ranges.remove(0);
            self.ranges[0].0 = first;
        }
        true
    }

    /// How many numbers it holds, those in gaps that were closed included.
    pub fn len(&self) -> u64 {
        // At most 2⁶⁴ − 1 in all, as zero is no sequence number.
        self.ranges.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// First and last number of each gapless range, ascending.
    pub fn ranges(&self) -> &[(u64, u64)] {
        &self.ranges
    }

    /// The set as bytes: for each range how many numbers are missing before it, then how many it
    /// has beyond its first, in base 128 with the low bits first (LEB128). Equal sets give equal
    /// bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(4 * self.ranges.len());
        let mut next = 1;
        for &(first, last) in &self.ranges {
            write_varint(&mut bytes, first - next);
            write_varint(&mut bytes, last - first);
            // Where this wraps, the range was the last.
            next = last.wrapping_add(1);
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` where the bytes are something else.
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut ranges = Vec::new();
        let mut next = Some(1_u64);
        while !bytes.is_empty() {
            let missing = read_varint(&mut bytes)?;
            if missing == 0 && !ranges.is_empty() {
                return None;
            }
            let first = next?.checked_add(missing)?;
            let last = first.checked_add(read_varint(&mut bytes)?)?;
            ranges.push((first, last));
            next = last.checked_add(1);
        }
        Some(Self { ranges })
    }
}

/// Prints the ranges: `{1-17, 19}`.
impl fmt::Debug for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (first, last)) in self.ranges.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{first}")?;
            if first < last {
                write!(f, "-{last}")?;
            }
        }
        f.write_str("}")
    }
}

fn write_varint(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Accepts only the shortest form, so that a set has one encoding.
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return (byte != 0 || shift == 0).then_some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn sequence(number: u64) -> Sequence {
        Sequence::new(number).unwrap()
    }

    /// Numbers close together, at both ends of what there is, so that ranges meet and join.
    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        let number = prop_oneof![1_u64..40, u64::MAX - 20..=u64::MAX, 1_u64..=u64::MAX];
        proptest::collection::vec(number, 0..60)
    }

    #[test]
    fn numbers_without_gaps_take_two_bytes() {
        let mut set = SequenceSet::new();
        for number in 1..=100 {
            assert!(set.insert(sequence(number)));
        }
        assert_eq!(set.encode(), [0, 99]);
        assert_eq!(format!("{set:?}"), "{1-100}");
    }

    #[test]
    fn all_numbers_there_are_fit() {
        let set = SequenceSet { ranges: vec![(1, u64::MAX)] };
        assert_eq!(SequenceSet::decode(&set.encode()), Some(set.clone()));
        assert_eq!(set.len(), u64::MAX);
    }

    #[test]
    fn gaps_without_end_take_bounded_room() {
        let mut set = SequenceSet::new();
        // The largest steps take the most bytes.
        let step = u64::MAX / 5_000;
        for number in (1..5_000).map(|index| index * step) {
            assert!(set.insert(sequence(number)));
            assert!(set.ranges().len() <= MOST_RANGES && set.encode().len() <= 20 * MOST_RANGES);
        }
        assert_eq!(SequenceSet::decode(&set.encode()), Some(set.clone()));
        // Of the lowest gaps nothing is known any more; the others are as they were.
        assert!(!set.insert(sequence(step + 1)));
        assert!(set.insert(sequence(4_000 * step + 1)));
    }

    #[test]
    fn what_was_refused_never_keeps_out_what_is_sent_in_order() {
        let mut set = SequenceSet::new();
        for number in 1..100_000 {
            let refused = number % 3 == 0;
            assert!(refused || set.insert(sequence(number)), "{number}");
            // Its answer was lost.
            assert!(refused || !set.insert(sequence(number)), "{number}");
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_set_of_numbers(numbers in numbers()) {
            let mut set = SequenceSet::new();
            let mut model = BTreeSet::new();
            for number in numbers {
                prop_assert_eq!(set.insert(sequence(number)), model.insert(number));
            }
            prop_assert_eq!(set.len(), model.len() as u64);
            prop_assert_eq!(set.is_empty(), model.is_empty());
            for number in (1..45).chain(u64::MAX - 25..=u64::MAX) {
                prop_assert_eq!(set.contains(sequence(number)), model.contains(&number));
            }
            let joined = set.ranges().windows(2).all(|pair| pair[0].1 + 1 < pair[1].0);
            prop_assert!(joined);
            prop_assert_eq!(SequenceSet::decode(&set.encode()), Some(set));
        }

        #[test]
        fn order_leaves_no_trace(numbers in numbers(), seed: u64) {
            let build = |numbers: &[u64]| {
                let mut set = SequenceSet::new();
                for &number in numbers {
                    set.insert(sequence(number));
                }
                set.encode()
            };
            let mut shuffled = numbers.clone();
            let mut key = seed;
            shuffled.sort_by_cached_key(|number| {
                key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(*number | 1);
                key
            });
            prop_assert_eq!(build(&numbers), build(&shuffled));
        }

        #[test]
        fn any_bytes_decode_to_their_own_encoding_or_not_at_all(bytes: Vec<u8>) {
            if let Some(set) = SequenceSet::decode(&bytes) {
                prop_assert_eq!(set.encode(), bytes);
            }
        }
    }
}

//! What was found, held against what people have marked.

use std::ops::AddAssign;

/// How many were marked, found, and both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// Marked by people.
    pub marked: usize,
    /// Found.
    pub found: usize,
    /// Pairs of one marked and one found.
    pub pairs: usize,
}

impl Matching {
    /// Pairs up one to one what lies at most `tolerance` apart: as many pairs as possible. Both
    /// lists are sorted.
    ///
    /// Taking the first two that fit is best for points on a line with one tolerance for all.
    pub fn of(marked: &[usize], found: &[usize], tolerance: usize) -> Self {
        let (mut mark, mut find, mut pairs) = (0, 0, 0);
        while mark < marked.len() && find < found.len() {
            if marked[mark].abs_diff(found[find]) <= tolerance {
                pairs += 1;
                mark += 1;
                find += 1;
            } else if marked[mark] < found[find] {
                mark += 1;
            } else {
                find += 1;
            }
        }
        Self { marked: marked.len(), found: found.len(), pairs }
    }

    /// The share of what was found that was marked; 1 where nothing was found.
    pub fn precision(&self) -> f64 {
        share(self.pairs, self.found)
    }

    /// The share of what was marked that was found; 1 where nothing was marked.
    pub fn recall(&self) -> f64 {
        share(self.pairs, self.marked)
    }

    /// The harmonic mean of the two.
    pub fn f1(&self) -> f64 {
        share(2 * self.pairs, self.marked + self.found)
    }
}

impl AddAssign for Matching {
    fn add_assign(&mut self, other: Self) {
        self.marked += other.marked;
        self.found += other.found;
        self.pairs += other.pairs;
    }
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 1.0 } else { part as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_paired_once_and_as_many_as_possible() {
        assert_eq!(Matching::of(&[10, 12], &[11], 2).pairs, 1);
        assert_eq!(Matching::of(&[10, 13], &[11, 15], 2).pairs, 2);
        assert_eq!(Matching::of(&[10, 12], &[8, 10], 2).pairs, 2);
        assert_eq!(Matching::of(&[10], &[13], 2).pairs, 0);
    }

    #[test]
    fn precision_recall_and_f1_are_those_of_the_textbook() {
        let matching = Matching { marked: 10, found: 5, pairs: 4 };
        assert!((matching.precision() - 0.8).abs() < 1e-12);
        assert!((matching.recall() - 0.4).abs() < 1e-12);
        assert!((matching.f1() - 8.0 / 15.0).abs() < 1e-12);
    }
}

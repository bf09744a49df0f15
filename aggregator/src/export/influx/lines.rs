//! Lines that are sent together.

use std::ops::Range;

use super::line::Point;

/// How much is sent at once, at most; a point that is longer goes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Points.
    pub points: usize,
    /// Bytes, before compression.
    pub bytes: usize,
}

/// Lines, each of one point, that can be parted between any two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
}

impl Lines {
    /// Adds the line of a point, where it has one.
    pub fn push(&mut self, point: &Point<'_>) {
        if point.write(&mut self.bytes) {
            self.ends.push(self.bytes.len());
        }
    }

    /// Adds lines after these.
    pub fn append(&mut self, others: &Self) {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(&others.bytes);
        self.ends.extend(others.ends.iter().map(|end| before + end));
    }

    /// How many lines there are.
    pub const fn count(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All of them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Some of them, by number.
    pub fn part(&self, lines: Range<usize>) -> &[u8] {
        let begin = |line: usize| line.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[begin(lines.start)..begin(lines.end)]
    }

    /// Whether no more may be added.
    pub const fn is_full(&self, bounds: Bounds) -> bool {
        self.ends.len() >= bounds.points || self.bytes.len() >= bounds.bytes
    }

    /// Takes all lines away, and keeps the room for others.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::line::Value;
    use super::*;

    fn lines(times: Range<i64>) -> Lines {
        let mut lines = Lines::default();
        for time_s in times {
            let fields = vec![("x", Value::Integer(time_s))];
            lines.push(&Point { measurement: "m", tags: vec![], fields, time_s });
        }
        lines
    }

    #[test]
    fn lines_are_parted_between_any_two() {
        let lines = lines(1..4);
        assert_eq!(lines.part(0..3), b"m x=1i 1\nm x=2i 2\nm x=3i 3\n");
        assert_eq!(lines.part(1..2), b"m x=2i 2\n");
        assert_eq!(lines.part(1..1), b"");
        assert_eq!(lines.part(0..3), lines.as_bytes());
    }

    #[test]
    fn what_is_appended_is_as_if_it_had_been_added() {
        let mut some = lines(1..3);
        some.append(&lines(3..5));
        assert_eq!(some, lines(1..5));
    }

    #[test]
    fn bounds_are_of_points_and_of_bytes() {
        let lines = lines(1..3);
        assert!(!lines.is_full(Bounds { points: 3, bytes: 1_000 }));
        assert!(lines.is_full(Bounds { points: 2, bytes: 1_000 }));
        assert!(lines.is_full(Bounds { points: 3, bytes: 18 }));
    }
}

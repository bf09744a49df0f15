//! Which known word a mistyped one was probably meant to be.

/// Longer words are not compared: the work grows with the product of the lengths.
const MOST_CHARS: usize = 64;

/// The known word that `word` is nearest to, where it is near enough to be a slip of the hand: one
/// edit in three characters.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let chars: Vec<char> = word.chars().take(MOST_CHARS + 1).collect();
    if chars.len() > MOST_CHARS {
        return None;
    }
    let most = chars.len() / 3;
    known
        .into_iter()
        .filter(|other| other.len().abs_diff(word.len()) <= most * 4)
        .map(|other| (distance(&chars, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}

/// The number of insertions, deletions, replacements and swaps of neighbours that lead from one
/// word to the other (optimal string alignment), letter case not counted.
fn distance(left: &[char], right: &str) -> usize {
    let same = |a: char, b: char| a.eq_ignore_ascii_case(&b);
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &a) in left.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &b) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(!same(a, b));
            let mut least = replaced.min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && same(a, right[column - 1]) && same(left[row - 1], b) {
                least = least.min(before_last[column - 1] + 1);
            }
            line.push(least);
        }
        before_last = std::mem::replace(&mut last, line);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        let known = ["interval", "timeout", "family", "kind"];
        for (word, meant) in [
            ("intervall", Some("interval")),
            ("Interval", Some("interval")),
            ("knid", Some("kind")),
            ("tiemout", Some("timeout")),
            ("famly", Some("family")),
            ("colour", None),
            ("in", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest(&"k".repeat(1 << 20), known), None);
    }
}

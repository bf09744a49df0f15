//! Foreign words in messages: bounded, and harmless to a terminal.

/// How much of a foreign word is repeated.
const MOST_CHARS: usize = 80;
/// How many words a list names.
const MOST_WORDS: usize = 40;

/// A word in quotes, control characters escaped; a long one is cut.
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARS) {
        Some((at, _)) => format!("{:?}…", &text[..at]),
        None => format!("{text:?}"),
    }
}

/// Words with commas between them; of many, the first.
pub fn list<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let mut words = words.into_iter();
    let named: Vec<_> = words.by_ref().take(MOST_WORDS).collect();
    let left = words.count();
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    format!("{}{more}", named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_and_long_lists_are_cut() {
        assert_eq!(quoted("a\u{1b}b"), r#""a\u{1b}b""#);
        assert_eq!(quoted(&"é".repeat(1_000)).chars().count(), 83);
        assert_eq!(list(["a", "b"]), "a, b");
        assert!(list(["w"; 50]).ends_with(", w and 10 more"));
    }
}

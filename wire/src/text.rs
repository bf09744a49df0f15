//! Short text for people that came from outside: an error message, a version.
//!
//! It ends up on terminals, in logs and on web pages, so nothing in it may move a cursor, start a
//! line or turn the direction of writing. Escaping for HTML and the like stays with whoever prints.

use std::fmt;

/// Scrubbed text of at most `MAX_BYTES` bytes of UTF-8, on one line.
///
/// Any text can be made into it: see [`Text::new`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<const MAX_BYTES: usize>(Box<str>);

impl<const MAX_BYTES: usize> Text<MAX_BYTES> {
    /// Scrubs `text`: white space, control characters and invisible formatting characters become
    /// single spaces, none at either end; what is longer than `MAX_BYTES` is cut off at the end of
    /// a character. Scrubbing scrubbed text changes nothing.
    pub fn new(text: &str) -> Self {
        let mut scrubbed = String::with_capacity(text.len().min(MAX_BYTES));
        for word in text.split(is_blank).filter(|word| !word.is_empty()) {
            let gap = usize::from(!scrubbed.is_empty());
            let room = MAX_BYTES.saturating_sub(scrubbed.len() + gap);
            let kept = &word[..word.floor_char_boundary(room)];
            if kept.is_empty() {
                break;
            }
            if gap == 1 {
                scrubbed.push(' ');
            }
            scrubbed.push_str(kept);
            if kept.len() < word.len() {
                break;
            }
        }
        Self(scrubbed.into_boxed_str())
    }

    /// The text, possibly empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// White space, control characters (Unicode `Cc`), and the characters that are invisible or turn
/// the direction of writing (of `Cf`, and the line and paragraph separators).
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

impl<const MAX_BYTES: usize> Default for Text<MAX_BYTES> {
    fn default() -> Self {
        Self::new("")
    }
}

impl<const MAX_BYTES: usize> From<&str> for Text<MAX_BYTES> {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl<const MAX_BYTES: usize> AsRef<str> for Text<MAX_BYTES> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MAX_BYTES: usize> fmt::Display for Text<MAX_BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<const MAX_BYTES: usize> fmt::Debug for Text<MAX_BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_plain_text() {
        assert_eq!(Text::<120>::new("certificate expired: São Paulo").as_str().len(), 31);
        assert_eq!(
            Text::<120>::new("errno 111 (ECONNREFUSED)").as_str(),
            "errno 111 (ECONNREFUSED)"
        );
    }

    #[test]
    fn takes_out_what_moves_cursors_or_turns_writing() {
        let hostile = " \u{1b}[31mred\r\n\u{202e}gnp.exe\0\u{feff}\t ";
        assert_eq!(Text::<120>::new(hostile).as_str(), "[31mred gnp.exe");
    }

    #[test]
    fn cuts_at_the_end_of_a_character() {
        assert_eq!(Text::<4>::new("aéé").as_str(), "aé");
        assert_eq!(Text::<4>::new("abc d").as_str(), "abc");
        assert_eq!(Text::<2>::new("日本").as_str(), "");
    }

    proptest! {
        #[test]
        fn is_short_clean_and_stable(text in any::<String>()) {
            let scrubbed = Text::<10>::new(&text);
            prop_assert!(scrubbed.as_str().len() <= 10);
            prop_assert!(!scrubbed.as_str().chars().any(|c| c != ' ' && is_blank(c)));
            prop_assert_eq!(Text::<10>::new(scrubbed.as_str()), scrubbed);
        }
    }
}

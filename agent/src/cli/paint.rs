//! Colour, where there is a terminal that shows it.

use std::fmt::Display;

/// A colour of the sixteen that every terminal's theme defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Names, headings.
    Bold,
    /// What is beside the point.
    Dim,
    /// Failures.
    Red,
    /// Success; phase `request`.
    Green,
    /// Warnings; phase `connect`.
    Yellow,
    /// Phase `transfer`.
    Blue,
    /// Phase `tls`.
    Magenta,
    /// Phase `dns`.
    Cyan,
}

impl Colour {
    const fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Blue => "34",
            Self::Magenta => "35",
            Self::Cyan => "36",
        }
    }
}

/// Whether colour is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(pub bool);

impl Paint {
    /// No escape codes at all.
    #[cfg(test)]
    pub const PLAIN: Self = Self(false);

    /// The text in a colour.
    pub fn paint(self, colour: Colour, text: impl Display) -> String {
        if self.0 { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_string() }
    }
}

/// Cells that a text takes on a terminal. All we print takes one cell per character.
pub fn width(text: &str) -> usize {
    let mut cells = 0;
    let mut in_escape = false;
    for c in text.chars() {
        match c {
            '\x1b' => in_escape = true,
            'm' if in_escape => in_escape = false,
            _ if in_escape => {}
            _ => cells += 1,
        }
    }
    cells
}

/// Cuts a text to at most so many cells, an ellipsis at its end; escape codes are kept whole.
pub fn cut(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let (mut kept, mut used, mut in_escape, mut coloured) = (String::new(), 0, false, false);
    for c in text.chars() {
        if c == '\x1b' {
            (in_escape, coloured) = (true, true);
        } else if in_escape {
            in_escape = c != 'm';
        } else if used + 1 >= cells {
            break;
        } else {
            used += 1;
        }
        kept.push(c);
    }
    if cells > 0 {
        kept.push('…');
    }
    if coloured {
        kept.push_str("\x1b[0m");
    }
    kept
}

/// What comes from the network, fit for a terminal: no control characters.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_takes_no_cells_and_survives_a_cut() {
        let text = Paint(true).paint(Colour::Red, "refused");
        assert_eq!((text.as_str(), width(&text)), ("\x1b[31mrefused\x1b[0m", 7));
        assert_eq!(cut(&text, 4), "\x1b[31mref…\x1b[0m");
        assert_eq!(cut("refused", 7), "refused");
        assert_eq!(Paint::PLAIN.paint(Colour::Red, "refused"), "refused");
    }

    #[test]
    fn a_target_cannot_write_escape_codes() {
        assert_eq!(printable("a\x1b[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}

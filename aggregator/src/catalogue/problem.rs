//! What is wrong with a catalogue, shown with the line it stands on.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;

/// More are counted, not kept: whoever has hundreds to mend begins with these.
const MOST_PROBLEMS: usize = 200;
/// How much of a long line is shown.
const MOST_CHARS: usize = 120;
/// How much is shown before the place that is wrong, where the line is long.
const CHARS_BEFORE: usize = 40;

/// Where in the text something stands, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    start: usize,
    end: usize,
}

impl From<Range<usize>> for Place {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// What has been found so far, by whoever reads a part of the catalogue.
#[derive(Debug)]
pub struct Findings<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    found: RefCell<Found>,
}

#[derive(Debug, Default)]
struct Found {
    kept: Vec<Finding>,
    more: usize,
}

#[derive(Debug)]
struct Finding {
    at: Place,
    message: String,
    help: String,
}

impl<'t> Findings<'t> {
    /// None so far, about this text.
    pub fn new(text: &'t str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let line_starts = std::iter::once(0).chain(after_breaks).collect();
        Self { text, line_starts, found: RefCell::default() }
    }

    /// The line that a place begins on, counted from 1.
    pub fn line(&self, at: Place) -> usize {
        self.line_starts.partition_point(|start| *start <= at.start).max(1)
    }

    /// Notes that `message` is wrong `at` this place, and in `help`, what would be right. (Empty
    /// where nothing can be said.)
    pub fn add(&self, at: Place, message: impl Into<String>, help: impl Into<String>) {
        let mut found = self.found.borrow_mut();
        if found.kept.len() < MOST_PROBLEMS {
            found.kept.push(Finding { at, message: message.into(), help: help.into() });
        } else {
            found.more += 1;
        }
    }

    /// Whether further ones are only counted: what would be right is then not worth finding out.
    pub fn full(&self) -> bool {
        self.found.borrow().kept.len() >= MOST_PROBLEMS
    }

    /// How many there are by now.
    pub fn count(&self) -> usize {
        let found = self.found.borrow();
        found.kept.len() + found.more
    }

    /// The problems, sorted by line, each with its line; `None` where there are none.
    pub fn into_problems(self, source_name: &str) -> Option<Problems> {
        let Found { mut kept, more } = self.found.take();
        if kept.is_empty() {
            return None;
        }
        kept.sort_by(|a, b| (a.at, &a.message).cmp(&(b.at, &b.message)));
        let list = kept.into_iter().map(|finding| self.locate(finding)).collect();
        Some(Problems { source_name: source_name.to_owned(), list, more })
    }

    /// Finds the line, and the part of it to show.
    fn locate(&self, finding: Finding) -> Problem {
        let Finding { at, message, help } = finding;
        let number = self.line(at);
        let start = self.line_starts[number - 1];
        let line = self.text[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        // A place may lie beyond the line's end, or within a character where the text is not sound.
        let chars_to =
            |at: usize| line.char_indices().take_while(|(byte, _)| start + byte < at).count();
        let (from, to) = (chars_to(at.start), chars_to(at.end));
        let skipped = if to > MOST_CHARS { from.saturating_sub(CHARS_BEFORE) } else { 0 };
        let shown = line.chars().skip(skipped).take(MOST_CHARS).map(printable).collect();
        let marked_to = to.max(from + 1) - skipped;
        let marked = from - skipped..marked_to.min(MOST_CHARS + 1);
        Problem { line: number, column: from + 1, message, help, shown, marked }
    }
}

/// All that is wrong with a catalogue, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    source_name: String,
    list: Vec<Problem>,
    more: usize,
}

/// One thing that is wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, counted from 1; 0 where it is the file as a whole.
    pub line: usize,
    /// The character within the line, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What would be right; may be empty.
    pub help: String,
    shown: String,
    marked: Range<usize>,
}

impl Problems {
    /// A problem of the file as a whole.
    pub(super) fn of_file(source_name: &str, message: String, help: &str) -> Self {
        let (shown, help) = (String::new(), help.to_owned());
        let problem = Problem { line: 0, column: 0, message, help, shown, marked: 0..0 };
        Self { source_name: source_name.to_owned(), list: vec![problem], more: 0 }
    }

    /// The problems, sorted by line; at most 200.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    /// How many there are, beyond those that are listed, too.
    pub fn count(&self) -> usize {
        self.list.len() + self.more
    }
}

/// What a terminal shows in one column and does not obey.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

impl Problem {
    fn write(&self, source_name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        if self.line == 0 {
            writeln!(f, " --> {source_name}")?;
            return if self.help.is_empty() { Ok(()) } else { writeln!(f, "  = {}", self.help) };
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let before = " ".repeat(self.marked.start);
        let caret = "^".repeat(self.marked.len());
        writeln!(f, "{gutter}--> {source_name}:{number}:{}", self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.shown)?;
        writeln!(f, "{gutter} | {before}{caret}")?;
        if self.help.is_empty() { Ok(()) } else { writeln!(f, "{gutter} = {}", self.help) }
    }
}

impl std::error::Error for Problems {}

/// All of them with their lines, an empty line between two, their number last.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.list {
            problem.write(&self.source_name, f)?;
            writeln!(f)?;
        }
        if self.more > 0 {
            writeln!(f, "… and {} more", self.more)?;
        }
        let count = self.count();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "{}: {count} {noun}", self.source_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, place: Range<usize>) -> String {
        let findings = Findings::new(text);
        findings.add(place.into(), "this is wrong", "that is right");
        findings.into_problems("c.toml").unwrap().to_string()
    }

    #[test]
    fn a_problem_is_shown_with_its_line_and_a_caret() {
        let expected = "\
error: this is wrong
 --> c.toml:2:5
  |
2 | b = 10
  |     ^^
  = that is right

c.toml: 1 problem";
        assert_eq!(shown("a = 1\r\nb = 10\r\nc = 2\r\n", 11..13), expected);
    }

    #[test]
    fn long_lines_are_cut_and_control_characters_do_not_reach_the_terminal() {
        let text = format!("{}\u{1b}[2J{}", "é".repeat(500), "x".repeat(500));
        let shown = shown(&text, 1000..1002);
        assert!(shown.contains(" --> c.toml:1:501\n"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert!(shown.lines().all(|line| line.chars().count() < 140), "{shown}");
    }

    #[test]
    fn any_place_can_be_shown() {
        let text = "aé\n\n€b";
        for start in 0..=text.len() + 2 {
            for end in start..=text.len() + 4 {
                assert!(shown(text, start..end).contains('^'));
            }
        }
    }

    #[test]
    fn their_number_is_bounded_but_all_are_counted() {
        let findings = Findings::new("x");
        (0..1_000).for_each(|_| findings.add((0..1).into(), "wrong", ""));
        let problems = findings.into_problems("c.toml").unwrap();
        assert_eq!((problems.iter().count(), problems.count()), (200, 1_000));
        assert!(problems.to_string().ends_with("… and 800 more\nc.toml: 1000 problems"));
    }
}

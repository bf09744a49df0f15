//! The terminal: colour and movement where it is one, plain lines where it is not.

mod failing;
mod live;
mod paint;
mod progress;
mod ranking;

use std::io::{self, IsTerminal as _, Write as _};

pub use failing::{Failing, failing};
pub use live::Live;
pub use paint::Paint;
pub use progress::bar;
pub use ranking::ranking;

/// The width that what is drawn again is laid out for.
const COLUMNS: usize = 80;

/// Where the demo speaks to.
#[derive(Debug)]
pub struct Screen {
    /// Colours, or none.
    pub paint: Paint,
    /// Whether lines can be drawn again.
    moves: bool,
    /// Lines below the fixed ones, which the next drawing replaces.
    drawn: usize,
}

impl Screen {
    /// Standard output. Without colour where `NO_COLOR` is set (no-color.org) or the terminal has none.
    pub fn stdout() -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let width = terminal_size::terminal_size().map_or(0, |(width, _)| usize::from(width.0));
        // A line that is wrapped would be two lines to draw again.
        let moves = io::stdout().is_terminal() && !dumb && width >= COLUMNS;
        let colours = io::stdout().is_terminal() && !dumb && !set("NO_COLOR");
        Self { paint: Paint(colours), moves, drawn: 0 }
    }

    /// Whether lines can be drawn again.
    pub fn moves(&self) -> bool {
        self.moves
    }

    /// Says something for good; what was drawn before it goes.
    ///
    /// # Errors
    /// Where nobody listens any more.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.put(text, false)
    }

    /// Draws something that the next drawing replaces; nothing where lines cannot be drawn again.
    ///
    /// # Errors
    /// Where nobody listens any more.
    pub fn draw(&mut self, text: &str) -> io::Result<()> {
        if self.moves { self.put(text, true) } else { Ok(()) }
    }

    fn put(&mut self, text: &str, again: bool) -> io::Result<()> {
        let mut out = String::new();
        if self.drawn > 0 {
            // Up to the first line drawn, and everything from there on cleared.
            out += &format!("\x1b[{}F\x1b[J", self.drawn);
        }
        let text = text.strip_suffix('\n').unwrap_or(text);
        out += text;
        out.push('\n');
        self.drawn = if again { text.lines().count().max(1) } else { 0 };
        let mut stdout = io::stdout().lock();
        stdout.write_all(out.as_bytes())?;
        stdout.flush()
    }

    /// The heading of a part.
    ///
    /// # Errors
    /// Where nobody listens any more.
    pub fn part(&mut self, title: &str) -> io::Result<()> {
        let rest = COLUMNS.saturating_sub(title.chars().count() + 4);
        let line = format!("── {title} {}", "─".repeat(rest));
        let text = format!("\n{}\n\n", self.paint.bold(&line));
        self.say(&text)
    }

    /// Something that is done.
    ///
    /// # Errors
    /// Where nobody listens any more.
    pub fn done(&mut self, text: &str) -> io::Result<()> {
        let mark = self.paint.good("✓");
        self.say(&format!("  {mark} {text}"))
    }
}

//! Shows attempts as they end: lines for pipes, lines above a live summary for terminals, or JSON.

use std::io::{self, Write};

use tokio::time::Instant;
use vantage_wire::Micros;

use super::line::{Layout, is_worth_a_line, line, outcome};
use super::summary::{Detail, summary};
use super::tally::Tally;
use super::{bar, json};
use crate::cli::paint::{Colour, Paint, cut};
use crate::runner::Outcome;

/// Begins and ends a change of the screen that terminals show at once; others ignore it.
const BEGIN_FRAME: &str = "\x1b[?2026h";
const END_FRAME: &str = "\x1b[?2026l";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";
const CLEAR_BELOW: &str = "\x1b[J";

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A line for each attempt, then summaries.
    Lines,
    /// The same, with summaries that are redrawn in place meanwhile.
    Live,
    /// JSON documents.
    Json,
}

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// Shows attempts and counts them.
#[derive(Debug)]
pub struct Display<W> {
    out: W,
    style: Style,
    quiet: bool,
    paint: Paint,
    start: Instant,
    now_unix_s: i64,
    targets: Vec<String>,
    tallies: Vec<Tally>,
    numbers: Vec<u64>,
    unseen: Vec<String>,
    live_rows: usize,
}

impl<W: Write> Display<W> {
    /// A display of these targets. Times count from `start`; `now_unix_s` is the date.
    pub fn new(
        out: W,
        (style, quiet, paint): (Style, bool, Paint),
        tallies: Vec<Tally>,
        start: Instant,
        now_unix_s: i64,
    ) -> Self {
        let targets = tallies.iter().map(|tally| tally.target.clone()).collect();
        let numbers = vec![0; tallies.len()];
        let (unseen, live_rows) = (Vec::new(), 0);
        Self {
            out,
            style,
            quiet,
            paint,
            start,
            now_unix_s,
            targets,
            tallies,
            numbers,
            unseen,
            live_rows,
        }
    }

    /// Takes in what came of an attempt.
    ///
    /// # Errors
    /// The writer's.
    pub fn take(&mut self, ended: &Outcome, size: Size) -> io::Result<()> {
        let (at, attempt) = (ended.probe, &ended.attempt);
        self.tallies[at].add(attempt);
        self.numbers[at] += 1;
        if self.quiet {
            return Ok(());
        }
        match self.style {
            Style::Json => {
                let at_ms =
                    ended.due.saturating_duration_since(self.start).as_micros() as f64 / 1e3;
                let document = json::attempt(&self.tallies[at], at_ms, attempt)?;
                writeln!(self.out, "{document}")?;
                self.out.flush()
            }
            Style::Lines | Style::Live if !is_worth_a_line(attempt) => Ok(()),
            Style::Lines | Style::Live => {
                let layout = Layout::new(&self.targets, size.columns, self.paint);
                let scale = self
                    .scale()
                    .max(outcome(attempt).unwrap_or(Micros::ZERO).min(self.longest_usual()));
                let text = line(self.numbers[at], &self.targets[at], attempt, scale, layout);
                self.unseen.push(text);
                if self.style == Style::Lines { self.show(size) } else { Ok(()) }
            }
        }
    }

    /// Shows what has been taken in since it was last called.
    ///
    /// # Errors
    /// The writer's.
    pub fn show(&mut self, size: Size) -> io::Result<()> {
        match self.style {
            Style::Json => Ok(()),
            Style::Lines => {
                for line in self.unseen.drain(..) {
                    writeln!(self.out, "{line}")?;
                }
                self.out.flush()
            }
            Style::Live => {
                let block = self.block(size);
                self.frame(&block)
            }
        }
    }

    /// Shows the summaries and gives back the counts.
    ///
    /// # Errors
    /// The writer's.
    pub fn finish(mut self, size: Size) -> io::Result<Vec<Tally>> {
        let mut lines = Vec::new();
        for tally in &self.tallies {
            if self.style == Style::Json {
                lines.push(json::summary(tally)?);
            } else {
                lines.push(String::new());
                lines.extend(summary(
                    tally,
                    Detail::Full,
                    size.columns,
                    self.paint,
                    self.now_unix_s,
                ));
            }
        }
        if self.style == Style::Live {
            self.frame(&lines)?;
            write!(self.out, "{SHOW_CURSOR}")?;
        } else {
            for line in &lines {
                writeln!(self.out, "{line}")?;
            }
        }
        self.out.flush()?;
        Ok(self.tallies)
    }

    /// Replaces the live block: new lines scroll up above it.
    fn frame(&mut self, block: &[String]) -> io::Result<()> {
        let mut text = String::from(BEGIN_FRAME);
        text.push_str(HIDE_CURSOR);
        if self.live_rows > 0 {
            text.push_str(&format!("\x1b[{}A", self.live_rows));
        }
        text.push('\r');
        text.push_str(CLEAR_BELOW);
        for line in self.unseen.drain(..).as_slice().iter().chain(block) {
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(END_FRAME);
        self.live_rows = block.len();
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// What stands below the lines: as much of each target as there are rows for.
    fn block(&self, size: Size) -> Vec<String> {
        let rows = size.rows.saturating_sub(2);
        let of = |detail| -> Vec<String> {
            let mut lines = vec![String::new()];
            for tally in &self.tallies {
                lines.extend(summary(tally, detail, size.columns, self.paint, self.now_unix_s));
            }
            lines.push(self.footer(size.columns));
            lines
        };
        let full = if self.tallies.len() == 1 { of(Detail::Full) } else { of(Detail::Compact) };
        let mut lines = if full.len() <= rows { full } else { of(Detail::Compact) };
        if lines.len() > rows {
            // A heading each, which tells of failures, and what follows while there is room.
            lines.truncate(rows.saturating_sub(1));
            lines.push(self.paint.paint(Colour::Dim, "  … the terminal is too low for the rest"));
        }
        lines
    }

    fn footer(&self, columns: usize) -> String {
        let mut phases: Vec<_> = self
            .tallies
            .iter()
            .flat_map(|tally| {
                tally.completed().filter(|phase| {
                    *phase == tally.outcome_phase() && *phase != vantage_wire::Phase::Total
                        || !matches!(phase, vantage_wire::Phase::Total | vantage_wire::Phase::Rtt)
                })
            })
            .collect();
        phases.sort_unstable();
        phases.dedup();
        let legend = bar::legend(phases, self.paint);
        let text =
            format!("  Ctrl-C ends   full bar {}   {legend}", super::number::short(self.scale()));
        cut(&text, columns)
    }

    /// The time that a whole bar stands for: of a round number, so that it seldom changes.
    fn scale(&self) -> Micros {
        round_up(self.longest_usual())
    }

    /// What nine of ten attempts do not exceed, at the slowest target.
    fn longest_usual(&self) -> Micros {
        let usual = |tally: &Tally| tally.quantile(tally.outcome_phase(), 0.9);
        self.tallies.iter().filter_map(usual).max().unwrap_or(Micros::from_millis(1))
    }
}

/// The next of 1, 1.5, 2, 3, 5 or 7 times a power of ten.
fn round_up(time: Micros) -> Micros {
    let mut power = 1_u64;
    loop {
        for tenths in [10, 15, 20, 30, 50, 70] {
            let candidate = power.saturating_mul(tenths) / 10;
            if candidate >= time.get() {
                return Micros::new(candidate.max(1));
            }
        }
        if power > u64::MAX / 100 {
            return Micros::MAX;
        }
        power *= 10;
    }
}

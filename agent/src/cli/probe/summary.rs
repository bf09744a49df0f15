//! What a target's attempts amount to, as text: during the run and at its end.

use vantage_wire::{Attribution, Micros, Phase};

use super::bar::{colour, step};
use super::distribution;
use super::facts;
use super::number::short;
use super::tally::Tally;
use crate::cli::paint::{Colour, Paint, cut, printable, width};

const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
const INDENT: &str = "  ";
/// Width of the table without its bars.
const TABLE_CELLS: usize = INDENT.len() + 9 + 4 * 10 + 3;
const MOST_BAR_CELLS: usize = 48;
const MOST_DRAWN_CELLS: usize = 72;
const MOST_FAILURES: usize = 8;
const MOST_ADDRESSES: usize = 4;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Counts, percentiles of the outcome, a histogram of one row, failures.
    Compact,
    /// Besides, a table of all phases and what was negotiated.
    Full,
}

/// The lines of a summary, none wider than `columns`. `now_unix_s` is the date.
pub fn summary(
    tally: &Tally,
    detail: Detail,
    columns: usize,
    paint: Paint,
    now_unix_s: i64,
) -> Vec<String> {
    let mut lines = vec![heading(tally, columns, paint)];
    match detail {
        Detail::Compact => {
            lines.extend(percentiles(tally, paint));
            lines.extend(drawing(tally, columns, 1));
        }
        Detail::Full => {
            lines.extend(table(tally, columns, paint));
            lines.extend(drawing(tally, columns, 3));
        }
    }
    lines.extend(failures(tally, paint));
    if detail == Detail::Full {
        lines.extend(learned(tally, columns, paint, now_unix_s));
    }
    lines.iter().map(|line| cut(line, columns)).collect()
}

fn heading(tally: &Tally, columns: usize, paint: Paint) -> String {
    let failed = tally.failed();
    let mut counts = format!(
        "{} sent  {}",
        tally.attempts() + tally.cancelled,
        paint.paint(
            if tally.ok > 0 { Colour::Green } else { Colour::Dim },
            format_args!("{} ok", tally.ok)
        )
    );
    if failed > 0 {
        let percent = failed as f64 / tally.attempts() as f64 * 100.0;
        let text = format!("{failed} failed ({percent:.1} %)");
        counts.push_str(&format!("  {}", paint.paint(Colour::Red, text)));
    }
    if tally.cancelled > 0 {
        counts.push_str(&format!("  {} given up", tally.cancelled));
    }
    let name = cut(&printable(&tally.target), columns.saturating_sub(width(&counts) + 8).max(12));
    let rule = columns.saturating_sub(width(&name) + width(&counts) + 5);
    format!(
        "{} {} {} {counts}",
        paint.paint(Colour::Dim, "──"),
        paint.paint(Colour::Bold, &name),
        paint.paint(Colour::Dim, "─".repeat(rule)),
    )
}

fn percentiles(tally: &Tally, paint: Paint) -> Option<String> {
    let phase = tally.outcome_phase();
    let mut text = format!("{INDENT}{:<9}", phase.name());
    for (quantile, name) in QUANTILES.into_iter().zip(["p50", "p90", "p99"]) {
        let time = short(tally.quantile(phase, quantile)?);
        text.push_str(&format!(" {} {time:<8}", paint.paint(Colour::Dim, name)));
    }
    let longest = short(tally.longest(phase));
    text.push_str(&format!(" {} {longest}", paint.paint(Colour::Dim, "max")));
    Some(text)
}

/// A line for each phase, whose bars begin where the median of the phase before ended.
fn table(tally: &Tally, columns: usize, paint: Paint) -> Vec<String> {
    let median = |phase| tally.quantile(phase, 0.5).unwrap_or(Micros::ZERO);
    let phases: Vec<_> = tally
        .completed()
        // Beside a TCP handshake it is the same time once more.
        .filter(|phase| *phase != Phase::Rtt || tally.outcome_phase() == Phase::Rtt)
        .collect();
    if phases.is_empty() {
        return Vec::new();
    }
    let parts = || phases.iter().copied().filter(|phase| *phase != Phase::Total);
    let sum = parts().fold(Micros::ZERO, |sum, phase| sum.saturating_add(median(phase)));
    let full = sum.max(median(tally.outcome_phase()));
    let cells = columns.saturating_sub(TABLE_CELLS).min(MOST_BAR_CELLS);
    let header = format!("{INDENT}{:<9}{:>10}{:>10}{:>10}{:>10}", "", "p50", "p90", "p99", "max");
    let mut lines = vec![paint.paint(Colour::Dim, header)];
    let mut before = Micros::ZERO;
    for &phase in &phases {
        let mut line =
            format!("{INDENT}{}", paint.paint(colour(phase), format_args!("{:<9}", phase.name())));
        for quantile in QUANTILES {
            let time = tally.quantile(phase, quantile).map(short).unwrap_or_default();
            line.push_str(&format!("{time:>10}"));
        }
        line.push_str(&format!("{:>10}", short(tally.longest(phase))));
        let took = median(phase);
        if cells >= 8 && phase != Phase::Total {
            line.push_str(&format!("   {}", step(phase, before, took, full, cells, paint)));
        }
        before = before.saturating_add(took);
        lines.push(line);
    }
    lines
}

fn drawing(tally: &Tally, columns: usize, rows: usize) -> Vec<String> {
    let cells = columns.saturating_sub(INDENT.len()).min(MOST_DRAWN_CELLS);
    let lines = distribution::draw(tally.histogram(tally.outcome_phase()), cells, rows);
    lines.iter().map(|line| format!("{INDENT}{}", line.trim_end())).collect()
}

fn failures(tally: &Tally, paint: Paint) -> Vec<String> {
    let mut all: Vec<_> = tally.failures.values().collect();
    all.sort_by_key(|failures| std::cmp::Reverse(failures.count));
    let beyond = all.len().saturating_sub(MOST_FAILURES);
    let line = |failures: &super::tally::FailureCount| {
        let failure = &failures.latest;
        let by = match failure.attribution() {
            Attribution::Unknown => "nobody known",
            other => other.name(),
        };
        format!(
            "{INDENT}{} {}  {} in {}, by {by}  {}",
            paint.paint(Colour::Red, '✗'),
            paint.paint(Colour::Bold, format_args!("{:>4} ×", failures.count)),
            paint.paint(Colour::Red, failure.code),
            failure.phase,
            printable(failure.detail.as_str()),
        )
    };
    let mut lines: Vec<_> = all.into_iter().take(MOST_FAILURES).map(line).collect();
    if beyond > 0 {
        lines.push(format!("{INDENT}and {beyond} other ways to fail"));
    }
    lines
}

/// What was negotiated and which addresses were probed, broken into lines between two facts.
fn learned(tally: &Tally, columns: usize, paint: Paint, now_unix_s: i64) -> Vec<String> {
    let mut parts = facts::full(&tally.facts, now_unix_s);
    let addresses = &tally.addresses;
    parts.extend(addresses.keys().take(MOST_ADDRESSES).map(ToString::to_string));
    if addresses.len() > MOST_ADDRESSES {
        parts.push(format!("{} other addresses", addresses.len() - MOST_ADDRESSES));
    }
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if width(line) + width(&part) + 3 <= columns => {
                line.push_str(" · ");
                line.push_str(&part);
            }
            _ => lines.push(format!("{INDENT}{part}")),
        }
    }
    lines.into_iter().map(|line| paint.paint(Colour::Dim, line)).collect()
}

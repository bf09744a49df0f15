//! One line for each attempt.

use std::net::IpAddr;

use vantage_wire::{Failure, FailureCode, Micros, Phase};

use super::bar::bar;
use super::facts;
use super::number::short;
use crate::attempt::Attempt;
use crate::cli::paint::{Colour, Paint, cut, printable};

const BAR_CELLS: usize = 32;
const LEAST_BAR_CELLS: usize = 12;
/// Columns of all that is beside bar and target.
const OTHER_CELLS: usize = 40;
const MOST_NAME_CELLS: usize = 32;

/// How lines are laid out, the same for all lines of a run.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Colour.
    pub paint: Paint,
    /// Width of the terminal.
    pub columns: usize,
    /// Width of the target's column; 0 where there is one target only.
    pub name_cells: usize,
}

impl Layout {
    /// The layout for these targets.
    pub fn new(targets: &[String], columns: usize, paint: Paint) -> Self {
        let longest = targets.iter().map(|target| target.chars().count()).max().unwrap_or(0);
        let name_cells = if targets.len() > 1 { longest.min(MOST_NAME_CELLS) } else { 0 };
        Self { paint, columns, name_cells }
    }

    fn bar_cells(self) -> usize {
        self.columns.saturating_sub(OTHER_CELLS + self.name_cells).clamp(LEAST_BAR_CELLS, BAR_CELLS)
    }
}

/// The line of an attempt: number, target, bar, time, address and what was learned; of a failed
/// one its code and detail. `scale` is the time that the whole bar stands for.
pub fn line(number: u64, target: &str, attempt: &Attempt, scale: Micros, layout: Layout) -> String {
    let paint = layout.paint;
    let mut text = paint.paint(Colour::Dim, format_args!("{number:>4} "));
    if layout.name_cells > 0 {
        let cells = layout.name_cells;
        text.push_str(&format!(" {:<cells$}", cut(target, cells)));
    }
    text.push(' ');
    let phases: Vec<_> = parts(attempt).collect();
    text.push_str(&bar(&phases, scale, layout.bar_cells(), paint));
    match &attempt.failure {
        None => {
            let took = outcome(attempt).map(short).unwrap_or_default();
            text.push_str(&paint.paint(Colour::Bold, format_args!(" {took:>8}")));
            let address = attempt.address.map(|address| address.to_string()).unwrap_or_default();
            text.push_str(&format!("  {address}  {}", facts::brief(&attempt.facts)));
        }
        Some(failure) => {
            text.push_str(&paint.paint(Colour::Red, format_args!("   failed  {}", failure.code)));
            text.push_str(&said(failure, attempt.address));
        }
    }
    cut(text.trim_end(), layout.columns)
}

fn said(failure: &Failure, address: Option<IpAddr>) -> String {
    let mut text = String::new();
    if failure.phase != failure.code.default_phase() {
        text.push_str(&format!(" in {}", failure.phase));
    }
    // The reason before the address: where there is no room for both, the summary has the latter.
    if !failure.detail.is_empty() {
        text.push_str(&format!("  {}", printable(failure.detail.as_str())));
    }
    if let Some(address) = address {
        text.push_str(&format!("  {address}"));
    }
    text
}

/// The phases that follow one another.
pub fn parts(attempt: &Attempt) -> impl Iterator<Item = (Phase, Micros)> + '_ {
    let echo =
        attempt.phases.get(Phase::Total).is_none() && attempt.phases.get(Phase::Connect).is_none();
    attempt.phases.iter().filter(move |(phase, _)| match phase {
        Phase::Total => false,
        // Beside a TCP handshake it is the same time once more.
        Phase::Rtt => echo,
        _ => true,
    })
}

/// The time that stands for the attempt.
pub fn outcome(attempt: &Attempt) -> Option<Micros> {
    attempt.phases.get(Phase::Total).or_else(|| attempt.phases.get(Phase::Rtt))
}

/// Whether an attempt is worth a line: one given up because the program was stopped is not.
pub fn is_worth_a_line(attempt: &Attempt) -> bool {
    attempt.failure.as_ref().is_none_or(|failure| failure.code != FailureCode::AgentCancelled)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::attempt::HttpFacts;

    const PLAIN: Layout = Layout { paint: Paint::PLAIN, columns: 80, name_cells: 0 };

    fn attempt() -> Attempt {
        let mut attempt = Attempt::new();
        for (phase, ms) in [
            (Phase::Dns, 40),
            (Phase::Connect, 160),
            (Phase::Tls, 160),
            (Phase::Request, 160),
            (Phase::Total, 521),
        ] {
            attempt.phases.set(phase, Duration::from_millis(ms));
        }
        attempt.address = Some("192.0.2.8".parse().unwrap());
        let (status, version) = (Some(200), Some("HTTP/2.0".into()));
        attempt.facts.http = Some(HttpFacts { status, version, ..HttpFacts::default() });
        attempt
    }

    #[test]
    fn a_line_says_what_came_of_an_attempt() {
        assert_eq!(
            line(7, "https://a.test", &attempt(), Micros::from_millis(640), PLAIN),
            "   7  d━c━━━━━━━t━━━━━━━r━━━━━━━         521 ms  192.0.2.8  200 HTTP/2"
        );
        let layout =
            Layout::new(&["one.test:1".into(), "another.test:443".into()], 80, Paint::PLAIN);
        assert_eq!(
            line(7, "one.test:1", &attempt(), Micros::from_millis(640), layout),
            "   7  one.test:1       d━c━━━━━t━━━━━r━━━━━       521 ms  192.0.2.8  200 HTTP/2"
        );
    }

    #[test]
    fn a_failure_is_named_after_the_phases_it_came_through() {
        let mut failed = attempt().failed(Failure::new(FailureCode::HttpReset, "errno 104\x1b[2J"));
        failed.phases = crate::PhaseTimes::default();
        failed.phases.set(Phase::Dns, Duration::from_millis(40));
        assert_eq!(
            line(12, "https://a.test", &failed, Micros::from_millis(640), PLAIN),
            "  12  d━                                 failed  http_reset  errno 104 [2J  192…"
        );
    }
}

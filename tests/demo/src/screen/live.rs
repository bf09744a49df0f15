//! The live act: who reaches what, and how fast.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use vantage_wire::{SiteId, TargetId, VantageId};

use super::paint::Paint;
use crate::board::{Board, Cell};
use crate::scenario::{Probed, Scenario};

const NAME_WIDTH: usize = 7;
const SITE_WIDTH: usize = 11;
/// The names of a site in the lines of services.
const PLACE_WIDTH: usize = 14;
/// Vantage points in a line of services.
const IN_A_LINE: usize = 5;
/// A service before and after.
const MOVE_WIDTH: usize = 34;

/// What the live act shows.
#[derive(Debug)]
pub struct Live<'a> {
    /// What it is about.
    pub scenario: &'a Scenario,
    /// What was reported.
    pub board: &'a Board,
    /// The hour of the emulated day, UTC.
    pub hour: f64,
    /// How long it has run.
    pub elapsed: Duration,
    /// How long it will.
    pub whole: Duration,
}

impl Live<'_> {
    /// The matrix with what is around it.
    pub fn view(&self, paint: Paint) -> String {
        let (hour, minute) = (self.hour.floor(), (self.hour.fract() * 60.0).floor());
        let clock = format!("{hour:02}:{minute:02} UTC");
        let (done, all) = (self.elapsed.as_millis(), self.whole.as_millis());
        let share = |part: u128| u64::try_from(part).unwrap_or_default();
        format!(
            "{}   {}   {} attempts\n\n{}",
            paint.bold(&clock),
            super::bar(share(done), share(all)),
            self.board.attempts(),
            self.matrix(paint)
        )
    }

    /// Vantage points and the sites that they reach, and where the services are.
    pub fn matrix(&self, paint: Paint) -> String {
        let targets = self.scenario.targets();
        let (sites, services): (BTreeMap<_, _>, BTreeMap<_, _>) =
            targets.iter().partition(|(_, probed)| matches!(probed, Probed::Site(_)));
        let mut text = format!("{:NAME_WIDTH$}", "");
        // Writing into a string does not fail.
        for probed in sites.values() {
            let _ = write!(text, "{:>SITE_WIDTH$}", probed.name());
        }
        text.push('\n');
        for vantage in self.scenario.catalogue.vantages.keys() {
            let _ = write!(text, "{:NAME_WIDTH$}", vantage.as_str());
            self.row(&mut text, vantage, sites.keys().copied(), paint);
            text.push('\n');
        }
        text += &paint
            .dim("ms for a whole request, median of the last seconds; * the fastest, ! some fail");
        text += "\n\n";
        for (target, probed) in services {
            self.service(&mut text, target, probed, paint);
        }
        text
    }

    fn row<'t>(
        &self,
        text: &mut String,
        vantage: &VantageId,
        sites: impl Iterator<Item = &'t TargetId>,
        paint: Paint,
    ) {
        let cells: Vec<_> = sites.map(|target| self.board.recent(vantage, target)).collect();
        let best = cells.iter().filter_map(|cell| cell.median).min();
        for cell in &cells {
            let is_best = cell.median.is_some() && cell.median == best;
            let mark = if is_best { "*" } else { "" };
            let shown = format!("{:>SITE_WIDTH$}", format!("{mark}{}", value(cell)));
            text.push_str(&if cell.mostly_fails() {
                paint.bad(&shown)
            } else if is_best {
                paint.good(&shown)
            } else {
                shown
            });
        }
    }

    /// Where a service is, as the agents found it, and how fast it is from where.
    fn service(&self, text: &mut String, target: &TargetId, probed: &Probed, paint: Paint) {
        let mut at: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for vantage in self.scenario.catalogue.vantages.keys() {
            let cell = self.board.recent(vantage, target);
            let site = cell.address.and_then(|address| self.scenario.site_at(address));
            let shown = format!("{vantage} {}", value(&cell));
            let shown = if cell.mostly_fails() { paint.bad(&shown) } else { shown };
            at.entry(site.map_or("on the move", AsRef::as_ref)).or_default().push(shown);
        }
        let mut name = probed.name();
        for (place, seen) in at {
            let mut place = format!("{place:PLACE_WIDTH$}");
            for line in seen.chunks(IN_A_LINE) {
                let line = line.join("  ");
                let _ = writeln!(text, "{name:NAME_WIDTH$}{}{line}", paint.news(&place));
                name = "";
                place = format!("{:PLACE_WIDTH$}", "");
            }
        }
    }

    /// What failed more often than not.
    pub fn failing(&self, paint: Paint) -> String {
        let targets = self.scenario.targets();
        let mut text = String::new();
        for (vantage, target, kind, cell) in self.board.failing() {
            let name = targets.get(target).map_or(target.as_str(), Probed::name);
            let code = cell.usual_failure.map_or_else(String::new, |code| code.to_string());
            let (failed, attempts) = (cell.failed, cell.attempts);
            let code = paint.bad(&code);
            // Writing into a string does not fail.
            let _ = writeln!(text, "  {vantage} to {name}, {kind}: {code}, {failed} of {attempts}");
        }
        text
    }

    /// What became of the services: where they were, where they are, and how fast.
    pub fn moves(&self) -> String {
        let services: Vec<_> = (self.scenario.targets().into_iter())
            .filter_map(|(target, probed)| match probed {
                Probed::Service(service) => Some((target, service)),
                Probed::Site(_) => None,
            })
            .collect();
        let mut text = format!("{:NAME_WIDTH$}", "");
        for (_, service) in &services {
            let _ = write!(text, "{:MOVE_WIDTH$}", service.as_str());
        }
        let mut lines = vec![text];
        for vantage in self.scenario.catalogue.vantages.keys() {
            let mut line = format!("{:NAME_WIDTH$}", vantage.as_str());
            for (target, service) in &services {
                let market = self.scenario.market_of(vantage);
                let served = market.and_then(|market| self.scenario.served_from(service, market));
                let Some([before, after]) = served else { continue };
                let at = |site: &SiteId| {
                    let address = self.scenario.address(site.as_str()).into();
                    format!("{site} {}", value(&self.board.at(vantage, target, address)))
                };
                let mut moved = at(&before);
                if before != after {
                    let _ = write!(moved, " → {}", at(&after));
                }
                let _ = write!(line, "{moved:MOVE_WIDTH$}");
            }
            lines.push(line);
        }
        lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }
}

fn value(cell: &Cell) -> String {
    match (cell.median, &cell.usual_failure) {
        (_, Some(code)) if cell.mostly_fails() => code.to_string(),
        (Some(median), usual) => {
            let mark = if usual.is_some() { "!" } else { "" };
            format!("{}{mark}", (median.get() + 500) / 1_000)
        }
        (None, _) => "·".to_owned(),
    }
}

//! The live act: who reaches what, and how fast.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use vantage_wire::{TargetId, VantageId};

use super::paint::Paint;
use crate::board::{Board, Cell};
use crate::scenario::{Probed, Scenario};

const NAME_WIDTH: usize = 8;
const SITE_WIDTH: usize = 12;
const SERVICE_WIDTH: usize = 21;

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

    /// Vantage points and what they reach: the median of what a request took in the last seconds.
    pub fn matrix(&self, paint: Paint) -> String {
        let targets = self.scenario.targets();
        let (sites, services): (BTreeMap<_, _>, BTreeMap<_, _>) =
            targets.iter().partition(|(_, probed)| matches!(probed, Probed::Site(_)));
        let mut text = format!("{:NAME_WIDTH$}", "");
        // Writing into a string does not fail.
        for probed in sites.values() {
            let _ = write!(text, "{:>SITE_WIDTH$}", probed.name());
        }
        for probed in services.values() {
            let _ = write!(text, "{:>SERVICE_WIDTH$}", probed.name());
        }
        text.push('\n');
        for vantage in self.scenario.catalogue.vantages.keys() {
            let _ = write!(text, "{:NAME_WIDTH$}", vantage.as_str());
            self.row(&mut text, vantage, &sites, &services, paint);
            text.push('\n');
        }
        text + &paint.dim(
            "ms for a whole request (connect, TLS, answer), median of the last seconds; * the fastest, ! some failed\n",
        )
    }

    fn row(
        &self,
        text: &mut String,
        vantage: &VantageId,
        sites: &BTreeMap<&TargetId, &Probed>,
        services: &BTreeMap<&TargetId, &Probed>,
        paint: Paint,
    ) {
        let cells: Vec<_> =
            sites.keys().map(|target| self.board.recent(vantage, target)).collect();
        let best = cells.iter().filter_map(|cell| cell.median).min();
        for cell in &cells {
            let is_best = cell.median.is_some() && cell.median == best;
            let mark = if is_best { "*" } else { "" };
            let shown = format!("{:>SITE_WIDTH$}", format!("{mark}{}", value(cell)));
            text.push_str(&if mostly_fails(cell) {
                paint.bad(&shown)
            } else if is_best {
                paint.good(&shown)
            } else {
                shown
            });
        }
        for target in services.keys() {
            let cell = self.board.recent(vantage, target);
            let site = cell.address.and_then(|address| self.scenario.site_at(address));
            let place = site.map_or(String::new(), |site| format!("{site} "));
            let shown = format!("{:>SERVICE_WIDTH$}", format!("{place}{}", value(&cell)));
            let [before, _] = self.served_from(vantage, target).unwrap_or_default();
            let moved = site.is_some_and(|site| site.as_str() != before);
            text.push_str(&match (mostly_fails(&cell), moved) {
                (true, _) => paint.bad(&shown),
                (false, true) => paint.news(&shown),
                (false, false) => shown,
            });
        }
    }

    fn served_from(&self, vantage: &VantageId, target: &TargetId) -> Option<[String; 2]> {
        let Probed::Service(service) = self.scenario.targets().remove(target)? else { return None };
        let served = self.scenario.served_from(&service, self.scenario.market_of(vantage)?)?;
        Some(served.map(|site| site.to_string()))
    }

    /// What became of the services: where they were, where they are, and how fast.
    pub fn moves(&self) -> String {
        let mut text = String::new();
        for (target, probed) in self.scenario.targets() {
            let Probed::Service(service) = probed else { continue };
            let _ = writeln!(text, "{service}: median of a whole request");
            for vantage in self.scenario.catalogue.vantages.keys() {
                let market = self.scenario.market_of(vantage);
                let served = market.and_then(|market| self.scenario.served_from(&service, market));
                let Some([before, after]) = served else { continue };
                let at = |site: &str| {
                    let address = self.scenario.address(site).into();
                    value(&self.board.at(vantage, &target, address))
                };
                let _ = write!(text, "  {:NAME_WIDTH$}{before} {} ms", vantage.as_str(), at(before.as_str()));
                if before != after {
                    let _ = write!(text, " → {after} {} ms", at(after.as_str()));
                }
                text.push('\n');
            }
        }
        text
    }
}

/// More fail than succeed.
fn mostly_fails(cell: &Cell) -> bool {
    cell.failed * 2 > cell.attempts
}

fn value(cell: &Cell) -> String {
    match (cell.median, &cell.usual_failure) {
        (_, Some(code)) if mostly_fails(cell) => code.to_string(),
        (Some(median), usual) => {
            let mark = if usual.is_some() { "!" } else { "" };
            format!("{}{mark}", (median.get() + 500) / 1_000)
        }
        (None, _) => "·".to_owned(),
    }
}

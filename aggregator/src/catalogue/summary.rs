//! A catalogue in a few lines, for people.

use std::fmt;

use vantage_wire::id::{SiteId, VantageId};

use super::model::{Catalogue, MeasuredBy, Target, TargetOf};
use super::rate::{Fleet, rounded};

/// What a catalogue amounts to. [Displayed](fmt::Display) as a few lines of text.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// How many there are of each thing, such as (6, `market`).
    pub counts: Vec<(usize, &'static str)>,
    /// Attempts per second that each vantage point makes. A market for which the catalogue lists
    /// no vantage point stands for one.
    pub per_vantage: Vec<(String, f64)>,
    /// Attempts per second that each target sees, and the most it may see.
    pub per_target: Vec<(String, f64, f64)>,
    /// What is allowed but may not be meant.
    pub remarks: Vec<String>,
}

impl Summary {
    /// How many there are of each thing, on one line.
    pub fn in_one_line(&self) -> String {
        self.to_string().lines().next().unwrap_or_default().to_owned()
    }
}

impl Catalogue {
    /// What it amounts to.
    pub fn summary(&self) -> Summary {
        let probes = self.targets.values().map(|target| target.probes.len()).sum();
        let counts = vec![
            (self.markets.len(), "market"),
            (self.vantages.len(), "listed vantage point"),
            (self.sites.len(), "site"),
            (self.services.len(), "service"),
            (self.targets.len(), "target"),
            (probes, "probe"),
            (self.migrations.len(), "migration"),
        ];
        let fleet = Fleet::of(&self.markets, &self.vantages);
        let per_target = self.targets.iter().map(|(id, target)| {
            let rate = target.attempts_per_vantage() * fleet.probing(target) as f64;
            (id.to_string(), rate, target.max_attempts_per_second)
        });
        Summary {
            counts,
            per_vantage: self.per_vantage(),
            per_target: per_target.collect(),
            remarks: self.remarks(),
        }
    }

    fn per_vantage(&self) -> Vec<(String, f64)> {
        let rate = |id: Option<&VantageId>, market| {
            let targets = self.targets.values().filter(|target| match (&target.measured_by, id) {
                (measured_by, Some(id)) => measured_by.includes(id, market),
                (MeasuredBy::All, None) => true,
                (MeasuredBy::Some { markets, .. }, None) => markets.contains(market),
            });
            targets.map(Target::attempts_per_vantage).sum()
        };
        let listed = self.vantages.iter();
        let mut rates: Vec<_> =
            listed.map(|(id, vantage)| (id.to_string(), rate(Some(id), &vantage.market))).collect();
        for market in self.markets.keys() {
            if !self.vantages.values().any(|vantage| vantage.market == *market) {
                rates.push((format!("any of {market}"), rate(None, market)));
            }
        }
        rates
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.defaults.paused {
            remarks.push("paused = true: nothing is probed".to_owned());
        }
        if self.defaults.contact.is_none() {
            remarks.push("no `contact`: owners of targets cannot tell whom to write to".to_owned());
        }
        for (id, market) in &self.markets {
            let Some(residency) = &market.residency else { continue };
            if !self.sites.iter().any(|(id, site)| residency.allows(id, site)) {
                remarks.push(format!("market {id}: no site satisfies its residency rule"));
            }
        }
        let probed = |site: &SiteId| {
            let of = TargetOf::Site(site.clone());
            self.targets.values().any(|target| target.of == of)
        };
        for site in self.sites.keys().filter(|site| !probed(site)) {
            remarks.push(format!("site {site}: no target, so it cannot be ranked"));
        }
        remarks
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counted = |(count, what): &(usize, &str)| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let counts: Vec<_> = self.counts.iter().map(counted).collect();
        writeln!(f, "{}", counts.join(", "))?;
        let names = self.per_vantage.iter().map(|(name, _)| name);
        let names = names.chain(self.per_target.iter().map(|(name, ..)| name));
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0).max(13);
        if !self.per_vantage.is_empty() {
            writeln!(f, "\n{:width$}  attempts/s", "vantage point")?;
        }
        for (name, rate) in &self.per_vantage {
            writeln!(f, "{name:width$}  {:10.3}", rounded(*rate))?;
        }
        if !self.per_target.is_empty() {
            writeln!(f, "\n{:width$}  attempts/s     at most", "target")?;
        }
        for (name, rate, cap) in &self.per_target {
            writeln!(f, "{name:width$}  {:10.3}  {cap:10.3}", rounded(*rate))?;
        }
        if !self.remarks.is_empty() {
            writeln!(f)?;
        }
        self.remarks.iter().try_for_each(|remark| writeln!(f, "note: {remark}"))
    }
}

//! The file of a scenario.

use std::collections::BTreeMap;

use serde::Deserialize;
use vantage_aggregator::catalogue::Catalogue;
use vantage_wire::{MarketId, SiteId, VantageId};

use super::{HQ, Probed};

/// Most hosts, the aggregator's among them: the emulated network has room for 250.
const MOST_HOSTS: usize = 250;

/// Everything that is wrong with a scenario.
#[derive(Debug, thiserror::Error)]
#[error("the scenario is not sound:\n{}", .0.iter().map(|line| format!("  - {line}")).collect::<Vec<_>>().join("\n"))]
pub struct ScenarioError(pub Vec<String>);

/// The file as it stands.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    /// What it is called.
    pub title: String,
    /// Of all randomness in it.
    pub seed: u64,
    /// Whether the DNS servers of the sites are probed as well.
    #[serde(default)]
    pub probe_dns: bool,
    /// What goes wrong on every way to a site.
    #[serde(default)]
    pub toward: BTreeMap<SiteId, Trouble>,
    /// Sites that markets cannot reach.
    #[serde(default)]
    pub blocked: Vec<Blocked>,
    /// By vantage point, the ways to every site and to the aggregator.
    pub ways: BTreeMap<VantageId, BTreeMap<String, Way>>,
    /// What is asked in the end.
    #[serde(default, rename = "question")]
    pub questions: Vec<AskedInFile>,
    /// The catalogue, without targets.
    pub catalogue: toml::Table,
}

/// A question as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct AskedInFile {
    /// Its name among the results.
    pub name: String,
    /// What it asks, for people.
    pub title: String,
    /// Arguments of `vantage`, with `{from}`, `{cutover}` and `{to}` for the dates.
    pub ask: String,
}

/// A market that cannot reach a site: connections are reset when they name it, and DNS answers about
/// it are forged.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Blocked {
    pub market: MarketId,
    pub site: SiteId,
}

/// What goes wrong on the way to a site, by day; more in the evening, as the delay is.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Trouble {
    /// Share of the packets that are lost, each way. Default 0.0005.
    pub loss: f64,
    /// Share of the connections that are reset when they name the host. Default 0.
    pub resets: f64,
}

impl Default for Trouble {
    fn default() -> Self {
        Self { loss: 0.0005, resets: 0.0 }
    }
}

/// How long a round trip takes, in ms: `[least, usual, on a bad evening]`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(try_from = "[f64; 3]")]
pub struct Way {
    /// Distance and nothing else.
    pub least_ms: f64,
    /// By day.
    pub usual_ms: f64,
    /// At nine on a bad evening.
    pub evening_ms: f64,
}

impl TryFrom<[f64; 3]> for Way {
    type Error = String;

    fn try_from([least_ms, usual_ms, evening_ms]: [f64; 3]) -> Result<Self, String> {
        if !(0.0 < least_ms && least_ms < usual_ms && usual_ms <= evening_ms && evening_ms <= 5e3) {
            return Err(format!(
                "a way is [least, usual, evening] in ms, 0 < least < usual ≤ evening ≤ 5000, not \
                 [{least_ms}, {usual_ms}, {evening_ms}]"
            ));
        }
        Ok(Self { least_ms, usual_ms, evening_ms })
    }
}

impl Way {
    /// What a usual round trip takes beyond the least, in ms.
    pub fn excess_ms(self) -> f64 {
        self.usual_ms - self.least_ms
    }

    /// How much later everything is at nine on a usual evening, in ms: half of what a bad one adds.
    pub fn evening_delay_ms(self) -> f64 {
        (self.evening_ms - self.usual_ms) / 2.0
    }

    /// The same as a share of the excess: 1 doubles it.
    pub fn evening(self) -> f64 {
        self.evening_delay_ms() / self.excess_ms()
    }
}

impl File {
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        toml::from_str(text).map_err(|error| ScenarioError(vec![error.to_string()]))
    }

    /// Everything that is wrong with it, beyond what the catalogue finds in its part.
    pub fn problems(&self, catalogue: &Catalogue) -> Vec<String> {
        let mut problems = Vec::new();
        if catalogue.vantages.is_empty() || catalogue.sites.is_empty() {
            problems.push("catalogue: there is no [[vantage]] or no [[site]]".to_owned());
        }
        if catalogue.vantages.len() + catalogue.sites.len() >= MOST_HOSTS {
            problems.push(format!("more than {MOST_HOSTS} vantage points and sites"));
        }
        if !catalogue.targets.is_empty() {
            problems.push("catalogue: the demo makes the targets itself".to_owned());
        }
        for vantage in catalogue.vantages.keys() {
            let ways = self.ways.get(vantage);
            let places = catalogue.sites.keys().map(SiteId::as_str).chain([HQ]);
            let missing: Vec<_> =
                places.filter(|place| ways.is_none_or(|ways| !ways.contains_key(*place))).collect();
            if !missing.is_empty() {
                problems.push(format!("ways.{vantage}: no way to {}", missing.join(", ")));
            }
        }
        for (name, trouble) in &self.toward {
            if !catalogue.sites.contains_key(name) {
                problems.push(format!("toward.{name}: there is no such site"));
            }
            if !(0.0..=0.5).contains(&trouble.loss) || !(0.0..=0.5).contains(&trouble.resets) {
                problems.push(format!("toward.{name}: loss and resets are shares, 0…0.5"));
            }
        }
        for Blocked { market, site } in &self.blocked {
            if !catalogue.markets.contains_key(market) || !catalogue.sites.contains_key(site) {
                problems.push(format!("blocked: there is no market {market} or no site {site}"));
            }
        }
        let services = catalogue.services.keys().map(|id| Probed::Service(id.clone()));
        let probed = catalogue.sites.keys().map(|id| Probed::Site(id.clone())).chain(services);
        let long = probed.filter(|probed| probed.target().is_none());
        problems.extend(long.map(|probed| format!("{}: too long a name", probed.name())));
        let cutovers: Vec<_> = catalogue.migrations.values().map(|m| m.cutover).collect();
        match cutovers.as_slice() {
            [] => problems.push("catalogue: nothing moves; add a [[migration]]".to_owned()),
            [first, others @ ..] if others.iter().any(|other| other != first) => problems
                .push("catalogue: all migrations of a demo have the same cutover".to_owned()),
            _ => {}
        }
        problems
    }
}

//! What the demo shows: markets, sites, services that move, the ways between them, and what is asked.
//!
//! One file says it all, in TOML. Its part `catalogue` is the catalogue that the aggregator gets; the
//! ways are those of the packets in the live act, and of the simulated weeks.

mod catalogue;
mod file;
mod network;
mod question;
mod season;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vantage_aggregator::catalogue::{Catalogue, Migration};
use vantage_wire::{MarketId, ServiceId, SiteId, TargetId, VantageId};

pub use catalogue::CA_FILE;
pub use file::{ScenarioError, Trouble, Way};
pub use network::{HTTPS, clock_hour};
pub use question::{Kind, Question};
pub use season::{Season, WINDOW};

/// The name of the aggregator's host.
pub const HQ: &str = "hq";

/// The length of a day where it does not matter.
const ANY_DAY: Duration = Duration::from_mins(1);

/// A scenario that was found sound.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub title: String,
    /// What is asked in the end.
    pub questions: Vec<Question>,
    /// Markets, vantage points, sites, services, migrations.
    pub catalogue: Catalogue,
    file: file::File,
}

impl Scenario {
    /// Reads a scenario.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let file = file::File::parse(text)?;
        let plain = toml::to_string(&file.catalogue)
            .map_err(|error| ScenarioError(vec![error.to_string()]))?;
        let catalogue = Catalogue::parse("the catalogue of the scenario", &plain)
            .map_err(|problems| ScenarioError(vec![problems.to_string()]))?;
        let mut problems = file.problems(&catalogue);
        let mut questions = Vec::new();
        for question in &file.questions {
            match Question::new(question) {
                Ok(question) => questions.push(question),
                Err(problem) => problems.push(problem),
            }
        }
        let scenario = Self { title: file.title.clone(), questions, catalogue, file };
        if problems.is_empty() {
            problems = scenario.network(ANY_DAY).problems();
        }
        if problems.is_empty() { Ok(scenario) } else { Err(ScenarioError(problems)) }
    }

    /// All hosts in their order: vantage points, sites, the aggregator.
    fn hosts(&self) -> impl Iterator<Item = &str> {
        let vantages = self.catalogue.vantages.keys().map(VantageId::as_str);
        let sites = self.catalogue.sites.keys().map(SiteId::as_str);
        vantages.chain(sites).chain([HQ])
    }

    /// The address of a host.
    pub fn address(&self, host: &str) -> Ipv4Addr {
        let place = self.hosts().position(|name| name == host).unwrap_or_default();
        // The scenario has at most 250 hosts, so that the last byte has room for all.
        Ipv4Addr::new(192, 0, 2, u8::try_from(place + 1).unwrap_or(u8::MAX))
    }

    /// The site at an address.
    pub fn site_at(&self, address: std::net::IpAddr) -> Option<&SiteId> {
        self.catalogue.sites.keys().find(|site| self.address(site.as_str()) == address)
    }

    /// When the services move in the simulated weeks.
    pub fn cutover(&self) -> Timestamp {
        self.catalogue
            .migrations
            .values()
            .map(|migration| migration.cutover)
            .min()
            .unwrap_or_default()
    }

    /// The moves of a service.
    pub fn migrations_of(&self, service: &ServiceId) -> impl Iterator<Item = &Migration> {
        let migrations = self.catalogue.migrations.values();
        migrations.filter(move |migration| migration.service == *service)
    }

    /// Where a market is served from by a service: before its moves, and after.
    pub fn served_from(&self, service: &ServiceId, market: &MarketId) -> Option<[SiteId; 2]> {
        let first = self.catalogue.services.get(service)?.sites.first()?.clone();
        let before = self.migrations_of(service).next().map_or(first, |m| m.from.clone());
        let moved = self.migrations_of(service).find_map(|migration| migration.to.get(market));
        Some([before.clone(), moved.cloned().unwrap_or(before)])
    }

    /// The market of a vantage point of the catalogue.
    pub fn market_of(&self, vantage: &VantageId) -> Option<&MarketId> {
        self.catalogue.vantages.get(vantage).map(|vantage| &vantage.market)
    }

    /// How far a market's clocks are ahead of UTC, in seconds. They do not change in the weeks that are
    /// simulated; where they would, evenings are out by an hour on one side.
    fn ahead_of_utc_s(&self, market: &MarketId) -> i64 {
        let zone =
            self.catalogue.markets.get(market).map_or(TimeZone::UTC, |m| m.time_zone.clone());
        zone.to_offset(self.cutover()).seconds().into()
    }

    fn way(&self, vantage: &VantageId, place: &str) -> Way {
        // Sound scenarios have a way for every pair.
        let ways = self.file.ways.get(vantage);
        ways.and_then(|ways| ways.get(place)).copied().unwrap_or_default()
    }

    fn trouble(&self, site: &SiteId) -> Trouble {
        self.file.toward.get(site).copied().unwrap_or_default()
    }

    fn is_blocked(&self, market: &MarketId, site: &SiteId) -> bool {
        self.file.blocked.iter().any(|blocked| blocked.market == *market && blocked.site == *site)
    }

    /// What is probed, by the name of the target: sites, and services.
    pub fn targets(&self) -> BTreeMap<TargetId, Probed> {
        let sites = self.catalogue.sites.keys().map(|site| Probed::Site(site.clone()));
        let services = self.catalogue.services.keys().map(|id| Probed::Service(id.clone()));
        sites.chain(services).filter_map(|probed| Some((probed.target()?, probed))).collect()
    }
}

/// What a target leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probed {
    /// A site.
    Site(SiteId),
    /// A service, wherever it is.
    Service(ServiceId),
}

impl Probed {
    /// The name of the site or the service.
    pub fn name(&self) -> &str {
        match self {
            Self::Site(site) => site.as_str(),
            Self::Service(service) => service.as_str(),
        }
    }

    /// `None` where the name leaves no room for the ending.
    fn target(&self) -> Option<TargetId> {
        TargetId::new(&format!("{}-web", self.name())).ok()
    }
}

/// The host name of a site.
fn host_name(site: &SiteId) -> String {
    format!("{site}.test")
}

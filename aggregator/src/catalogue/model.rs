//! The checked catalogue: every reference leads somewhere, every value is within its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use vantage_wire::exchange::assignment::Action;
use vantage_wire::id::{MarketId, MigrationId, ProbeId, ServiceId, SiteId, TargetId, VantageId};
use vantage_wire::report::{Family, ProbeKind};
use vantage_wire::{Phase, WindowLength};

use super::score::Score;

/// What is probed, from where, and for whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// What holds for all vantage points.
    pub defaults: Defaults,
    /// Where users are.
    pub markets: BTreeMap<MarketId, Market>,
    /// What is known about vantage points beyond their enrolment. A vantage point need not be here.
    pub vantages: BTreeMap<VantageId, Vantage>,
    /// Where services can be hosted.
    pub sites: BTreeMap<SiteId, Site>,
    /// Names that move between sites.
    pub services: BTreeMap<ServiceId, Service>,
    /// What is probed.
    pub targets: BTreeMap<TargetId, Target>,
    /// Moves of services, past and planned.
    pub migrations: BTreeMap<MigrationId, Migration>,
    /// What is best.
    pub objective: Objective,
}

/// What holds for all vantage points.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// Time between the starts of attempts of a probe that says nothing else.
    pub interval: Duration,
    /// Most time for an attempt of a probe that says nothing else.
    pub timeout: Duration,
    /// Length of windows.
    pub window: WindowLength,
    /// Most attempts per second that a target sees from all vantage points, where it says nothing
    /// else.
    pub max_attempts_per_second: f64,
    /// Whom the owner of a target can write to.
    pub contact: Option<String>,
    /// Hosts and ports that tell an agent whether it has a network at all.
    pub anchors: Vec<SocketAddr>,
    /// The kill switch: nothing is probed.
    pub paused: bool,
}

/// Users in one country or region.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// What people call it.
    pub name: String,
    /// Share of the users, relative to the weights of the other markets; above 0.
    pub weight: f64,
    /// Tells where its days begin.
    pub time_zone: TimeZone,
    /// Where its data must stay; `None`: anywhere.
    pub residency: Option<Residency>,
}

/// Where a market's data must stay: at a site that is listed, or in a country that is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residency {
    /// ISO 3166-1 codes such as `IN`.
    pub countries: BTreeSet<String>,
    /// Sites.
    pub sites: BTreeSet<SiteId>,
}

impl Residency {
    /// Whether the data may be at this site.
    pub fn allows(&self, id: &SiteId, site: &Site) -> bool {
        self.sites.contains(id) || self.countries.contains(&site.country)
    }
}

/// What an enrolment does not say about a vantage point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vantage {
    /// The market it measures from.
    pub market: MarketId,
    /// Internet provider.
    pub network: Option<String>,
    /// Number of the autonomous system. (1 to 4 294 967 294)
    pub asn: Option<u32>,
    /// What kind of network it is in.
    pub class: VantageClass,
}

/// What kind of network a vantage point is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum VantageClass {
    /// A data center.
    DataCenter,
    /// A fixed line of users.
    Eyeball,
    /// A mobile network.
    Mobile,
}

impl VantageClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DataCenter, Self::Eyeball, Self::Mobile];

    /// As the catalogue writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataCenter => "dc",
            Self::Eyeball => "eyeball",
            Self::Mobile => "mobile",
        }
    }
}

/// A hosting location.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// What people call the place.
    pub city: Option<String>,
    /// ISO 3166-1 code such as `US`.
    pub country: String,
    /// Latitude and longitude in degrees, north and east positive.
    pub position: Option<(f64, f64)>,
    /// Hosting company.
    pub provider: Option<String>,
    /// The hosting company's name for the location.
    pub region: Option<String>,
    /// What hosting there costs per month, in one currency for all sites.
    pub cost_per_month: Option<f64>,
}

/// A host name that users know and that moves between sites.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// The host name, or an address.
    pub host: String,
    /// Where it is, was or may be hosted.
    pub sites: BTreeSet<SiteId>,
}

/// What is probed.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// What it belongs to.
    pub of: TargetOf,
    /// The host name, or an address.
    pub host: String,
    /// Whether private, loopback and link-local addresses may be probed.
    pub allow_private: bool,
    /// Most attempts per second that it sees from all vantage points.
    pub max_attempts_per_second: f64,
    /// Who probes it.
    pub measured_by: MeasuredBy,
    /// How it is probed. Never empty.
    pub probes: BTreeMap<ProbeId, Probe>,
}

/// What a target belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetOf {
    /// It stays at this site: it tells how the site is reached.
    Site(SiteId),
    /// It moves with this service.
    Service(ServiceId),
}

/// Who probes a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeasuredBy {
    /// Every vantage point.
    All,
    /// The vantage points of these markets, and these vantage points.
    Some {
        /// Markets.
        markets: BTreeSet<MarketId>,
        /// Vantage points.
        vantages: BTreeSet<VantageId>,
    },
}

impl MeasuredBy {
    /// Whether the vantage point `id` of a `market` is among them.
    pub fn includes(&self, id: &VantageId, market: &MarketId) -> bool {
        match self {
            Self::All => true,
            Self::Some { markets, vantages } => markets.contains(market) || vantages.contains(id),
        }
    }
}

/// How a target is probed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The kind.
    pub kind: ProbeKind,
    /// Time between the starts of attempts. (100 ms to 1 day)
    pub interval: Duration,
    /// Most time for an attempt. (1 ms to 60 s)
    pub timeout: Duration,
    /// Most time for single phases.
    pub phase_timeouts: BTreeMap<Phase, Duration>,
    /// The versions of IP it uses: one series for each.
    pub families: Vec<Family>,
    /// What is done.
    pub action: Action,
}

impl Probe {
    /// How many attempts one vantage point makes per second.
    pub fn attempts_per_second(&self) -> f64 {
        self.families.len() as f64 / self.interval.as_secs_f64()
    }
}

/// The move of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// What moves.
    pub service: ServiceId,
    /// Where it was hosted.
    pub from: SiteId,
    /// Where each market is served from afterwards. Markets that are not here do not move.
    pub to: BTreeMap<MarketId, SiteId>,
    /// When.
    pub cutover: Timestamp,
    /// How long before and after the cutover is left out of comparisons. (0 to 30 days)
    pub guard: Duration,
    /// Sites that did not move, to compare with.
    pub control_sites: BTreeSet<SiteId>,
}

/// What is best: how sites are scored, and how a plan chooses among them.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// What sites are ordered by.
    pub score: Score,
    /// Least difference of scores that matters in practice.
    pub threshold: Duration,
    /// Least difference that matters, in per cent of the better score. The larger of the two counts.
    pub threshold_percent: f64,
    /// Fewest sites that a plan chooses; at least 1.
    pub min_sites: usize,
    /// Most sites that a plan chooses.
    pub max_sites: usize,
    /// Sites that every plan has.
    pub required_sites: BTreeSet<SiteId>,
    /// Sites that no plan has.
    pub forbidden_sites: BTreeSet<SiteId>,
    /// Most that the sites of a plan may cost per month, all together.
    pub max_cost_per_month: Option<f64>,
    /// The score that no market may exceed.
    pub worst_market: Option<Duration>,
    /// The score that no market's second-best site may exceed, for when the best one is down.
    pub second_choice: Option<Duration>,
}

//! The emulated network of the live act.

use std::time::Duration;

use vantage_wire::{SiteId, VantageId};
use vantage_world::WorldConfig;
use vantage_world::config::{
    Evening, HostSpec, InterferenceAction, InterferenceRule, Jitter, PathRule, Protocol, TimeSpec,
};
use vantage_world::services::{DnsSpec, Entry, HttpsSpec, Records, ServiceSpec};

use super::{HQ, Scenario, host_name};

/// The port that sites serve on.
pub const HTTPS: u16 = 443;
const DNS: u16 = 53;
/// The busiest hour of a market's day.
const PEAK_HOUR: f64 = 21.0;
/// How the delay beyond the least is spread: its 99th percentile beside its median. The same as in
/// the simulated weeks, whose logarithms have a standard deviation of 0.3.
const P99_BESIDE_MEDIAN: f64 = 2.0;
/// Where forged DNS answers lead: an address of documentation that nobody has.
const NOWHERE: [u8; 4] = [203, 0, 113, 9];
/// Every name of the emulated network.
const ANY_NAME: &str = "*.test";
/// Seconds that a DNS answer may be kept: none, so that a move is seen at once.
const TTL_S: u32 = 0;
const DAY_S: f64 = 86_400.0;

/// The hour of the emulated day, UTC, so long after its start at midnight.
pub fn clock_hour(since_start: Duration, day: Duration) -> f64 {
    (since_start.as_secs_f64() / day.as_secs_f64() * 24.0).rem_euclid(24.0)
}

impl Scenario {
    /// The network, in which a day takes as long as `day`.
    pub fn network(&self, day: Duration) -> WorldConfig {
        let host = |name: &str, services| HostSpec {
            name: name.to_owned(),
            ipv4: Some(self.address(name)),
            ipv6: None,
            resolvers: Vec::new(),
            ping_sockets: true,
            services,
        };
        let vantages = self.catalogue.vantages.keys().map(|vantage| {
            let dns = DnsSpec {
                ttl_s: TTL_S,
                records: self.answers(vantage, |_| false),
                ..DnsSpec::default()
            };
            host(vantage.as_str(), vec![ServiceSpec::Dns(dns)])
        });
        let sites =
            self.catalogue.sites.keys().map(|site| host(site.as_str(), self.served_at(site)));
        WorldConfig {
            seed: self.file.seed,
            time: TimeSpec { start_hour: 0.0, factor: DAY_S / day.as_secs_f64() },
            hosts: vantages.chain(sites).chain([host(HQ, Vec::new())]).collect(),
            paths: self.catalogue.vantages.keys().flat_map(|v| self.paths_from(v)).collect(),
        }
    }

    fn served_at(&self, site: &SiteId) -> Vec<ServiceSpec> {
        let services = self.catalogue.services.values().map(|service| service.host.clone());
        let names = services.chain([host_name(site)]).collect();
        let address = Entry::addresses([self.address(site.as_str()).into()]);
        let records = Records::from_iter([(host_name(site), address)]);
        vec![
            ServiceSpec::Https(HttpsSpec { names, ..HttpsSpec::default() }),
            ServiceSpec::Dns(DnsSpec { records, ..DnsSpec::default() }),
        ]
    }

    /// What the resolver of a vantage point answers; services for which `moved` holds are where they
    /// have moved to.
    pub fn answers(&self, vantage: &VantageId, moved: impl Fn(&str) -> bool) -> Records {
        let at = |site: &SiteId| Entry::addresses([self.address(site.as_str()).into()]);
        let sites = self.catalogue.sites.keys().map(|site| (host_name(site), at(site)));
        let services = self.catalogue.services.iter().filter_map(|(id, service)| {
            let [before, after] = self.served_from(id, self.market_of(vantage)?)?;
            let site = if moved(id.as_str()) { after } else { before };
            Some((service.host.clone(), at(&site)))
        });
        sites.chain(services).collect()
    }

    fn paths_from<'a>(&'a self, vantage: &'a VantageId) -> impl Iterator<Item = PathRule> + 'a {
        let to_sites = self.catalogue.sites.keys().flat_map(move |site| {
            let outward = PathRule {
                from: vec![vantage.to_string()],
                to: vec![site.to_string()],
                one_way: true,
                interference: Some(self.interference(vantage, site)),
                ..PathRule::default()
            };
            [self.path(vantage, site.as_str(), self.trouble(site).loss), outward]
        });
        to_sites.chain([self.path(vantage, HQ, 0.0)])
    }

    fn path(&self, vantage: &VantageId, place: &str, loss: f64) -> PathRule {
        let way = self.way(vantage, place);
        let market = self.market_of(vantage);
        let ahead_hours = market.map_or(0.0, |m| self.ahead_of_utc_s(m) as f64 / 3_600.0);
        let median_ms = way.excess_ms() / 2.0;
        PathRule {
            from: vec![vantage.to_string()],
            to: vec![place.to_owned()],
            rtt_ms: Some(way.least_ms),
            jitter: Some(Jitter { median_ms, p99_ms: median_ms * P99_BESIDE_MEDIAN }),
            evening: Some(Evening {
                peak_hour: (PEAK_HOUR - ahead_hours).rem_euclid(24.0),
                width_hours: 2.0,
                // In each direction.
                delay_ms: way.evening_delay_ms() / 2.0,
                loss: (loss * way.evening()).min(1.0),
            }),
            loss: Some(loss),
            // Packets of different connections do not wait for each other.
            reorder: Some(true),
            ..PathRule::default()
        }
    }

    fn interference(&self, vantage: &VantageId, site: &SiteId) -> Vec<InterferenceRule> {
        let rule = |protocol, port, action, names: Vec<String>| InterferenceRule {
            protocol,
            ports: vec![port],
            names,
            action,
            answers: Vec::new(),
            rate_kbps: None,
            after_ms: None,
            code: None,
            share: 1.0,
            at: 0.5,
        };
        let any = || vec![ANY_NAME.to_owned()];
        if self.market_of(vantage).is_some_and(|market| self.is_blocked(market, site)) {
            let forged = rule(Protocol::Udp, DNS, InterferenceAction::ForgeDns, any());
            return vec![
                rule(Protocol::Tcp, HTTPS, InterferenceAction::Reset, any()),
                InterferenceRule { answers: vec![NOWHERE.into()], ..forged },
            ];
        }
        let resets = self.trouble(site).resets;
        if resets <= 0.0 {
            return Vec::new();
        }
        let reset = rule(Protocol::Tcp, HTTPS, InterferenceAction::Reset, any());
        vec![InterferenceRule { share: resets, ..reset }]
    }
}

//! `world.toml`: hosts, what they serve, and the paths between them.
//!
//! The file is read into [`WorldConfig`]; [`WorldConfig::problems`] lists everything that is
//! wrong with it; [`PathTable`] is the outcome: one [`PathSpec`] for every ordered pair of hosts.

mod interference;
mod path;
mod table;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

pub use interference::{InterferenceAction, InterferenceRule, Protocol, RejectCode};
pub(crate) use path::millis;
pub use path::{Bandwidth, Evening, GilbertElliott, Jitter, PathRule, PathSpec};
pub use table::PathTable;

use crate::error::WorldError;
use crate::services::ServiceSpec;

/// Most hosts a world may have: their addresses come from two documentation prefixes.
pub const MAX_HOSTS: usize = 250;

/// A whole world, as written in `world.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WorldConfig {
    /// Every draw of loss and jitter follows from it: the same seed and the same packets meet the
    /// same fate. Default 1.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The emulated time of day.
    #[serde(default)]
    pub time: TimeSpec,
    /// The hosts, at least one.
    #[serde(default, rename = "host")]
    pub hosts: Vec<HostSpec>,
    /// The paths between them. A pair that several rules name takes each property from the last
    /// rule that sets it; a pair that none names is a perfect link without delay.
    #[serde(default, rename = "path")]
    pub paths: Vec<PathRule>,
}

const fn default_seed() -> u64 {
    1
}

/// The emulated time of day, which evening congestion follows.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct TimeSpec {
    /// Hour of the day, UTC, at which the world starts (0 ≤ h < 24). Default 0.
    pub start_hour: f64,
    /// Emulated seconds per real second (0…86 400). Default 1.
    pub factor: f64,
}

impl Default for TimeSpec {
    fn default() -> Self {
        Self { start_hour: 0.0, factor: 1.0 }
    }
}

/// One host.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostSpec {
    /// Its name: 1–63 lower-case letters, digits and inner hyphens; unique.
    pub name: String,
    /// Its IPv4 address. Default: the next free one of 192.0.2.0/24, then 198.51.100.0/24.
    #[serde(default)]
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address. Default: the next free one of `2001:db8::/64`.
    #[serde(default)]
    pub ipv6: Option<Ipv6Addr>,
    /// The resolvers in its `/etc/resolv.conf`: names of hosts or addresses. Default: the
    /// machine's own file, whose servers are out of reach from here.
    #[serde(default)]
    pub resolvers: Vec<String>,
    /// Whether everybody there may open datagram ICMP sockets. Default: yes; else nobody may, as on
    /// many machines, and raw sockets need a privilege.
    #[serde(default = "HostSpec::default_ping_sockets")]
    pub ping_sockets: bool,
    /// What it serves.
    #[serde(default, rename = "service")]
    pub services: Vec<ServiceSpec>,
}

impl HostSpec {
    const fn default_ping_sockets() -> bool {
        true
    }
}

/// A host with its addresses settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostAddresses {
    /// Its IPv4 address.
    pub ipv4: Ipv4Addr,
    /// Its IPv6 address.
    pub ipv6: Ipv6Addr,
}

impl WorldConfig {
    /// Reads and checks a world file.
    ///
    /// # Errors
    /// [`WorldError::Config`] with the place of a syntax error, or with every other problem.
    pub fn from_toml(text: &str) -> Result<Self, WorldError> {
        let config: Self =
            toml::from_str(text).map_err(|error| WorldError::Config(vec![error.to_string()]))?;
        let problems = config.problems();
        if problems.is_empty() { Ok(config) } else { Err(WorldError::Config(problems)) }
    }

    /// Everything that is wrong with the world, each line naming its place; empty when sound.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let TimeSpec { start_hour, factor } = self.time;
        if !(0.0..24.0).contains(&start_hour) {
            problems.push(format!("time: start-hour is {start_hour}; it is an hour, 0 ≤ h < 24"));
        }
        if !(0.0..=86_400.0).contains(&factor) {
            problems.push(format!("time: factor is {factor}; it lies within 0…86400"));
        }
        if self.hosts.is_empty() {
            problems.push("the world has no host; add a [[host]]".into());
        }
        if self.hosts.len() > MAX_HOSTS {
            problems.push(format!("{} hosts; {MAX_HOSTS} are the most", self.hosts.len()));
        }
        self.host_problems(&mut problems);
        for (number, rule) in self.paths.iter().enumerate() {
            let place = format!("path {} ({:?} to {:?})", number + 1, rule.from, rule.to);
            for name in rule.from.iter().chain(&rule.to) {
                if name != "*" && !self.hosts.iter().any(|host| host.name == *name) {
                    problems.push(format!("{place}: there is no host {name:?}"));
                }
            }
            problems.extend(rule.problems().into_iter().map(|what| format!("{place}: {what}")));
        }
        problems
    }

    fn host_problems(&self, problems: &mut Vec<String>) {
        let mut names = BTreeSet::new();
        let mut addresses: BTreeSet<IpAddr> = BTreeSet::new();
        for host in &self.hosts {
            let place = format!("host {:?}", host.name);
            if !is_host_name(&host.name) {
                problems.push(format!(
                    "{place}: a host name is 1–63 lower-case letters, digits and inner hyphens"
                ));
            }
            if !names.insert(&host.name) {
                problems.push(format!("{place}: the name is taken twice"));
            }
            for address in host.ipv4.map(IpAddr::V4).into_iter().chain(host.ipv6.map(IpAddr::V6)) {
                if !addresses.insert(address) {
                    problems.push(format!("{place}: the address {address} is taken twice"));
                }
            }
            for resolver in &host.resolvers {
                if resolver.parse::<IpAddr>().is_err()
                    && !self.hosts.iter().any(|other| other.name == *resolver)
                {
                    problems.push(format!(
                        "{place}: resolver {resolver:?} is neither an address nor a host"
                    ));
                }
            }
            let mut ports = BTreeSet::new();
            for (number, service) in host.services.iter().enumerate() {
                let place = format!("{place}: service {}", number + 1);
                for (kind, port) in service.ports() {
                    // Port 0 is a new one each time.
                    if port != 0 && !ports.insert((kind, port)) {
                        problems.push(format!("{place}: {kind:?} port {port} is taken twice"));
                    }
                }
                problems
                    .extend(service.problems().into_iter().map(|what| format!("{place}: {what}")));
            }
        }
    }

    /// The addresses of all hosts, in their order.
    pub fn addresses(&self) -> Vec<HostAddresses> {
        let taken_v4: BTreeSet<_> = self.hosts.iter().filter_map(|host| host.ipv4).collect();
        let taken_v6: BTreeSet<_> = self.hosts.iter().filter_map(|host| host.ipv6).collect();
        let pool_v4 = [Ipv4Addr::new(192, 0, 2, 0), Ipv4Addr::new(198, 51, 100, 0)];
        let mut free_v4 = pool_v4
            .into_iter()
            .flat_map(|net| (1..=254).map(move |last| Ipv4Addr::from_bits(net.to_bits() | last)))
            .filter(|address| !taken_v4.contains(address));
        let mut free_v6 = (1..=u16::MAX)
            .map(|last| Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))
            .filter(|address| !taken_v6.contains(address));
        self.hosts
            .iter()
            .map(|host| HostAddresses {
                // The pools hold more addresses than a world may have hosts.
                ipv4: host.ipv4.or_else(|| free_v4.next()).unwrap_or(Ipv4Addr::UNSPECIFIED),
                ipv6: host.ipv6.or_else(|| free_v6.next()).unwrap_or(Ipv6Addr::UNSPECIFIED),
            })
            .collect()
    }

    /// The resolver addresses of a host's `/etc/resolv.conf`, host names resolved.
    pub fn resolvers(&self, host: &HostSpec) -> Vec<IpAddr> {
        let addresses = self.addresses();
        host.resolvers
            .iter()
            .filter_map(|resolver| {
                resolver.parse().ok().or_else(|| {
                    let at = self.hosts.iter().position(|other| other.name == *resolver)?;
                    Some(IpAddr::V4(addresses[at].ipv4))
                })
            })
            .collect()
    }
}

fn is_host_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(text: &str) -> String {
        WorldConfig::from_toml(text).unwrap_err().to_string()
    }

    #[test]
    fn a_syntax_error_shows_its_line() {
        let message = problems_of("seed = 1\n[[host]]\nnam = \"a\"\n");
        assert!(message.contains("line 3") && message.contains("nam"), "{message}");
    }

    #[test]
    fn every_problem_is_listed_with_its_place() {
        let message = problems_of(
            r#"
            [time]
            start-hour = 25
            [[host]]
            name = "a"
            resolvers = ["nowhere"]
            [[host]]
            name = "a"
            [[path]]
            from = ["a"]
            to = ["b"]
            loss = 1.5
            "#,
        );
        for part in ["start-hour", "nowhere", "taken twice", "no host \"b\"", "loss"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
    }

    #[test]
    fn addresses_are_given_in_order_around_those_taken() {
        let config = WorldConfig::from_toml(
            "host = [{ name = 'a' }, { name = 'b', ipv4 = '192.0.2.1' }, { name = 'c' }]",
        )
        .unwrap();
        let v4: Vec<_> = config.addresses().iter().map(|host| host.ipv4.to_string()).collect();
        assert_eq!(v4, ["192.0.2.2", "192.0.2.1", "192.0.2.3"]);
    }

    #[test]
    fn resolvers_may_be_hosts_or_addresses() {
        let config = WorldConfig::from_toml(
            "host = [{ name = 'a', resolvers = ['b', '2001:db8::9'] }, { name = 'b' }]",
        )
        .unwrap();
        let resolvers = config.resolvers(&config.hosts[0]);
        assert_eq!(
            resolvers,
            ["192.0.2.2".parse::<IpAddr>().unwrap(), "2001:db8::9".parse().unwrap()]
        );
    }
}

//! What an operator may set: `agent.toml`, described key by key in the file of that name beside
//! this crate.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;
pub use vantage_service::ConfigError;
use vantage_service::ConfigFile;

/// Where the configuration is looked for when none is named.
pub const USUAL_FILE: &str = "/etc/vantage/agent.toml";

/// The configuration of one agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// URL of the aggregator. Needed.
    pub aggregator: Option<String>,
    /// Folder for all that the agent keeps. (default `/var/lib/vantage-agent`)
    pub state: PathBuf,
    /// File with the enrolment token. (default: none)
    pub enrol_token_file: Option<PathBuf>,
    /// Certificate authorities to trust for the aggregator, in PEM. (default: the system's)
    pub ca_file: Option<PathBuf>,
    /// DNS servers to ask. (default: those of `/etc/resolv.conf`)
    pub dns_servers: Vec<SocketAddr>,
    /// Most bytes of windows on disk. (65 536 to 2⁴⁰; default 64 MiB)
    pub spool_max_bytes: u64,
    /// Most attempts under way at once. (1 to 100 000; default 4096)
    pub max_in_flight: usize,
    /// Most attempts per second at one target, whatever is assigned. (1 to 100 000; default 100)
    pub max_target_rate: u32,
    /// Most seconds for delivering what is left before the end. (0 to 300; default 10)
    pub drain_s: u64,
    /// Where Prometheus may ask for metrics. (default: nowhere)
    pub metrics_listen: Option<SocketAddr>,
    /// What is logged. (default `info`)
    pub log: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            aggregator: None,
            state: PathBuf::from("/var/lib/vantage-agent"),
            enrol_token_file: None,
            ca_file: None,
            dns_servers: Vec::new(),
            spool_max_bytes: 64 << 20,
            max_in_flight: 4_096,
            max_target_rate: 100,
            drain_s: 10,
            metrics_listen: None,
            log: "info".to_owned(),
        }
    }
}

impl Config {
    /// Reads a file's text.
    ///
    /// # Errors
    /// What is wrong with it, all at once: keys that are unknown or have values of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        ConfigFile::parse(text)?.read()
    }

    /// Checks the values, wherever they came from.
    ///
    /// # Errors
    /// Every problem, each naming its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        if self.aggregator.is_none() {
            problems.push(
                "aggregator: its URL is needed, here or as --aggregator https://…".to_owned(),
            );
        }
        if self.state.as_os_str().is_empty() {
            problems.push("state: a folder is needed".to_owned());
        }
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                problems.push(format!("{key}: {value} must be from {least} to {most}"));
            }
        };
        within("spool_max_bytes", self.spool_max_bytes, 65_536, 1 << 40);
        within("max_in_flight", self.max_in_flight as u64, 1, 100_000);
        within("max_target_rate", self.max_target_rate.into(), 1, 100_000);
        within("drain_s", self.drain_s, 0, 300);
        for server in self.dns_servers.iter().filter(|server| server.port() == 0) {
            problems.push(format!("dns_servers: {server} has port 0; the usual one is 53"));
        }
        if let Err(error) = self.log.parse::<tracing_subscriber::EnvFilter>() {
            problems.push(format!("log: {:?}: {error}", self.log));
        }
        ConfigError::unless_none(problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_the_default() {
        assert_eq!(Config::parse(include_str!("../agent.toml")), Ok(Config::default()));
    }

    #[test]
    fn every_key_is_in_the_documented_file() {
        let text = include_str!("../agent.toml");
        let uncommented: Vec<_> = text
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|key| key.contains(" = \"")).unwrap_or(line))
            .collect();
        let full = Config::parse(&uncommented.join("\n")).unwrap();
        assert!(full.aggregator.is_some() && full.ca_file.is_some());
        assert!(full.enrol_token_file.is_some() && full.metrics_listen.is_some());
        full.check().unwrap();
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let ConfigError(problems) =
            Config::parse("agregator = \"x\"\ndrain_s = \"soon\"\nlog = \"info\"\n").unwrap_err();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("agregator: unknown field"), "{problems:?}");
        let config = Config {
            drain_s: 301,
            spool_max_bytes: 1,
            max_in_flight: 0,
            log: "=&".to_owned(),
            dns_servers: vec!["192.0.2.1:0".parse().unwrap()],
            ..Config::default()
        };
        let ConfigError(problems) = config.check().unwrap_err();
        let keys: Vec<_> =
            problems.iter().filter_map(|problem| Some(problem.split_once(':')?.0)).collect();
        let expected =
            ["aggregator", "spool_max_bytes", "max_in_flight", "drain_s", "dns_servers", "log"];
        assert_eq!(keys, expected);
    }
}

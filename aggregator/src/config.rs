//! What an operator may set: `aggregator.toml`, described key by key in the file of that name beside
//! this crate.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
pub use vantage_service::ConfigError;
use vantage_service::ConfigFile;

use crate::catalogue::parse_span;
use crate::export::influx::lines::Bounds;
use crate::export::influx::scores::ScoreSettings;
use crate::export::influx::server::ServerSettings;
use crate::export::influx::writing::Pace;
use crate::log;
use crate::store::PostgresUrl;

/// Where the configuration is looked for when none is named.
pub const USUAL_FILE: &str = "aggregator.toml";

/// The configuration of an aggregator.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address and port to listen on. (default `127.0.0.1:8420`)
    pub listen: String,
    /// Certificate chain in PEM. (default: none, plain HTTP)
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM. (default: none)
    pub tls_key: Option<PathBuf>,
    /// Folder of the embedded store. (default `./vantage-data`)
    pub data: PathBuf,
    /// A PostgreSQL database instead of the embedded store. (default: none)
    #[serde(deserialize_with = "postgres_url")]
    pub store: Option<PostgresUrl>,
    /// The catalogue. (default: `./catalogue.toml` if there is one)
    pub catalogue: Option<PathBuf>,
    /// Tokens of those who may read, one on a line. (default: none, only this machine may)
    pub read_token_file: Option<PathBuf>,
    /// How long windows are kept. (default 35 days)
    #[serde(deserialize_with = "span")]
    pub keep_windows: Duration,
    /// How long hours are kept. (default 400 days)
    #[serde(deserialize_with = "span")]
    pub keep_hours: Duration,
    /// Time between two rankings of the sites for metrics. (at least 1 s; default 10 min)
    #[serde(deserialize_with = "span")]
    pub rank_every: Duration,
    /// Most time to finish what was accepted, at the end. (default 30 s)
    #[serde(deserialize_with = "span")]
    pub grace: Duration,
    /// What is logged. (default `info`)
    pub log: String,
    /// How log lines look. (default `text`)
    #[serde(deserialize_with = "log_format")]
    pub log_format: log::Format,
    /// The export to InfluxDB. (default: none)
    pub influx: Option<InfluxConfig>,
}

/// The export to InfluxDB.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InfluxConfig {
    /// URL of the server. Needed.
    pub url: Option<String>,
    /// Organisation, by name or id. Needed.
    pub org: Option<String>,
    /// Bucket, by name or id. Needed.
    pub bucket: Option<String>,
    /// File with the token. (default: none, the server asks for none)
    pub token_file: Option<PathBuf>,
    /// Certificate authorities to trust, in PEM. (default: the system's)
    pub ca_file: Option<PathBuf>,
    /// Most time for one request. (1 s to 60 s; default 30 s)
    #[serde(deserialize_with = "span")]
    pub timeout: Duration,
    /// Most points in one request. (1 to 100 000; default 5000)
    pub batch_points: usize,
    /// Most bytes in one request, before compression. (16 384 to 64 MiB; default 4 MiB)
    pub batch_bytes: usize,
    /// Most points per second. (1000 to 10 000 000; default 50 000)
    pub points_per_second: u32,
    /// Time between two rankings that are written. (10 min to 1 day, divides a day; default 1 h)
    #[serde(deserialize_with = "span")]
    pub scores_every: Duration,
    /// How far each of them looks back. (1 h to 10 years; default 30 days)
    #[serde(deserialize_with = "span")]
    pub scores_over: Duration,
}

/// Ranking is work, and what it is about changes by the hour.
const SHORTEST_RANK_EVERY: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8420".to_owned(),
            tls_cert: None,
            tls_key: None,
            data: PathBuf::from("./vantage-data"),
            store: None,
            catalogue: None,
            read_token_file: None,
            keep_windows: DAY * 35,
            keep_hours: DAY * 400,
            rank_every: Duration::from_mins(10),
            grace: Duration::from_secs(30),
            log: "info".to_owned(),
            log_format: log::Format::Text,
            influx: None,
        }
    }
}

impl Default for InfluxConfig {
    fn default() -> Self {
        Self {
            url: None,
            org: None,
            bucket: None,
            token_file: None,
            ca_file: None,
            timeout: Duration::from_secs(30),
            batch_points: 5_000,
            batch_bytes: 4 << 20,
            points_per_second: 50_000,
            scores_every: Duration::from_hours(1),
            scores_over: DAY * 30,
        }
    }
}

fn postgres_url<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PostgresUrl>, D::Error> {
    let text = String::deserialize(from)?;
    PostgresUrl::parse(&text).map(Some).map_err(D::Error::custom)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from)?;
    parse_span(&text).ok_or_else(|| {
        D::Error::custom(format!("{text:?} is no span; write a whole number and s, m, h or d: 35d"))
    })
}

fn log_format<'de, D: Deserializer<'de>>(from: D) -> Result<log::Format, D::Error> {
    let text = String::deserialize(from)?;
    log::Format::from_str(&text, false)
        .map_err(|_| D::Error::custom(format!("{text:?} is none; there are text and json")))
}

impl Config {
    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// What is wrong with it, all at once: keys that are unknown or have values of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        ConfigFile::parse(text)?.with_section::<InfluxConfig>("influx").read()
    }

    /// Reads a file, and checks it.
    ///
    /// # Errors
    ///
    /// What is wrong, with the name of the file, in one line.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let named = |problem: String| ConfigError(vec![format!("{}: {problem}", path.display())]);
        let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
        let config = Self::parse(&text).map_err(|error| named(error.to_string()))?;
        config.check().map_err(|error| named(error.to_string()))?;
        Ok(config)
    }

    /// Checks what single keys do not tell.
    ///
    /// # Errors
    ///
    /// Every problem, each naming its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        let mut problems = Vec::new();
        if self.tls_cert.is_some() != self.tls_key.is_some() {
            problems
                .push("tls_cert, tls_key: one needs the other (--tls-cert, --tls-key)".to_owned());
        }
        if self.keep_windows > self.keep_hours {
            let problem =
                "keep_hours: must not be shorter than keep_windows (--keep-hours, --keep-windows)";
            problems.push(problem.to_owned());
        }
        if self.rank_every < SHORTEST_RANK_EVERY {
            problems.push("rank_every: must not be shorter than 1s (--rank-every)".to_owned());
        }
        if let Some(influx) = &self.influx {
            influx.check(&mut problems);
        }
        ConfigError::unless_none(problems)
    }
}

impl InfluxConfig {
    fn check(&self, problems: &mut Vec<String>) {
        for (key, value) in [("url", &self.url), ("org", &self.org), ("bucket", &self.bucket)] {
            if value.as_deref().is_none_or(str::is_empty) {
                problems.push(format!("influx.{key}: it is needed"));
            }
        }
        if let Some(url) = self.url.as_deref().filter(|url| !url.is_empty())
            && let Err(error) = ServerSettings::parse_url(url)
        {
            problems.push(format!("influx.url: {error}"));
        }
        let mut within = |key: &str, value: u64, least: u64, most: u64| {
            if !(least..=most).contains(&value) {
                problems.push(format!("influx.{key}: {value} must be from {least} to {most}"));
            }
        };
        within("batch_points", self.batch_points as u64, 1, 100_000);
        within("batch_bytes", self.batch_bytes as u64, 16 << 10, 64 << 20);
        within("points_per_second", self.points_per_second.into(), 1_000, 10_000_000);
        let mut within = |key: &str, value: Duration, least: Duration, most: Duration| {
            if !(least..=most).contains(&value) {
                let seconds = [value, least, most].map(|span| span.as_secs());
                let [value, least, most] = seconds;
                problems
                    .push(format!("influx.{key}: {value} s must be from {least} s to {most} s"));
            }
        };
        within("timeout", self.timeout, Duration::from_secs(1), Duration::from_mins(1));
        within("scores_over", self.scores_over, Duration::from_hours(1), DAY * 3_660);
        within("scores_every", self.scores_every, Duration::from_mins(10), DAY);
        let every_s = self.scores_every.as_secs();
        if every_s > 0 && !DAY.as_secs().is_multiple_of(every_s) {
            problems.push(format!("influx.scores_every: {every_s} s must divide a day"));
        }
    }

    /// Which server. Of a configuration that was not [checked](Config::check) there may be none.
    ///
    /// # Errors
    ///
    /// What is missing or wrong.
    pub fn server(&self) -> Result<ServerSettings, ConfigError> {
        let mut problems = Vec::new();
        self.check(&mut problems);
        let (Some(url), Some(org), Some(bucket)) = (&self.url, &self.org, &self.bucket) else {
            return Err(ConfigError(problems));
        };
        let url = ServerSettings::parse_url(url);
        match url {
            Ok(url) if problems.is_empty() => Ok(ServerSettings {
                url,
                org: org.clone(),
                bucket: bucket.clone(),
                token_file: self.token_file.clone(),
                ca_file: self.ca_file.clone(),
                timeout: self.timeout,
            }),
            _ => Err(ConfigError(problems)),
        }
    }

    /// How much at once, and how fast.
    pub const fn pace(&self) -> Pace {
        let bounds = Bounds { points: self.batch_points, bytes: self.batch_bytes };
        Pace { bounds, points_per_second: self.points_per_second }
    }

    /// When scores are written.
    pub const fn scores(&self) -> ScoreSettings {
        ScoreSettings { every: self.scores_every, over: self.scores_over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = include_str!("../aggregator.toml");

    #[test]
    fn the_documented_file_is_the_default() {
        assert_eq!(Config::parse(DOCUMENTED), Ok(Config::default()));
    }

    #[test]
    fn every_key_is_in_the_documented_file_with_its_default() {
        let is_key = |text: &str| text.starts_with('[') || text.contains(" = ");
        let uncommented: Vec<_> = DOCUMENTED
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|text| is_key(text)).unwrap_or(line))
            .collect();
        let table: toml::Table = uncommented.join("\n").parse().unwrap();
        let keys = |table: &toml::Table| table.keys().cloned().collect::<Vec<_>>();
        // What serde expects is told by its message about an unknown key.
        let known = |error: toml::de::Error| {
            let (_, list) = error.message().split_once("expected one of ").unwrap();
            let mut names: Vec<_> =
                list.split(", ").map(|name| name.trim_matches('`').to_owned()).collect();
            names.sort();
            names
        };
        let unknown = toml::Table::from_iter([("?".to_owned(), 1.into())]);
        assert_eq!(keys(&table), known(Config::deserialize(unknown.clone()).unwrap_err()));
        let influx = table["influx"].as_table().unwrap();
        assert_eq!(keys(influx), known(InfluxConfig::deserialize(unknown).unwrap_err()));

        let full = Config::parse(&uncommented.join("\n")).unwrap();
        full.check().unwrap();
        let named = full.influx.unwrap();
        let expected = InfluxConfig {
            url: named.url.clone(),
            org: named.org.clone(),
            bucket: named.bucket.clone(),
            token_file: named.token_file.clone(),
            ca_file: named.ca_file.clone(),
            ..InfluxConfig::default()
        };
        assert_eq!(named, expected);
        assert!(named.server().is_ok());
    }

    #[test]
    fn all_problems_are_told_at_once() {
        let text = "listn = \"x\"\nkeep_hours = 5\nstore = \"mysql://a:secret@b\"\n\
                    [influx]\nbuckit = \"x\"\ntimeout = \"1.5s\"\n";
        let ConfigError(problems) = Config::parse(text).unwrap_err();
        let keys: Vec<_> = problems.iter().map(|text| text.split_once(':').unwrap().0).collect();
        assert_eq!(keys, ["influx.buckit", "influx.timeout", "keep_hours", "listn", "store"]);
        assert!(!problems.join(" ").contains("secret"), "{problems:?}");

        let text = "tls_cert = \"a\"\nkeep_windows = \"2d\"\nkeep_hours = \"1d\"\nrank_every = \"0s\"\n\
                    [influx]\nurl = \"influx\"\norg = \"\"\nbatch_points = 0\nbatch_bytes = 1\n\
                    points_per_second = 1\ntimeout = \"2m\"\nscores_over = \"1m\"\n\
                    scores_every = \"7h\"\n";
        let ConfigError(problems) = Config::parse(text).unwrap().check().unwrap_err();
        let keys: Vec<_> = problems.iter().map(|text| text.split_once(':').unwrap().0).collect();
        let expected = [
            "tls_cert, tls_key",
            "keep_hours",
            "rank_every",
            "influx.org",
            "influx.bucket",
            "influx.url",
            "influx.batch_points",
            "influx.batch_bytes",
            "influx.points_per_second",
            "influx.timeout",
            "influx.scores_over",
            "influx.scores_every",
        ];
        assert_eq!(keys, expected);
    }

    #[test]
    fn the_password_of_the_store_is_never_printed() {
        let config = Config::parse("store = \"postgres://vantage:secret@db.example/vantage\"\n");
        assert!(!format!("{:?}", config.unwrap()).contains("secret"));
    }
}

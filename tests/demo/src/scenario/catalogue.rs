//! The catalogue that the aggregator gets: that of the scenario, with what is probed.

use toml::{Table, Value};

use super::{Probed, Scenario, host_name};

/// Windows of the live act are short, so that a minute has many.
const WINDOW: &str = "2s";
const INTERVAL: &str = "1s";
const TIMEOUT: &str = "5s";
/// From all vantage points together.
const MOST_PER_SECOND: i64 = 1_000;
/// The file beside the catalogue with the certificate authority of the emulated network.
pub const CA_FILE: &str = "ca.pem";

impl Scenario {
    /// The text of the catalogue.
    ///
    /// # Errors
    /// Where it cannot be written down.
    pub fn catalogue_text(&self) -> Result<String, toml::ser::Error> {
        let mut table = self.file.catalogue.clone();
        let defaults = table.entry("defaults").or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(defaults) = defaults {
            for (key, value) in [("window", WINDOW), ("interval", INTERVAL), ("timeout", TIMEOUT)] {
                defaults.insert(key.to_owned(), value.into());
            }
            defaults.insert("max_attempts_per_second".to_owned(), MOST_PER_SECOND.into());
        }
        let targets = self.targets().into_iter().map(|(id, probed)| {
            let mut target = Table::from_iter([("id".to_owned(), id.as_str().into())]);
            // Documentation addresses are private to agents.
            target.insert("allow_private".to_owned(), true.into());
            let mut probes = vec![Value::Table(Table::from_iter([
                ("kind".to_owned(), "http".into()),
                ("ca_file".to_owned(), CA_FILE.into()),
            ]))];
            match &probed {
                Probed::Site(site) => {
                    target.insert("site".to_owned(), site.as_str().into());
                    target.insert("host".to_owned(), host_name(site).into());
                    if self.file.probe_dns {
                        let address = self.address(site.as_str()).to_string();
                        let expected = Value::Array(vec![address.clone().into()]);
                        probes.push(Value::Table(Table::from_iter([
                            ("kind".to_owned(), "dns".into()),
                            ("server".to_owned(), address.into()),
                            ("expect_addresses".to_owned(), expected),
                        ])));
                    }
                }
                Probed::Service(service) => {
                    target.insert("service".to_owned(), service.as_str().into());
                }
            }
            target.insert("probe".to_owned(), Value::Array(probes));
            Value::Table(target)
        });
        table.insert("target".to_owned(), Value::Array(targets.collect()));
        toml::to_string(&table)
    }
}

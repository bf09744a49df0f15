//! Turns the tables of the file into the checked catalogue, noting all that is wrong.

mod defaults;
mod dns;
mod host;
mod http;
mod migration;
mod objective;
mod of_target;
mod places;
mod probe;
mod target;
mod tls;

use std::cell::Cell;
use std::collections::BTreeMap;

use toml::de::DeTable;

use super::keys;
use super::model::{Catalogue, Defaults};
use super::names::{AllNames, Names};
use super::problem::Findings;
use super::quote::quoted;
use super::rate::{self, Fleet};
use super::section::Section;
use super::value::Text;

/// Most markets, sites, services and migrations.
const MOST_PLACES: usize = 1_000;
/// Most vantage points, and most targets.
const MOST_ENDS: usize = 10_000;

/// Reads a file that the catalogue names; an error says why that failed.
pub type ReadFile<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// What the reading of one table needs to know about the rest.
#[derive(Clone, Copy)]
struct Around<'a> {
    names: &'a AllNames,
    defaults: &'a Defaults,
    read_file: &'a ReadFile<'a>,
    /// How many patterns there were so far.
    patterns: &'a Cell<usize>,
}

/// Reads the whole file. The catalogue is sound where nothing was noted.
pub fn catalogue(
    text: &str,
    findings: &Findings<'_>,
    read_file: &ReadFile<'_>,
) -> Option<Catalogue> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().unwrap_or(0..0);
        findings.add(at.into(), error.message(), "");
    }
    if !errors.is_empty() {
        // What the parser made of the rest may not be what was meant.
        return None;
    }
    let root = Section::open(keys::ROOT, (0..0).into(), root.get_ref(), findings);
    let defaults = defaults::read(&root);
    let markets = root.tables(keys::MARKET, "market", MOST_PLACES);
    let vantages = root.tables(keys::VANTAGE, "vantage", MOST_ENDS);
    let sites = root.tables(keys::SITE, "site", MOST_PLACES);
    let services = root.tables(keys::SERVICE, "service", MOST_PLACES);
    let names = AllNames {
        markets: Names::collect("market", &markets),
        vantages: Names::collect("vantage", &vantages),
        sites: Names::collect("site", &sites),
        services: Names::collect("service", &services),
    };
    let patterns = Cell::new(0);
    let around = Around { names: &names, defaults: &defaults, read_file, patterns: &patterns };
    let mut catalogue = Catalogue {
        markets: all(&markets, |section| places::market(section, around)),
        vantages: all(&vantages, |section| places::vantage(section, around)),
        sites: all(&sites, places::site),
        services: all(&services, |section| places::service(section, around)),
        targets: BTreeMap::new(),
        migrations: BTreeMap::new(),
        objective: objective::read(&root, around),
        defaults: defaults.clone(),
    };
    let targets = root.tables(keys::TARGET, "target", MOST_ENDS);
    let fleet = Fleet::of(&catalogue.markets, &catalogue.vantages);
    let target_names = Names::collect("target", &targets);
    for section in &targets {
        let sound_before = findings.count();
        if let Some((id, target)) =
            target::read(section, around, &target_names, &catalogue.services)
        {
            let cap = section.value("max_attempts_per_second").map_or(section.at, |value| value.at);
            if findings.count() == sound_before {
                rate::check(&target, &id, &fleet, cap, findings);
            }
            catalogue.targets.insert(id, target);
        }
    }
    let migrations = root.tables(keys::MIGRATION, "migration", MOST_PLACES);
    let migration_names = Names::collect("migration", &migrations);
    catalogue.migrations = all(&migrations, |section| {
        migration::read(section, around, &migration_names, &catalogue.services)
    });
    Some(catalogue)
}

fn all<K: Ord, V>(
    sections: &[Section<'_>],
    read: impl Fn(&Section<'_>) -> Option<(K, V)>,
) -> BTreeMap<K, V> {
    sections.iter().filter_map(read).collect()
}

/// A line of text for people.
fn line(section: &Section<'_>, key: &'static str) -> Option<String> {
    const MOST_CHARS: usize = 200;
    let text = section.text(key)?;
    if text.content.is_empty() || text.content.chars().count() > MOST_CHARS {
        text.wrong(format!("`{key}` must have 1 to {MOST_CHARS} characters"), "");
    } else if text.content.chars().any(char::is_control) {
        text.wrong(format!("`{key}` must be one line without control characters"), "");
    }
    Some(text.content.to_owned())
}

/// One of a few words.
fn one_of<T: Copy>(text: Text<'_>, what: &str, words: &[(&str, T)]) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text.content).map(|(_, value)| *value);
    if found.is_none() {
        let known = super::quote::list(words.iter().map(|(word, _)| *word));
        let help = match text.nearest(words.iter().map(|(word, _)| *word)) {
            Some(meant) => format!("did you mean {meant:?}? There are: {known}"),
            None => format!("there are: {known}"),
        };
        text.wrong(format!("{} is no {what}", quoted(text.content)), help);
    }
    found
}

//! What the catalogue has, as documents: markets, sites, migrations.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::{MarketId, MigrationId, ServiceId, SiteId};

use crate::catalogue::Catalogue;

/// A market.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketDocument {
    /// Its name in commands.
    pub market: MarketId,
    /// What people call it.
    pub name: String,
    /// Its share of the users, from 0 to 1; all markets together have 1.
    pub share: f64,
    /// IANA name of the time zone in which its days begin.
    pub time_zone: String,
    /// Where its data must stay; `null`: anywhere.
    pub residency: Option<ResidencyDocument>,
}

/// Where a market's data must stay: at one of the sites, or in one of the countries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResidencyDocument {
    /// ISO 3166-1 codes.
    pub countries: BTreeSet<String>,
    /// Sites.
    pub sites: BTreeSet<SiteId>,
}

/// A hosting location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteDocument {
    /// Its name in commands.
    pub site: SiteId,
    /// The city.
    pub city: Option<String>,
    /// ISO 3166-1 code.
    pub country: String,
    /// Degrees, north positive.
    pub latitude: Option<f64>,
    /// Degrees, east positive.
    pub longitude: Option<f64>,
    /// The hosting company.
    pub provider: Option<String>,
    /// The hosting company's name for the place.
    pub region: Option<String>,
    /// What hosting there costs.
    pub cost_per_month: Option<f64>,
}

/// The move of a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationDocument {
    /// Its name in commands.
    pub migration: MigrationId,
    /// What moves.
    pub service: ServiceId,
    /// Where it was.
    pub from: SiteId,
    /// Where each market is served from afterwards.
    pub to: BTreeMap<MarketId, SiteId>,
    /// When, RFC 3339.
    pub cutover: Timestamp,
    /// How long before and after the cutover is left out of comparisons, in seconds.
    pub guard_s: u64,
    /// Sites that did not move.
    pub control_sites: BTreeSet<SiteId>,
}

/// Every market, by name.
pub fn markets(catalogue: &Catalogue) -> Vec<MarketDocument> {
    let whole: f64 = catalogue.markets.values().map(|market| market.weight).sum();
    let markets = catalogue.markets.iter();
    markets
        .map(|(id, market)| MarketDocument {
            market: id.clone(),
            name: market.name.clone(),
            share: market.weight / whole,
            time_zone: market.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            residency: market.residency.as_ref().map(|rule| ResidencyDocument {
                countries: rule.countries.clone(),
                sites: rule.sites.clone(),
            }),
        })
        .collect()
}

/// Every site, by name.
pub fn sites(catalogue: &Catalogue) -> Vec<SiteDocument> {
    let sites = catalogue.sites.iter();
    sites
        .map(|(id, site)| SiteDocument {
            site: id.clone(),
            city: site.city.clone(),
            country: site.country.clone(),
            latitude: site.position.map(|(latitude, _)| latitude),
            longitude: site.position.map(|(_, longitude)| longitude),
            provider: site.provider.clone(),
            region: site.region.clone(),
            cost_per_month: site.cost_per_month,
        })
        .collect()
}

/// Every migration, by name.
pub fn migrations(catalogue: &Catalogue) -> Vec<MigrationDocument> {
    let migrations = catalogue.migrations.iter();
    migrations
        .map(|(id, migration)| MigrationDocument {
            migration: id.clone(),
            service: migration.service.clone(),
            from: migration.from.clone(),
            to: migration.to.clone(),
            cutover: migration.cutover,
            guard_s: migration.guard.as_secs(),
            control_sites: migration.control_sites.clone(),
        })
        .collect()
}

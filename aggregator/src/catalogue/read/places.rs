//! `[[market]]`, `[[vantage]]`, `[[site]]` and `[[service]]`.

use std::collections::BTreeSet;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use vantage_wire::id::{MarketId, ServiceId, SiteId, VantageId};

use super::super::country::is_code;
use super::super::keys;
use super::super::model::{Market, Residency, Service, Site, Vantage, VantageClass};
use super::super::quote::quoted;
use super::super::section::Section;
use super::super::value::Text;
use super::{Around, host, line, one_of};

const WEIGHTS: std::ops::RangeInclusive<f64> = 1e-9..=1e9;
const COSTS: std::ops::RangeInclusive<f64> = 0.0..=1e12;
/// The first and the last number are reserved (RFC 7607, RFC 7300).
const AS_NUMBERS: std::ops::RangeInclusive<u64> = 1..=4_294_967_294;

/// The name of a table, which has been checked before.
pub fn id<T: std::str::FromStr>(section: &Section<'_>) -> Option<T> {
    section.value("id")?.as_text()?.content.parse().ok()
}

pub fn market(section: &Section<'_>, around: Around<'_>) -> Option<(MarketId, Market)> {
    let id = id::<MarketId>(section);
    let name = line(section, "name");
    let weight = section.number_within("weight", WEIGHTS, "above 0, and at most 1000000000");
    let time_zone = section.required_text("time_zone", "\"Asia/Hong_Kong\"").and_then(time_zone);
    let residency = section.table(keys::RESIDENCY, "residency");
    let residency = residency.and_then(|section| residency_of(&section, around));
    let id = id?;
    let market = Market {
        name: name.unwrap_or_else(|| id.to_string()),
        weight: weight.unwrap_or(1.0),
        time_zone: time_zone.unwrap_or(TimeZone::UTC),
        residency,
    };
    Some((id, market))
}

fn time_zone(text: Text<'_>) -> Option<TimeZone> {
    let database = TimeZoneDatabase::bundled();
    let zone = database.get(text.content).ok();
    // The look-up ignores case; the name is kept and shown, so it must be right.
    if zone.as_ref().and_then(TimeZone::iana_name) == Some(text.content) {
        return zone;
    }
    let names: Vec<_> = database.available().collect();
    let help = match text.nearest(names.iter().map(jiff::tz::TimeZoneName::as_str)) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => "a name of the IANA database, such as \"Asia/Kolkata\"".to_owned(),
    };
    text.wrong(format!("{} is no time zone", quoted(text.content)), help);
    None
}

fn residency_of(section: &Section<'_>, around: Around<'_>) -> Option<Residency> {
    let mut countries = BTreeSet::new();
    for text in section.texts("countries").unwrap_or_default() {
        if let Some(code) = country(text)
            && !countries.insert(code)
        {
            text.wrong(format!("{} is in the list twice", quoted(text.content)), "leave one out");
        }
    }
    let sites = section.texts("sites").unwrap_or_default();
    let sites = around.names.sites.find_all(sites);
    if section.value("countries").is_none() && section.value("sites").is_none() {
        section.findings().add(
            section.at,
            "the residency rule names no country and no site",
            "such as residency = { countries = [\"IN\"] }; without a rule, data may be anywhere",
        );
        return None;
    }
    Some(Residency { countries, sites })
}

fn country(text: Text<'_>) -> Option<String> {
    if is_code(text.content) {
        return Some(text.content.to_owned());
    }
    let capitals = text.content.to_ascii_uppercase();
    let help = match capitals.as_str() {
        "UK" => "the United Kingdom is \"GB\"".to_owned(),
        code if is_code(code) => format!("did you mean {code:?}?"),
        _ => "two capitals of ISO 3166-1, such as \"IN\" or \"US\"".to_owned(),
    };
    text.wrong(format!("{} is no code of a country", quoted(text.content)), help);
    None
}

pub fn vantage(section: &Section<'_>, around: Around<'_>) -> Option<(VantageId, Vantage)> {
    let market = section.required_text("market", "\"hk\"");
    let market = market.and_then(|text| around.names.markets.find(text));
    let network = line(section, "network");
    let asn = section.integer("asn", AS_NUMBERS).and_then(|asn| u32::try_from(asn).ok());
    let classes = VantageClass::ALL.map(|class| (class.name(), class));
    let class = section.text("class").and_then(|text| one_of(text, "class of network", &classes));
    let class = class.unwrap_or(VantageClass::DataCenter);
    Some((id(section)?, Vantage { market: market?, network, asn, class }))
}

pub fn site(section: &Section<'_>) -> Option<(SiteId, Site)> {
    let country = section.required_text("country", "\"US\"").and_then(country);
    let latitude = section.number("latitude", -90.0..=90.0);
    let longitude = section.number("longitude", -180.0..=180.0);
    for (key, other) in [("latitude", "longitude"), ("longitude", "latitude")] {
        if let (Some(value), None) = (section.value(key), section.value(other)) {
            value.wrong(format!("`{key}` needs `{other}` beside it"), "degrees, such as 45.6");
        }
    }
    let site = Site {
        city: line(section, "city"),
        country: country.unwrap_or_default(),
        position: latitude.zip(longitude),
        provider: line(section, "provider"),
        region: line(section, "region"),
        cost_per_month: section.number("cost_per_month", COSTS),
    };
    Some((id(section)?, site))
}

pub fn service(section: &Section<'_>, around: Around<'_>) -> Option<(ServiceId, Service)> {
    let host = section.required_text("host", "\"account.example\"").and_then(host::read);
    if section.value("sites").is_none() {
        section.missing("sites", "[\"beijing\", \"oregon\"]");
    }
    let sites = around.names.sites.find_all(section.texts("sites").unwrap_or_default());
    Some((id(section)?, Service { host: host?, sites }))
}

//! `[[migration]]`.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use vantage_wire::id::{MarketId, MigrationId, ServiceId, SiteId};

use super::super::model::{Migration, Service};
use super::super::names::Names;
use super::super::quote::{list, quoted};
use super::super::section::Section;
use super::super::value::Text;
use super::{Around, places};

const GUARD: Duration = Duration::from_hours(24);
const MOST_GUARD: Duration = Duration::from_hours(30 * 24);

pub fn read(
    section: &Section<'_>,
    around: Around<'_>,
    names: &Names<MigrationId>,
    services: &BTreeMap<ServiceId, Service>,
) -> Option<(MigrationId, Migration)> {
    let service = section.required_text("service", "\"account\"");
    let service = service.and_then(|text| around.names.services.find(text));
    let of_service = service.as_ref().and_then(|id| services.get(id));
    let site = |text: Text<'_>| {
        let site = around.names.sites.find(text)?;
        hosted(text, &site, of_service);
        Some(site)
    };
    let from = section.required_text("from", "\"beijing\"").and_then(site);
    let to = to(section, around, from.as_ref(), &site);
    let control_texts = section.texts("control_sites").unwrap_or_default();
    for text in &control_texts {
        let same = |site: &SiteId| site.as_str() == text.content;
        if from.as_ref().is_some_and(same) || to.values().any(same) {
            let message = format!("site {} takes part in the move", quoted(text.content));
            text.wrong(message, "a control site is one that nothing moves from or to");
        }
    }
    let migration = Migration {
        service: service?,
        from: from?,
        to,
        cutover: cutover(section)?,
        guard: section.span("guard", Duration::ZERO..=MOST_GUARD).unwrap_or(GUARD),
        control_sites: around.names.sites.find_all(control_texts),
    };
    let id = places::id::<MigrationId>(section)?;
    names.ids().any(|known| *known == id).then_some((id, migration))
}

/// Notes where the service is not at this site.
fn hosted(text: Text<'_>, site: &SiteId, service: Option<&Service>) {
    if let Some(service) = service.filter(|service| !service.sites.contains(site)) {
        let sites = list(service.sites.iter().map(SiteId::as_str));
        let message = format!("the service is not hosted at {}", quoted(text.content));
        text.wrong(message, format!("its sites are: {sites}"));
    }
}

/// One site for all markets, or a table with one for each that moves.
fn to(
    section: &Section<'_>,
    around: Around<'_>,
    from: Option<&SiteId>,
    site: &dyn Fn(Text<'_>) -> Option<SiteId>,
) -> BTreeMap<MarketId, SiteId> {
    let Some(value) = section.value("to") else {
        section.missing("to", "\"oregon\", or { hk = \"singapore\", mx = \"oregon\" }");
        return BTreeMap::new();
    };
    let moved = |text: Text<'_>| {
        let site = site(text)?;
        if from == Some(&site) {
            text.wrong(
                format!("the service already is at {}", quoted(text.content)),
                "another site",
            );
        }
        Some(site)
    };
    if let Some(text) = value.as_text() {
        let Some(site) = moved(text) else { return BTreeMap::new() };
        return around.names.markets.ids().map(|market| (market.clone(), site.clone())).collect();
    }
    let Some(entries) = value.as_entries() else {
        value.wrong_type("a site, or a table of markets and sites");
        return BTreeMap::new();
    };
    let mut to = BTreeMap::new();
    for (market, value) in entries {
        let market = around.names.markets.find(market);
        let site = value.text().and_then(moved);
        if let (Some(market), Some(site)) = (market, site) {
            to.insert(market, site);
        }
    }
    if value.as_entries().is_some_and(|mut entries| entries.next().is_none()) {
        value.wrong("no market moves", "such as { hk = \"singapore\", mx = \"oregon\" }");
    }
    to
}

fn cutover(section: &Section<'_>) -> Option<Timestamp> {
    const SUCH_AS: &str = "2014-10-25T02:00:00+08:00";
    let Some(value) = section.value("cutover") else {
        section.missing("cutover", SUCH_AS);
        return None;
    };
    let text = match (value.as_datetime(), value.as_text()) {
        (Some(time), _) => time,
        (None, Some(text)) => text.content.to_owned(),
        (None, None) => {
            value.wrong_type("a time");
            return None;
        }
    };
    let time = text.parse().ok();
    if time.is_none() {
        let message = format!("{} is no instant", quoted(&text));
        value.wrong(message, format!("date, time and offset as in RFC 3339, such as {SUCH_AS}"));
    }
    time
}

//! `[[target]]`.

use std::collections::BTreeMap;

use vantage_wire::id::{ProbeId, ServiceId, TargetId};

use super::super::keys;
use super::super::model::{MeasuredBy, Probe, Service, Target, TargetOf};
use super::super::names::{Names, read as read_id};
use super::super::section::Section;
use super::defaults::RATES;
use super::{Around, host, places, probe};

const MOST_PROBES: usize = 100;

pub fn read(
    section: &Section<'_>,
    around: Around<'_>,
    names: &Names<TargetId>,
    services: &BTreeMap<ServiceId, Service>,
) -> Option<(TargetId, Target)> {
    let of = belongs_to(section, around);
    let allow_private = section.flag("allow_private").unwrap_or(false);
    let host = host_of(section, of.as_ref(), services, allow_private);
    let rate = section.number("max_attempts_per_second", RATES);
    let measured_by = measured_by(section, around);
    let probes = probes(section, around, host.as_deref(), allow_private);
    let id = places::id::<TargetId>(section).filter(|id| names.ids().any(|known| known == id))?;
    let target = Target {
        of: of?,
        host: host?,
        allow_private,
        max_attempts_per_second: rate.unwrap_or(around.defaults.max_attempts_per_second),
        measured_by,
        probes,
    };
    Some((id, target))
}

fn belongs_to(section: &Section<'_>, around: Around<'_>) -> Option<TargetOf> {
    let (site, service) = (section.text("site"), section.text("service"));
    let (has_site, has_service) = (section.value("site"), section.value("service"));
    let of_site = site.and_then(|text| around.names.sites.find(text)).map(TargetOf::Site);
    let of_service = service.and_then(|text| around.names.services.find(text));
    match (has_site, has_service) {
        (None, None) => section.missing("site", "\"oregon\", or service = \"account\""),
        (Some(_), Some(service)) => {
            let help = "a target that stays is of a site, one that moves is of a service";
            service.wrong("a target is of a site or of a service, not of both", help);
        }
        _ => {}
    }
    of_site.or(of_service.map(TargetOf::Service))
}

/// The host; that of the service where the target names none.
fn host_of(
    section: &Section<'_>,
    of: Option<&TargetOf>,
    services: &BTreeMap<ServiceId, Service>,
    allow_private: bool,
) -> Option<String> {
    let (host, at) = match section.value("host") {
        Some(value) => (host::read(value.text()?)?, value.at),
        None => match (of, section.value("service")) {
            (Some(TargetOf::Service(service)), Some(value)) => {
                (services.get(service)?.host.clone(), value.at)
            }
            (None, Some(_)) => return None,
            _ => {
                section.missing("host", "\"oregon.example\"");
                return None;
            }
        },
    };
    host::check(&host, at, allow_private, section);
    Some(host)
}

fn measured_by(section: &Section<'_>, around: Around<'_>) -> MeasuredBy {
    let (markets, vantages) = (section.value("markets"), section.value("vantages"));
    if markets.is_none() && vantages.is_none() {
        return MeasuredBy::All;
    }
    for value in [markets, vantages].into_iter().flatten() {
        if value.items("a list of strings").is_some_and(|items| items.is_empty()) {
            let message = format!("`{}` is empty: nobody would probe the target", value.key);
            value.wrong(message, "leave it out, and all do");
        }
    }
    let markets = section.texts("markets").unwrap_or_default();
    let vantages = section.texts("vantages").unwrap_or_default();
    MeasuredBy::Some {
        markets: around.names.markets.find_all(markets),
        vantages: around.names.vantages.find_all(vantages),
    }
}

fn probes(
    section: &Section<'_>,
    around: Around<'_>,
    host: Option<&str>,
    allow_private: bool,
) -> BTreeMap<ProbeId, Probe> {
    let tables = section.tables(keys::PROBE, "probe", MOST_PROBES);
    let none = section.value("probe").and_then(|value| value.items("a list of tables"));
    if section.value("probe").is_none() || none.is_some_and(|probes| probes.is_empty()) {
        let help = "add [[target.probe]] with kind = \"http\"";
        section.findings().add(section.at, "[[target]] needs at least one probe", help);
    }
    let mut probes: BTreeMap<ProbeId, Probe> = BTreeMap::new();
    for table in &tables {
        let kind = probe::kind(table);
        let named = table.text("id");
        let id = match named {
            Some(text) => read_id(text),
            None => kind.and_then(|kind| ProbeId::new(kind.name()).ok()),
        };
        if let Some(id) = id.as_ref().filter(|id| probes.contains_key(id)) {
            let at = named.map_or(table.at, |text| text.at);
            let help = "give it an `id` of its own; without one it is named after its kind";
            let message = format!("the target already has a probe {:?}", id.as_str());
            table.findings().add(at, message, help);
        }
        let read = kind.and_then(|kind| probe::read(table, kind, around, host, allow_private));
        if let (Some(id), Some(probe)) = (id, read) {
            probes.insert(id, probe);
        }
    }
    probes
}

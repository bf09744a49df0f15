//! `[[target.probe]]`: what all kinds have in common.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use vantage_wire::Phase;
use vantage_wire::exchange::assignment::Action;
use vantage_wire::report::{Family, ProbeKind};

use super::super::address::address;
use super::super::keys;
use super::super::model::Probe;
use super::super::quote::quoted;
use super::super::section::Section;
use super::super::span;
use super::defaults::{INTERVALS, TIMEOUTS};
use super::of_target::OfTarget;
use super::{Around, dns, http, one_of, tls};

const MOST_PAYLOAD_BYTES: u64 = 1_400;
const PAYLOAD_BYTES: u16 = 16;
const HTTPS_PORT: u16 = 443;

/// The kind, which must be there.
pub fn kind(section: &Section<'_>) -> Option<ProbeKind> {
    let words: Vec<_> = ProbeKind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    one_of(section.required_text("kind", "\"http\"")?, "kind of probe", &words)
}

/// The probe; without a host, `None` once everything else is checked.
pub fn read(
    section: &Section<'_>,
    kind: ProbeKind,
    around: Around<'_>,
    host: Option<&str>,
    allow_private: bool,
) -> Option<Probe> {
    for (key, at) in section.present() {
        let concerned: Vec<_> =
            ProbeKind::ALL.iter().filter(|kind| keys::concerns(key, **kind)).collect();
        if !concerned.is_empty() && !concerned.contains(&&kind) {
            let kinds: Vec<_> = concerned.iter().map(|kind| kind.name()).collect();
            let message = format!("`{key}` means nothing to a probe of kind {}", kind.name());
            section.findings().add(at, message, format!("it is for {}", kinds.join(" and ")));
        }
    }
    let interval = section.span("interval", INTERVALS).unwrap_or(around.defaults.interval);
    let timeout = section.span("timeout", TIMEOUTS);
    let whole = timeout.unwrap_or(around.defaults.timeout);
    let phase_timeouts = phase_timeouts(section, whole);
    // What follows has problems of its own to find, whatever the target's host.
    let of_target =
        OfTarget { section, host: host.unwrap_or("host.invalid"), allow_private, around };
    let action = action(of_target, kind);
    let families = families(of_target, kind);
    host?;
    Some(Probe { kind, interval, timeout: whole, phase_timeouts, families, action: action? })
}

fn phase_timeouts(section: &Section<'_>, whole: Duration) -> BTreeMap<Phase, Duration> {
    let Some(table) = section.table(keys::PHASE_TIMEOUTS, "phase_timeouts") else {
        return BTreeMap::new();
    };
    let mut timeouts = BTreeMap::new();
    for key in keys::PHASE_TIMEOUTS.keys {
        let (Some(value), Some(phase)) = (table.value(key), Phase::from_name(key)) else {
            continue;
        };
        let Some(most) = value.span(TIMEOUTS) else { continue };
        if most > whole {
            let (most, whole) = (span::print(most), span::print(whole));
            let message = format!("phase {key} may take {most}, longer than the whole attempt");
            value.wrong(message, format!("the probe's timeout is {whole}"));
        }
        timeouts.insert(phase, most);
    }
    timeouts
}

/// One series for each.
fn families(of: OfTarget<'_>, kind: ProbeKind) -> Vec<Family> {
    let words: [(&str, &[Family]); 4] = [
        ("any", &[Family::Any]),
        ("v4", &[Family::V4]),
        ("v6", &[Family::V6]),
        ("both", &[Family::V4, Family::V6]),
    ];
    let text = of.section.text("family");
    let families = text.and_then(|text| one_of(text, "address family", &words));
    let families = families.unwrap_or(&[Family::Any]);
    if let (Some(text), Some(address)) = (text, address(of.host))
        && kind != ProbeKind::Dns
    {
        let own = if matches!(address, IpAddr::V4(_)) { Family::V4 } else { Family::V6 };
        if families.iter().any(|family| ![own, Family::Any].contains(family)) {
            let message = format!("the host {address} is not reached by {}", quoted(text.content));
            text.wrong(message, format!("leave it out, or {:?}", own.name()));
        }
    }
    families.to_vec()
}

fn action(of: OfTarget<'_>, kind: ProbeKind) -> Option<Action> {
    let section = of.section;
    let host = of.host.to_owned();
    Some(match kind {
        ProbeKind::Icmp => {
            let bytes = section.integer("payload_bytes", 0..=MOST_PAYLOAD_BYTES);
            let bytes = bytes.and_then(|bytes| u16::try_from(bytes).ok());
            Action::Icmp { host, payload_bytes: bytes.unwrap_or(PAYLOAD_BYTES) }
        }
        ProbeKind::Tcp => Action::Tcp { host, port: port(section).unwrap_or(HTTPS_PORT) },
        ProbeKind::Tls => {
            let port = port(section).unwrap_or(HTTPS_PORT);
            Action::Tls { host, port, tls: tls::read(of) }
        }
        ProbeKind::Http => Action::Http(Box::new(http::read(of)?.request)),
        ProbeKind::Dns => Action::Dns(dns::read(of)?),
        ProbeKind::Quic => return quic(of),
    })
}

/// A handshake; with a `url` or anything else of a request, a request to it.
fn quic(of: OfTarget<'_>) -> Option<Action> {
    let section = of.section;
    let port = port(section);
    let alone = |key: &str| {
        keys::concerns(key, ProbeKind::Tls)
            || key == "port"
            || !keys::concerns(key, ProbeKind::Quic)
    };
    if section.present().all(|(key, _)| alone(key)) {
        let port = port.unwrap_or(HTTPS_PORT);
        return Some(Action::Quic {
            host: of.host.to_owned(),
            port,
            tls: tls::read(of),
            request: None,
        });
    }
    let http::Read { request, host, port: url_port, https } = http::read(of)?;
    if !https && let Some(value) = section.value("url") {
        value.wrong("HTTP/3 is for https URLs only", "write https:// instead of http://");
    }
    if let (Some(port), Some(value)) = (port, section.value("port"))
        && port != url_port
    {
        value.wrong(format!("the URL leads to port {url_port}, not {port}"), "leave `port` out");
    }
    let tls = request.tls.clone();
    Some(Action::Quic { host, port: url_port, tls, request: Some(Box::new(request)) })
}

fn port(section: &Section<'_>) -> Option<u16> {
    section.integer("port", 1..=65_535).and_then(|port| u16::try_from(port).ok())
}

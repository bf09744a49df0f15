//! DNS queries.

use std::collections::BTreeSet;

use vantage_wire::address::refused;
use vantage_wire::exchange::assignment::Dns;

use super::super::address::{address, is_name, socket_address};
use super::super::quote::quoted;
use super::of_target::OfTarget;
use super::{one_of, tls};

const DNS_PORT: u16 = 53;
const TLS_PORT: u16 = 853;
const HTTPS_PORT: u16 = 443;
/// Where servers listen by convention (RFC 8484 §4.1.1 uses it in its examples).
const HTTPS_PATH: &str = "/dns-query";

const TYPES: [&str; 17] = [
    "A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV",
    "SSHFP", "SVCB", "TLSA", "TXT",
];
const TRANSPORTS: [(&str, u16); 4] =
    [("udp", DNS_PORT), ("tcp", DNS_PORT), ("tls", TLS_PORT), ("https", HTTPS_PORT)];

pub fn read(of: OfTarget<'_>) -> Option<Dns> {
    let section = of.section;
    let transports = TRANSPORTS.map(|(name, port)| (name, (name, port)));
    let transport = section.text("transport");
    let transport = transport.and_then(|text| one_of(text, "way to ask", &transports));
    let (transport, port) = transport.unwrap_or(("udp", DNS_PORT));
    let types = TYPES.map(|name| (name, name));
    let record_type = section.text("type");
    let record_type = record_type.and_then(|text| one_of(text, "type of record", &types));
    let (tls, path) = (tls::read(of), path(of, transport));
    let encrypted = matches!(transport, "tls" | "https");
    for key in ["server_name", "alpn", "tls_version", "ca_file"] {
        if let Some(value) = section.value(key).filter(|_| !encrypted) {
            let message = format!("`{key}` means nothing over {transport}");
            value.wrong(message, "it is for transport = \"tls\" and \"https\"");
        }
    }
    Some(Dns {
        name: name(of)?,
        record_type: record_type.unwrap_or("A").to_owned(),
        server: server(of, port),
        transport: transport.to_owned(),
        path,
        tls,
        expected_addresses: expected(of),
    })
}

/// What is asked for; the target's host where nothing else is said.
fn name(of: OfTarget<'_>) -> Option<String> {
    let Some(text) = of.section.text("name") else {
        if address(of.host).is_some() && of.section.value("name").is_none() {
            of.section.missing("name", "\"www.example\": the target's host is an address");
            return None;
        }
        return Some(of.host.to_owned());
    };
    if text.content != "." && !is_name(text.content) {
        let message = format!("{} is no DNS name", quoted(text.content));
        text.wrong(message, "such as \"www.example\"; international names as xn--…");
    }
    Some(text.content.to_owned())
}

fn server(of: OfTarget<'_>, port: u16) -> Option<std::net::SocketAddr> {
    let text = of.section.text("server")?;
    let Some(server) = socket_address(text.content, Some(port)) else {
        let message = format!("{} is no address of a DNS server", quoted(text.content));
        text.wrong(message, "such as \"192.0.2.53\" or \"[2001:db8::53]:5353\"");
        return None;
    };
    if let Some(reason) = refused(server.ip(), of.allow_private) {
        let help = "agents refuse it unless the target says allow_private = true";
        text.wrong(format!("{} is {reason}", server.ip()), help);
    }
    Some(server)
}

fn path(of: OfTarget<'_>, transport: &str) -> Option<String> {
    let https = transport == "https";
    let Some(text) = of.section.text("path") else { return https.then(|| HTTPS_PATH.to_owned()) };
    if !https {
        text.wrong("`path` is for transport = \"https\"", "leave it out");
    }
    let sound = text.content.starts_with('/')
        && text.content.parse::<http::uri::PathAndQuery>().is_ok_and(|path| path.query().is_none());
    if !sound {
        text.wrong(format!("{} is no path", quoted(text.content)), "such as \"/dns-query\"");
    }
    Some(text.content.to_owned())
}

fn expected(of: OfTarget<'_>) -> Vec<std::net::IpAddr> {
    let mut addresses = BTreeSet::new();
    for text in of.section.texts("expect_addresses").unwrap_or_default() {
        if let Some(address) = address(text.content) {
            addresses.insert(address);
        } else {
            let message = format!("{} is no address", quoted(text.content));
            text.wrong(message, "such as \"192.0.2.1\" or \"2001:db8::1\"");
        }
    }
    addresses.into_iter().collect()
}

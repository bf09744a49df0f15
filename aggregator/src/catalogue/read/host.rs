//! The host of a service, a target or a URL.

use vantage_wire::address::refused;

use super::super::address::{address, is_localhost, is_name};
use super::super::problem::Place;
use super::super::quote::quoted;
use super::super::section::Section;
use super::super::value::Text;

/// A host name or an address, in its form without brackets.
pub fn read(text: Text<'_>) -> Option<String> {
    if let Some(address) = address(text.content) {
        return Some(address.to_string());
    }
    if is_name(text.content) {
        return Some(text.content.to_owned());
    }
    let help = if text.content.contains("://") {
        "the host alone; a URL belongs to a probe, as `url`"
    } else if text.content.rsplit_once(':').is_some_and(|(host, _)| is_name(host)) {
        "the host alone; a port belongs to a probe, as `port`"
    } else {
        "such as \"oregon.example\" or \"192.0.2.1\"; international names as xn--…"
    };
    text.wrong(format!("{} is neither a host name nor an address", quoted(text.content)), help);
    None
}

/// Notes where every agent would refuse this host.
pub fn check(host: &str, at: Place, allow_private: bool, section: &Section<'_>) {
    let reason = match address(host) {
        Some(address) => refused(address, allow_private),
        None => is_localhost(host).then_some("the agent's own machine").filter(|_| !allow_private),
    };
    if let Some(reason) = reason {
        let lasting = address(host).is_some_and(|address| refused(address, true).is_some());
        let help = if lasting {
            "the address of one host"
        } else {
            "agents refuse it unless the target says allow_private = true"
        };
        section.findings().add(at, format!("{} is {reason}", quoted(host)), help);
    }
}

//! The part of a target behind `dns:`: `name[/TYPE][@[transport://]server[:port][/path]]`.

use crate::net::dns::RecordType;
use crate::spec::{DnsSpec, DnsTransport, TlsParameters};

use super::host::{is_name, socket_address};
use super::target_error::TargetError;

const DNS_PORT: u16 = 53;
const TLS_PORT: u16 = 853;
const HTTPS_PORT: u16 = 443;
const HTTPS_PATH: &str = "/dns-query";

/// Reads it; `target` is the whole target, for messages.
///
/// # Errors
/// What about it makes no sense.
pub fn parse(target: &str, text: &str) -> Result<DnsSpec, TargetError> {
    let wrong = |problem: String| TargetError::Dns { target: target.to_owned(), problem };
    let (question, server) = match text.split_once('@') {
        Some((question, server)) => (question, Some(server)),
        None => (text, None),
    };
    let (name, record_type) = match question.split_once('/') {
        Some((name, record_type)) => (name, record_type),
        None => (question, "A"),
    };
    if name.is_empty() {
        return Err(wrong("there is no name to ask for".to_owned()));
    }
    if name != "." && !is_name(name) {
        return Err(wrong(format!("{name:?} is no DNS name")));
    }
    let record_type: RecordType = record_type
        .to_ascii_uppercase()
        .parse()
        .map_err(|_| wrong(format!("{record_type:?} is no type of record, such as A or MX")))?;
    let (transport, implied, address) = match server {
        None => (DnsTransport::Udp, DNS_PORT, None),
        Some(server) => {
            let (transport, implied, address) = transport(server).map_err(wrong)?;
            (transport, implied, Some(address))
        }
    };
    let server = address
        .map(|address| {
            socket_address(address, implied).ok_or_else(|| {
                wrong(format!("{address:?} is no address of a DNS server, such as 192.0.2.53:53"))
            })
        })
        .transpose()?;
    let name = name.to_owned();
    Ok(DnsSpec { name, record_type, server, transport, expected_addresses: Vec::new() })
}

/// How a server is asked, its usual port and its address.
fn transport(server: &str) -> Result<(DnsTransport, u16, &str), String> {
    let Some((scheme, rest)) = server.split_once("://") else {
        return Ok((DnsTransport::Udp, DNS_PORT, server));
    };
    let tls = TlsParameters::default;
    match scheme {
        "udp" => Ok((DnsTransport::Udp, DNS_PORT, rest)),
        "tcp" => Ok((DnsTransport::Tcp, DNS_PORT, rest)),
        "tls" => Ok((DnsTransport::Tls(tls()), TLS_PORT, rest)),
        "https" => {
            let at = rest.find('/').unwrap_or(rest.len());
            let (address, path) = rest.split_at(at);
            let path = if path.is_empty() { HTTPS_PATH } else { path };
            Ok((DnsTransport::Https(tls(), path.to_owned()), HTTPS_PORT, address))
        }
        _ => Err(format!("unknown way to ask {scheme:?}; there are udp, tcp, tls and https")),
    }
}

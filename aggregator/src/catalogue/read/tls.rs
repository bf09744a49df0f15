//! How TLS is spoken: the keys `server_name`, `alpn`, `tls_version` and `ca_file` of a probe.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use vantage_wire::exchange::assignment::Tls;

use super::super::address::{address, is_name};
use super::super::quote::quoted;
use super::super::value::Text;
use super::of_target::OfTarget;
use super::one_of;

const MOST_PROTOCOLS: usize = 16;

pub fn read(of: OfTarget<'_>) -> Tls {
    let section = of.section;
    let server_name = section.text("server_name");
    if let Some(text) = server_name
        && !is_name(text.content)
        && address(text.content).is_none()
    {
        let message = format!("{} is no name of a server", quoted(text.content));
        text.wrong(message, "the name in the certificate, such as \"www.example\"");
    }
    let versions = [("1.2", "1.2"), ("1.3", "1.3")];
    let version = section.text("tls_version");
    let version = version.and_then(|text| one_of(text, "version of TLS", &versions));
    Tls {
        server_name: server_name.map(|text| text.content.to_owned()),
        alpn: alpn(of),
        version: version.map(str::to_owned),
        ca_pem: section.text("ca_file").and_then(|text| authorities(text, of)),
    }
}

fn alpn(of: OfTarget<'_>) -> Vec<String> {
    let texts = of.section.texts("alpn").unwrap_or_default();
    if let Some(value) = of.section.value("alpn").filter(|_| texts.len() > MOST_PROTOCOLS) {
        value.wrong(format!("there may be at most {MOST_PROTOCOLS} protocols"), "");
    }
    for text in &texts {
        // RFC 7301 §3.1.
        if !(1..=255).contains(&text.content.len()) {
            text.wrong("a protocol's name has 1 to 255 bytes", "such as \"h2\" or \"http/1.1\"");
        }
    }
    texts.into_iter().map(|text| text.content.to_owned()).collect()
}

/// The certificates of a file. It is sent to agents, so it must hold nothing else.
fn authorities(text: Text<'_>, of: OfTarget<'_>) -> Option<String> {
    let pem = match (of.around.read_file)(text.content) {
        Ok(pem) => pem,
        Err(problem) => {
            text.wrong(format!("cannot read {}: {problem}", quoted(text.content)), "");
            return None;
        }
    };
    if pem.contains("PRIVATE KEY") {
        let message =
            format!("{} holds a private key, and agents would get it", quoted(text.content));
        text.wrong(message, "a file with the certificates alone");
        return None;
    }
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| store.add(certificate).map_err(|error| error.to_string()));
        if let Err(problem) = added {
            text.wrong(format!("{}: {problem}", quoted(text.content)), "certificates in PEM");
            return None;
        }
    }
    if store.is_empty() {
        text.wrong(format!("{} holds no certificate", quoted(text.content)), "certificates in PEM");
        return None;
    }
    Some(pem)
}

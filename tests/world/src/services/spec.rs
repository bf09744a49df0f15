//! The configuration of one service, as it stands in a world file under `[[host.service]]`.

use serde::Deserialize;

use super::admission::Admission;
use super::behaviour::Behaviour;
use super::ca::CertificateKind;
use super::dns::{Records, View, Zone};
use super::tcp::TcpBehaviour;
use super::tls::{Alpn, TlsVersion};

/// One service of a host; `kind` chooses the variant.
///
/// ```toml
/// [[host.service]]
/// kind = "https"
/// names = ["sg.shop.test"]
/// certificate = "valid"
/// behaviour = { wait-ms = 30 }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ServiceSpec {
    /// HTTP/1.1, or HTTP/2 by prior knowledge, over plain TCP.
    Http(HttpSpec),
    /// HTTP/1.1 and HTTP/2 over TLS.
    Https(HttpsSpec),
    /// HTTP/3 over QUIC.
    H3(H3Spec),
    /// DNS over UDP and TCP.
    Dns(DnsSpec),
    /// A TCP port without a protocol.
    Tcp(TcpSpec),
}

/// What a service's port belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortKind {
    /// A TCP port.
    Tcp,
    /// A UDP port.
    Udp,
}

/// A plain HTTP service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HttpSpec {
    /// TCP port; 0 lets the system choose. (default 80)
    pub port: u16,
    /// What every request meets unless its path says otherwise. (default `"ok"`)
    pub behaviour: Behaviour,
    /// What a connection meets before any request. (default `"serve"`)
    pub admission: Admission,
}

impl Default for HttpSpec {
    fn default() -> Self {
        Self { port: 80, behaviour: Behaviour::Ok, admission: Admission::Serve }
    }
}

/// An HTTPS service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct HttpsSpec {
    /// TCP port; 0 lets the system choose. (default 443)
    pub port: u16,
    /// Names on the certificate. The addresses that the service is bound to are always on it as well.
    pub names: Vec<String>,
    /// What is right or wrong with the certificate. (default `"valid"`)
    pub certificate: CertificateKind,
    /// Versions of TLS to accept. (default `["1.2", "1.3"]`)
    pub tls: Vec<TlsVersion>,
    /// Protocols to negotiate by ALPN, the preferred one first; none: ALPN is not answered. (default
    /// `["h2", "http/1.1"]`)
    pub alpn: Vec<Alpn>,
    /// What every request meets unless its path says otherwise. (default `"ok"`)
    pub behaviour: Behaviour,
    /// What a connection meets before any request. (default `"serve"`)
    pub admission: Admission,
}

impl Default for HttpsSpec {
    fn default() -> Self {
        Self {
            port: 443,
            names: Vec::new(),
            certificate: CertificateKind::Valid,
            tls: vec![TlsVersion::Tls12, TlsVersion::Tls13],
            alpn: vec![Alpn::H2, Alpn::Http11],
            behaviour: Behaviour::Ok,
            admission: Admission::Serve,
        }
    }
}

/// An HTTP/3 service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct H3Spec {
    /// UDP port; 0 lets the system choose. (default 443)
    pub port: u16,
    /// Names on the certificate. The addresses that the service is bound to are always on it as well.
    pub names: Vec<String>,
    /// What is right or wrong with the certificate. (default `"valid"`)
    pub certificate: CertificateKind,
    /// What every request meets unless its path says otherwise. (default `"ok"`)
    pub behaviour: Behaviour,
    /// What a connection meets before any request. (default `"serve"`)
    pub admission: Admission,
}

impl Default for H3Spec {
    fn default() -> Self {
        Self {
            port: 443,
            names: Vec::new(),
            certificate: CertificateKind::Valid,
            behaviour: Behaviour::Ok,
            admission: Admission::Serve,
        }
    }
}

/// A DNS service, on the UDP and the TCP port of the same number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DnsSpec {
    /// Port; 0 lets the system choose. (default 53)
    pub port: u16,
    /// Time to live of records whose entry gives none, and of negative answers. (s, default 60)
    pub ttl_s: u32,
    /// What everybody is answered. A name that is not listed does not exist.
    pub records: Records,
    /// What some clients are answered instead. For each name, the first view that lists the client and the name counts.
    pub views: Vec<View>,
}

impl Default for DnsSpec {
    fn default() -> Self {
        Self { port: 53, ttl_s: 60, records: Records::new(), views: Vec::new() }
    }
}

/// A plain TCP service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TcpSpec {
    /// TCP port; 0 lets the system choose.
    pub port: u16,
    /// What a connection meets. (default `"accept"`)
    #[serde(default)]
    pub behaviour: TcpBehaviour,
}

impl ServiceSpec {
    /// The word of `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Https(_) => "https",
            Self::H3(_) => "h3",
            Self::Dns(_) => "dns",
            Self::Tcp(_) => "tcp",
        }
    }

    /// The port's number.
    pub fn port(&self) -> u16 {
        match self {
            Self::Http(spec) => spec.port,
            Self::Https(spec) => spec.port,
            Self::H3(spec) => spec.port,
            Self::Dns(spec) => spec.port,
            Self::Tcp(spec) => spec.port,
        }
    }

    /// What the service takes of its host. Two services of one host must not take the same kind and number.
    pub fn ports(&self) -> Vec<(PortKind, u16)> {
        let kinds: &[PortKind] = match self {
            Self::Http(_) | Self::Https(_) | Self::Tcp(_) => &[PortKind::Tcp],
            Self::H3(_) => &[PortKind::Udp],
            Self::Dns(_) => &[PortKind::Tcp, PortKind::Udp],
        };
        kinds.iter().map(|&kind| (kind, self.port())).collect()
    }

    /// Whether an HTTP, HTTPS or HTTP/3 service can do `admission`; always false for the others.
    pub fn fits(&self, admission: Admission) -> bool {
        match self {
            Self::Http(_) => admission.fits_http(),
            Self::Https(_) => admission.fits_https(),
            Self::H3(_) => admission.fits_h3(),
            Self::Dns(_) | Self::Tcp(_) => false,
        }
    }

    /// Every problem that the types do not rule out, each naming its key; empty when the service is sound.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        match self {
            Self::Http(spec) => {
                problems.extend(self.problems_of_site(&[], &spec.behaviour, spec.admission));
            }
            Self::Https(spec) => {
                if spec.tls.is_empty() {
                    problems.push("tls is empty, must name a version".to_owned());
                }
                problems.extend(self.problems_of_site(
                    &spec.names,
                    &spec.behaviour,
                    spec.admission,
                ));
            }
            Self::H3(spec) => {
                problems.extend(self.problems_of_site(
                    &spec.names,
                    &spec.behaviour,
                    spec.admission,
                ));
            }
            Self::Dns(spec) => {
                let zone = Zone::new(spec.ttl_s, spec.records.clone(), spec.views.clone());
                problems.extend(zone.err().unwrap_or_default());
            }
            Self::Tcp(_) => {}
        }
        problems
    }

    fn problems_of_site(
        &self,
        names: &[String],
        behaviour: &Behaviour,
        admission: Admission,
    ) -> Vec<String> {
        let mut problems: Vec<String> = names
            .iter()
            .filter(|name| rustls::pki_types::DnsName::try_from(name.as_str()).is_err())
            .map(|name| format!("names: {name:?} is no host name"))
            .collect();
        problems.extend(behaviour.check().err().map(|problem| format!("behaviour: {problem}")));
        if !self.fits(admission) {
            problems.push(format!("admission: no {} service can do {admission:?}", self.kind()));
        }
        problems
    }
}

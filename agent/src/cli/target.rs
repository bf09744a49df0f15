//! What a person calls a target, and the probe that it stands for.

use std::net::IpAddr;

use http::Uri;
use vantage_wire::report::ProbeKind;

use super::dns_target;
use super::host::{host_and_port, port_of};
use super::target_error::TargetError;
use crate::spec::{Action, Host, HttpSpec, IcmpSpec, QuicSpec, TcpSpec, TlsParameters, TlsSpec};

const HTTPS_PORT: u16 = 443;
const ICMP_PAYLOAD_BYTES: u16 = 16;
const ICMP_TTL: u8 = 64;

/// Reads a target. Its kind is the one asked for, or the one that its form stands for.
///
/// # Errors
/// What about it makes no sense.
pub fn parse(text: &str, asked: Option<ProbeKind>) -> Result<Action, TargetError> {
    let target = text.trim();
    if let Some((scheme, _)) = target.split_once("://")
        && !scheme.contains(['@', '/'])
    {
        return from_url(target, scheme, asked);
    }
    if let Some((word, rest)) = target.split_once(':')
        && let Some(kind) = ProbeKind::from_name(word).filter(|kind| *kind != ProbeKind::Http)
    {
        return match asked {
            Some(asked) if asked != kind => Err(TargetError::Kind {
                target: target.to_owned(),
                own: kind.name(),
                asked: asked.name(),
            }),
            _ => of_kind(target, rest, kind),
        };
    }
    let kind = asked.unwrap_or_else(|| {
        let has_port = target.parse::<IpAddr>().is_err() && port_of(target).is_some();
        if has_port { ProbeKind::Tcp } else { ProbeKind::Icmp }
    });
    of_kind(target, target, kind)
}

/// A target without its scheme.
fn of_kind(target: &str, rest: &str, kind: ProbeKind) -> Result<Action, TargetError> {
    let tls = TlsParameters::default;
    let no_port = || TargetError::NoPort(target.to_owned());
    Ok(match kind {
        ProbeKind::Dns => Action::Dns(dns_target::parse(target, rest)?),
        ProbeKind::Http => return from_url(&format!("https://{rest}"), "https", None),
        ProbeKind::Icmp => match host_and_port(target, rest)? {
            (host, None) => icmp(host),
            (_, Some(port)) => {
                let problem =
                    TargetError::Port { target: target.to_owned(), port: port.to_string() };
                return Err(problem);
            }
        },
        ProbeKind::Tcp => {
            let (host, port) = host_and_port(target, rest)?;
            Action::Tcp(TcpSpec { host, port: port.ok_or_else(no_port)? })
        }
        ProbeKind::Tls => {
            let (host, port) = host_and_port(target, rest)?;
            Action::Tls(TlsSpec { host, port: port.unwrap_or(HTTPS_PORT), tls: tls() })
        }
        ProbeKind::Quic => {
            let (host, port) = host_and_port(target, rest)?;
            let port = port.unwrap_or(HTTPS_PORT);
            Action::Quic(QuicSpec { host, port, tls: tls(), request: None })
        }
    })
}

fn icmp(host: Host) -> Action {
    Action::Icmp(IcmpSpec { host, payload_bytes: ICMP_PAYLOAD_BYTES, ttl: ICMP_TTL })
}

/// A URL: a request, or with another kind asked for, a probe of its host.
fn from_url(target: &str, scheme: &str, asked: Option<ProbeKind>) -> Result<Action, TargetError> {
    let scheme = scheme.to_ascii_lowercase();
    let own = match scheme.as_str() {
        "http" | "https" => ProbeKind::Http,
        "h3" => ProbeKind::Quic,
        _ => return Err(TargetError::Scheme { target: target.to_owned(), scheme }),
    };
    let secure = if own == ProbeKind::Quic {
        format!("https{}", &target[scheme.len()..])
    } else {
        target.to_owned()
    };
    let problem =
        |problem: &str| TargetError::Url { target: target.to_owned(), problem: problem.to_owned() };
    let url: Uri =
        secure.parse().map_err(|error: http::uri::InvalidUri| problem(&error.to_string()))?;
    let authority = url.authority().ok_or_else(|| TargetError::NoHost(target.to_owned()))?;
    if authority.as_str().contains('@') {
        return Err(problem("a user name has no place in it; use --header"));
    }
    let (host, port) = host_and_port(target, authority.as_str())?;
    let implied = if scheme == "http" { 80 } else { HTTPS_PORT };
    let port = port.unwrap_or(implied);
    let tls = TlsParameters::default();
    Ok(match asked.unwrap_or(own) {
        ProbeKind::Http if own == ProbeKind::Http => Action::Http(HttpSpec::get(url)),
        ProbeKind::Quic if scheme != "http" => {
            let request = Some(Box::new(HttpSpec::get(url)));
            Action::Quic(QuicSpec { host, port, tls, request })
        }
        ProbeKind::Tcp => Action::Tcp(TcpSpec { host, port }),
        ProbeKind::Tls => Action::Tls(TlsSpec { host, port, tls }),
        ProbeKind::Icmp => icmp(host),
        ProbeKind::Dns => Action::Dns(dns_target::parse(target, &host.to_string())?),
        asked => {
            let (own, asked) = (own.name(), asked.name());
            return Err(TargetError::Kind { target: target.to_owned(), own, asked });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A short form of what a target was taken for.
    fn read(text: &str, kind: Option<ProbeKind>) -> String {
        match parse(text, kind).unwrap_or_else(|error| panic!("{text}: {error}")) {
            Action::Icmp(spec) => format!("icmp {}", spec.host),
            Action::Tcp(spec) => format!("tcp {} {}", spec.host, spec.port),
            Action::Tls(spec) => format!("tls {} {}", spec.host, spec.port),
            Action::Http(spec) => format!("http {}", spec.url),
            Action::Dns(spec) => {
                format!(
                    "dns {} {} {:?} {:?}",
                    spec.name, spec.record_type, spec.server, spec.transport
                )
            }
            Action::Quic(spec) => match spec.request {
                None => format!("quic {} {}", spec.host, spec.port),
                Some(request) => format!("h3 {} {} {}", spec.host, spec.port, request.url),
            },
        }
    }

    #[test]
    fn forms_stand_for_kinds() {
        for (text, expected) in [
            ("https://api.test/health?deep=1", "http https://api.test/health?deep=1"),
            ("HTTP://api.test:8080", "http http://api.test:8080/"),
            ("https://[2001:db8::1]:8443/", "http https://[2001:db8::1]:8443/"),
            ("api.test:443", "tcp api.test 443"),
            ("192.0.2.1:22", "tcp 192.0.2.1 22"),
            ("[2001:db8::1]:443", "tcp 2001:db8::1 443"),
            ("tcp:api.test:22", "tcp api.test 22"),
            ("tls:api.test:8443", "tls api.test 8443"),
            ("tls:api.test", "tls api.test 443"),
            ("quic:api.test", "quic api.test 443"),
            ("quic:[2001:db8::1]:4433", "quic 2001:db8::1 4433"),
            ("h3://api.test/health", "h3 api.test 443 https://api.test/health"),
            ("icmp:192.0.2.1", "icmp 192.0.2.1"),
            ("icmp:2001:db8::1", "icmp 2001:db8::1"),
            ("icmp:[2001:db8::1]", "icmp 2001:db8::1"),
            ("2001:db8::1", "icmp 2001:db8::1"),
            ("api.test", "icmp api.test"),
            ("dns:api.test", "dns api.test A None Udp"),
            ("dns:api.test/aaaa@192.0.2.53", "dns api.test AAAA Some(192.0.2.53:53) Udp"),
            (
                "dns:api.test/MX@[2001:db8::53]:5353",
                "dns api.test MX Some([2001:db8::53]:5353) Udp",
            ),
            ("dns:api.test@tcp://192.0.2.53", "dns api.test A Some(192.0.2.53:53) Tcp"),
        ] {
            assert_eq!(read(text, None), expected, "{text}");
        }
    }

    #[test]
    fn a_kind_that_is_asked_for_takes_the_host_of_any_target() {
        for (text, kind, expected) in [
            ("api.test:443", ProbeKind::Tls, "tls api.test 443"),
            ("https://api.test/", ProbeKind::Tcp, "tcp api.test 443"),
            ("http://api.test/", ProbeKind::Tcp, "tcp api.test 80"),
            ("https://api.test/", ProbeKind::Icmp, "icmp api.test"),
            ("https://api.test/x", ProbeKind::Quic, "h3 api.test 443 https://api.test/x"),
            ("api.test", ProbeKind::Http, "http https://api.test/"),
            ("api.test@192.0.2.53", ProbeKind::Dns, "dns api.test A Some(192.0.2.53:53) Udp"),
        ] {
            assert_eq!(read(text, Some(kind)), expected, "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_said_in_one_line() {
        for (text, kind, expected) in [
            ("ftp://api.test", None, "unknown scheme \"ftp\""),
            ("api.test:0", None, "port \"0\" must be a number from 1 to 65535"),
            ("api.test:https", None, "port \"https\" must be"),
            ("https://api.test:0/", None, "port \"0\" must be"),
            ("https://api.test:99999/", None, ""),
            ("tcp:api.test", None, "needs a port, as in tcp:api.test:443"),
            ("icmp:api.test:80", None, "port \"80\""),
            ("", None, "names no host"),
            (":443", None, "names no host"),
            ("https:///path", None, ""),
            ("https://me:secret@api.test/", None, "use --header"),
            ("api test", None, "\"api test\" is neither"),
            ("bücher.test", None, "xn--"),
            ("192.0.2.256", None, "\"192.0.2.256\" is neither"),
            ("[2001:db8::1", None, "is neither"),
            ("dns:", None, "no name to ask for"),
            ("dns:api.test/NOPE", None, "\"NOPE\" is no type of record"),
            ("dns:api.test@resolver.test", None, "\"resolver.test\" is no address"),
            ("dns:api.test@192.0.2.53:0", None, "is no address"),
            ("tcp:api.test:1", Some(ProbeKind::Tls), "is of kind tcp, not tls"),
            ("h3://api.test/", Some(ProbeKind::Http), "is of kind quic, not http"),
        ] {
            let error = parse(text, kind).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}

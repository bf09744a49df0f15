//! What can be said to `probe`, and the specifications it amounts to.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method};
use vantage_wire::report::{Family, ProbeKind};

use crate::cli::exit::CommandError;
use crate::cli::target_error::TargetError;
use crate::cli::{duration, target};
use crate::spec::{
    Action, DnsTransport, Host, HttpSpec, HttpVersion, PhaseTimeouts, ProbeSpec, TlsParameters,
};

/// More than the certificate authorities of any system.
const MOST_CA_BYTES: u64 = 4 * 1024 * 1024;
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
const MOST_INTERVAL: Duration = Duration::from_hours(24);
const LEAST_TIMEOUT: Duration = Duration::from_millis(1);
const MOST_TIMEOUT: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
Targets:
  https://host/path  http://…   an HTTP request, over HTTP/2 where offered
  h3://host/path                an HTTP/3 request
  host:port  tcp:host:port      a TCP handshake
  tls:host[:port]               a TCP and a TLS handshake
  quic:host[:port]              a QUIC handshake
  host  icmp:host               an ICMP echo
  dns:name[/TYPE][@server]      a DNS query; the server may be 192.0.2.53:5353, tcp://…, tls://…,
                                https://192.0.2.53/dns-query; without one, the system's first
  IPv6 addresses with a port go in brackets: [2001:db8::1]:443

Exit codes:
  0  every attempt succeeded
  1  an attempt failed
  2  wrong arguments or files
  3  no attempt came as far as a target: its name has no address, this machine has no route or
     no permission
  5  the output could not be written, or the system refused to run

Examples:
  vantage-agent probe https://example.com
  vantage-agent probe example.com:443 icmp:example.com dns:example.com@192.0.2.53
  vantage-agent probe --count 100 --interval 100ms --json tls:example.com > attempts.jsonl";

/// Probes targets from here and shows each phase as it happens.
///
/// Attempts begin on time whether or not earlier ones have ended, so that a target that stalls
/// shows as many slow attempts as it would have cost its users. Bars show the phases of an attempt
/// by letter and colour: d dns, c connect (the kernel's handshake time), t tls, r request (until
/// the first byte), x transfer, e echo. Ctrl-C ends with the summary.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// What to probe; see below. Several are probed side by side
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Take every target for this kind: icmp, tcp, tls, http, dns or quic
    #[arg(long, short, value_parser = kind)]
    pub kind: Option<ProbeKind>,
    /// Attempts for each target [default: until Ctrl-C on a terminal, 5 elsewhere]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Time from one attempt to the next; at least 10ms
    #[arg(long, short, value_name = "SPAN", default_value = "1s", value_parser = interval)]
    pub interval: Duration,
    /// Most time for an attempt; at most 60s
    #[arg(long, short, value_name = "SPAN", default_value = "5s", value_parser = timeout)]
    pub timeout: Duration,
    /// Use IPv4 only
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// Use IPv6 only
    #[arg(short = '6')]
    pub ipv6: bool,

    /// Trust the certificate authorities in this PEM file instead of the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub ca: Option<PathBuf>,
    /// Ask for this name, and expect it in the certificate [default: the host]
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub server_name: Option<String>,

    /// Method of the request [default: GET]
    #[arg(long, short = 'X', help_heading = "HTTP")]
    pub method: Option<Method>,
    /// Send this header, as in `Accept: text/html`; may be given several times
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header, help_heading = "HTTP")]
    pub header: Vec<(String, String)>,
    /// Statuses that are a success, as in `200,204,300-399` [default: 200-399]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = statuses, help_heading = "HTTP")]
    pub expect_status: Vec<StatusRange>,
    /// Follow up to so many redirects [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=20), help_heading = "HTTP")]
    pub follow: Option<u32>,
    /// Speak HTTP/1.1 only
    #[arg(long, conflicts_with = "http2", help_heading = "HTTP")]
    pub http1: bool,
    /// Speak HTTP/2 only
    #[arg(long, help_heading = "HTTP")]
    pub http2: bool,
    /// Keep the connection open and measure requests on it, instead of connecting anew each time
    #[arg(long, help_heading = "HTTP")]
    pub reuse: bool,

    /// Write one JSON document a line: each attempt, then a summary of each target
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Also write all times to this file, as a log that HdrHistogram's tools open
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub histogram: Option<PathBuf>,
    /// Use no colour; so does a variable `NO_COLOR` in the environment
    #[arg(long, help_heading = "Output")]
    pub no_color: bool,
    /// Show the summary only
    #[arg(long, short, help_heading = "Output")]
    pub quiet: bool,
}

/// Statuses from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange(u16, u16);

impl Arguments {
    /// The probe of each target, in their order.
    ///
    /// # Errors
    /// What makes no sense, or cannot be read.
    pub fn specs(&self) -> Result<Vec<ProbeSpec>, CommandError> {
        let usage = |error: TargetError| CommandError::Usage(error.to_string());
        let ca_pem = self.ca.as_deref().map(read_ca).transpose()?;
        let mut specs = Vec::new();
        for text in &self.targets {
            let mut action = target::parse(text, self.kind).map_err(usage)?;
            self.adjust(&mut action, ca_pem.as_deref());
            specs.push(ProbeSpec {
                action,
                family: self.family(),
                timeout: self.timeout,
                phase_timeouts: PhaseTimeouts::default(),
            });
        }
        self.check_use(&specs)?;
        for (text, spec) in self.targets.iter().zip(&specs) {
            self.check_family(text, spec)?;
        }
        Ok(specs)
    }

    fn family(&self) -> Family {
        match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        }
    }

    fn adjust(&self, action: &mut Action, ca_pem: Option<&str>) {
        let speak = |tls: &mut TlsParameters| {
            tls.ca_pem = ca_pem.map(str::to_owned);
            tls.server_name.clone_from(&self.server_name);
        };
        match action {
            Action::Icmp(_) | Action::Tcp(_) => {}
            Action::Tls(spec) => speak(&mut spec.tls),
            Action::Http(spec) => {
                speak(&mut spec.tls);
                self.ask(spec);
            }
            Action::Quic(spec) => {
                speak(&mut spec.tls);
                if let Some(request) = &mut spec.request {
                    self.ask(request);
                }
            }
            Action::Dns(spec) => match &mut spec.transport {
                DnsTransport::Tls(tls) | DnsTransport::Https(tls, _) => speak(tls),
                DnsTransport::Udp | DnsTransport::Tcp => {}
            },
        }
    }

    fn ask(&self, request: &mut HttpSpec) {
        if let Some(method) = &self.method {
            request.method = method.clone();
        }
        request.headers.clone_from(&self.header);
        request.version = match (self.http1, self.http2) {
            (true, _) => HttpVersion::Http1,
            (_, true) => HttpVersion::Http2,
            _ => HttpVersion::Best,
        };
        request.expect.statuses =
            self.expect_status.iter().flat_map(|range| range.0..=range.1).collect();
        request.follow_redirects = self.follow.unwrap_or(0);
        request.reuse = self.reuse;
    }

    /// An address has a family of its own.
    fn check_family(&self, text: &str, spec: &ProbeSpec) -> Result<(), CommandError> {
        let address = match spec.action.host() {
            Some(Host::Address(address)) => address,
            Some(Host::Name(_)) | None => return Ok(()),
        };
        let (own, flag) = if address.is_ipv4() { ("IPv4", "-6") } else { ("IPv6", "-4") };
        if (self.ipv4 && address.is_ipv6()) || (self.ipv6 && address.is_ipv4()) {
            let problem = format!("target {text:?} is an {own} address, which {flag} excludes");
            return Err(CommandError::Usage(problem));
        }
        Ok(())
    }

    /// An option that no target can use is a mistake, not a wish.
    fn check_use(&self, specs: &[ProbeSpec]) -> Result<(), CommandError> {
        let about_requests = self.method.is_some()
            || !self.header.is_empty()
            || !self.expect_status.is_empty()
            || self.follow.is_some()
            || self.reuse;
        let asks = |spec: &ProbeSpec| match &spec.action {
            Action::Http(_) => true,
            Action::Quic(spec) => spec.request.is_some(),
            _ => false,
        };
        if about_requests && !specs.iter().any(asks) {
            let problem = "there are options for HTTP, but no target is an HTTP request";
            return Err(CommandError::Usage(problem.to_owned()));
        }
        let over_tcp = |spec: &ProbeSpec| matches!(spec.action, Action::Http(_));
        if (self.http1 || self.http2) && !specs.iter().any(over_tcp) {
            let problem = "--http1 and --http2 are for http:// and https://, of which no target is";
            return Err(CommandError::Usage(problem.to_owned()));
        }
        Ok(())
    }
}

fn read_ca(path: &Path) -> Result<String, CommandError> {
    let wrong =
        |problem: String| CommandError::Usage(format!("--ca {}: {problem}", path.display()));
    let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut text = String::new();
    let read = file.take(MOST_CA_BYTES + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| wrong(error.to_string()))?;
    if bytes as u64 > MOST_CA_BYTES {
        return Err(wrong(format!("is larger than {MOST_CA_BYTES} bytes")));
    }
    if !text.contains("-----BEGIN CERTIFICATE-----") {
        return Err(wrong("holds no certificate in PEM form".to_owned()));
    }
    Ok(text)
}

fn kind(text: &str) -> Result<ProbeKind, String> {
    ProbeKind::from_name(text).ok_or_else(|| "must be icmp, tcp, tls, http, dns or quic".to_owned())
}

fn interval(text: &str) -> Result<Duration, String> {
    duration::parse_within(text, LEAST_INTERVAL, MOST_INTERVAL)
}

fn timeout(text: &str) -> Result<Duration, String> {
    duration::parse_within(text, LEAST_TIMEOUT, MOST_TIMEOUT)
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once(':').ok_or("must be a name, a colon and a value, as in `Accept: */*`")?;
    let (name, value) = (name.trim(), value.trim());
    HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
    HeaderValue::try_from(value).map_err(|_| "the value holds characters that none may")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn statuses(text: &str) -> Result<StatusRange, String> {
    let wrong = || format!("{text:?} is no status, such as 200 or 300-399");
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let status = |text: &str| text.trim().parse().ok().filter(|code| (100..=599).contains(code));
    match (status(first), status(last)) {
        (Some(first), Some(last)) if first <= last => Ok(StatusRange(first, last)),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_headers_are_read() {
        assert_eq!(statuses("200"), Ok(StatusRange(200, 200)));
        assert_eq!(statuses("300-399"), Ok(StatusRange(300, 399)));
        for text in ["", "99", "600", "399-300", "2xx"] {
            assert!(statuses(text).is_err(), "{text}");
        }
        assert_eq!(header("Accept:  */*"), Ok(("Accept".to_owned(), "*/*".to_owned())));
        for text in ["Accept", "no name: x", "A: b\nC: d"] {
            assert!(header(text).is_err(), "{text}");
        }
    }
}

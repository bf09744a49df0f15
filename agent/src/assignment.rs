//! What the aggregator has the agent do: read into probes, and kept for the next start.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use http::Method;
use vantage_wire::exchange::Assignment;
use vantage_wire::exchange::assignment::{self, AssignedProbe, AssignedTarget};
use vantage_wire::report::ProbeKey;
use vantage_wire::{Micros, Phase};

use crate::guard::Guard;
use crate::net::dns::RecordType;
use crate::schedule::SHORTEST_INTERVAL;
use crate::spec::{
    Action, DnsSpec, DnsTransport, Expectations, Host, HttpSpec, HttpVersion, IcmpSpec,
    PhaseTimeouts, ProbeSpec, QuicSpec, TcpSpec, TlsParameters, TlsSpec, TlsVersions,
};
use crate::spool::{Storage, replace};

const FILE: &str = "assignment.json";
const LONGEST_INTERVAL: Duration = Duration::from_hours(24);
const LONGEST_TIMEOUT: Duration = Duration::from_mins(1);
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);
const TTL: u8 = 64;

/// The assignment that was kept; `None` where there is none.
///
/// # Errors
/// Where it cannot be read.
pub fn load(folder: &mut impl Storage) -> io::Result<Option<Assignment>> {
    match folder.read(FILE) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Keeps an assignment for the next start.
///
/// # Errors
/// Where it cannot be written; the former one is kept then.
pub fn save(folder: &mut impl Storage, assignment: &Assignment) -> io::Result<()> {
    replace(folder, FILE, &serde_json::to_vec_pretty(assignment)?)
}

/// A probe as assigned.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The series that it makes.
    pub key: ProbeKey,
    /// Time between the starts of attempts.
    pub interval: Duration,
    /// Which addresses it may probe.
    pub guard: Guard,
    /// What it does, or why it cannot: each of its slots then counts as `config_invalid`.
    pub spec: Result<ProbeSpec, String>,
}

/// All probes of an assignment. Of two that would make one series, the first.
pub fn plan(assignment: &Assignment) -> Vec<Planned> {
    let mut keys = BTreeSet::new();
    let mut all = Vec::new();
    for target in &assignment.targets {
        for probe in &target.probes {
            let planned = planned(target, probe);
            if keys.insert(planned.key.clone()) {
                all.push(planned);
            } else {
                tracing::error!(target_id = %target.id, probe = %probe.id, "assigned twice");
            }
        }
    }
    all
}

fn planned(target: &AssignedTarget, probe: &AssignedProbe) -> Planned {
    let interval = Duration::from_millis(probe.interval_ms);
    let timeout = Duration::from_millis(probe.timeout_ms);
    let possible_interval = interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
    let possible_timeout = timeout.clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT);
    let spec = if interval != possible_interval {
        Err(format!("interval {interval:?} must be from 100 ms to a day"))
    } else if timeout == possible_timeout {
        action(&probe.action).map(|action| ProbeSpec {
            action,
            family: probe.family,
            timeout,
            phase_timeouts: phase_timeouts(probe),
        })
    } else {
        Err(format!("timeout {timeout:?} must be from 1 ms to 60 s"))
    };
    let (kind, warm) = kind(&probe.action);
    let key = ProbeKey {
        target: target.id.clone(),
        probe: probe.id.clone(),
        kind,
        family: probe.family,
        warm,
        interval: Micros::from_duration_saturating(possible_interval),
        timeout: Micros::from_duration_saturating(possible_timeout),
    };
    let guard = if target.allow_private { Guard::ALLOW_PRIVATE } else { Guard::PUBLIC_ONLY };
    Planned { key, interval: possible_interval, guard, spec }
}

fn kind(action: &assignment::Action) -> (vantage_wire::report::ProbeKind, bool) {
    use assignment::Action as Assigned;
    use vantage_wire::report::ProbeKind;
    match action {
        Assigned::Icmp { .. } => (ProbeKind::Icmp, false),
        Assigned::Tcp { .. } => (ProbeKind::Tcp, false),
        Assigned::Tls { .. } => (ProbeKind::Tls, false),
        Assigned::Http(http) => (ProbeKind::Http, http.reuse),
        Assigned::Dns(_) => (ProbeKind::Dns, false),
        Assigned::Quic { .. } => (ProbeKind::Quic, false),
    }
}

fn phase_timeouts(probe: &AssignedProbe) -> PhaseTimeouts {
    let of = |phase| probe.phase_timeouts_ms.get(&phase).copied().map(Duration::from_millis);
    PhaseTimeouts {
        dns: of(Phase::Dns),
        connect: of(Phase::Connect),
        tls: of(Phase::Tls),
        request: of(Phase::Request),
        transfer: of(Phase::Transfer),
    }
}

fn action(action: &assignment::Action) -> Result<Action, String> {
    use assignment::Action as Assigned;
    Ok(match action {
        Assigned::Icmp { host, payload_bytes } => Action::Icmp(IcmpSpec {
            host: self::host(host),
            payload_bytes: *payload_bytes,
            ttl: TTL,
        }),
        Assigned::Tcp { host, port } => {
            Action::Tcp(TcpSpec { host: self::host(host), port: *port })
        }
        Assigned::Tls { host, port, tls } => {
            Action::Tls(TlsSpec { host: self::host(host), port: *port, tls: self::tls(tls)? })
        }
        Assigned::Http(request) => Action::Http(http_spec(request)?),
        Assigned::Dns(query) => Action::Dns(dns_spec(query)?),
        Assigned::Quic { host, port, tls, request } => Action::Quic(QuicSpec {
            host: self::host(host),
            port: *port,
            tls: self::tls(tls)?,
            request: request.as_deref().map(http_spec).transpose()?.map(Box::new),
        }),
    })
}

fn host(text: &str) -> Host {
    match text.parse() {
        Ok(host) => host,
        Err(never) => match never {},
    }
}

fn tls(tls: &assignment::Tls) -> Result<TlsParameters, String> {
    let versions = match tls.version.as_deref() {
        None => None,
        Some("1.2") => Some(TlsVersions::Only12),
        Some("1.3") => Some(TlsVersions::Only13),
        Some(other) => return Err(format!("TLS version {other:?} is neither 1.2 nor 1.3")),
    };
    let (server_name, alpn) = (tls.server_name.clone(), tls.alpn.clone());
    Ok(TlsParameters { server_name, alpn, ca_pem: tls.ca_pem.clone(), versions })
}

fn http_spec(request: &assignment::Http) -> Result<HttpSpec, String> {
    let version = match request.version.as_deref() {
        None => HttpVersion::Best,
        Some("1.1") => HttpVersion::Http1,
        Some("2") => HttpVersion::Http2,
        Some(other) => return Err(format!("HTTP version {other:?} is neither 1.1 nor 2")),
    };
    Ok(HttpSpec {
        url: request.url.parse().map_err(|error| format!("URL {:?}: {error}", request.url))?,
        method: Method::from_bytes(request.method.as_bytes())
            .map_err(|_| format!("method {:?} is none", request.method))?,
        headers: request.headers.clone(),
        body: request.body.clone().into(),
        tls: tls(&request.tls)?,
        version,
        expect: Expectations {
            statuses: request.expect_statuses.clone(),
            body_contains: request.expect_body.clone(),
            body_matches: request.expect_regex.clone(),
        },
        follow_redirects: request.follow_redirects,
        body_limit_bytes: request.body_limit_bytes,
        reuse: request.reuse,
    })
}

fn dns_spec(query: &assignment::Dns) -> Result<DnsSpec, String> {
    let record_type: RecordType = query
        .record_type
        .parse()
        .map_err(|_| format!("{:?} is no type of DNS record", query.record_type))?;
    let transport = match query.transport.as_str() {
        "udp" => DnsTransport::Udp,
        "tcp" => DnsTransport::Tcp,
        "tls" => DnsTransport::Tls(tls(&query.tls)?),
        "https" => {
            let path = query.path.clone().unwrap_or_else(|| "/dns-query".to_owned());
            DnsTransport::Https(tls(&query.tls)?, path)
        }
        other => return Err(format!("{other:?} is no way to ask a DNS server")),
    };
    Ok(DnsSpec {
        name: query.name.clone(),
        record_type,
        server: query.server,
        transport,
        expected_addresses: query.expected_addresses.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Folder;

    fn assignment(probes: &str) -> Assignment {
        let text = format!(
            r#"{{"version":"7","vantage":"hk-1","market":"hk","paused":false,"window_s":60,
                "targets":[{{"id":"oregon","probes":[{probes}]}}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    fn probe(id: &str, interval_ms: u64, action: &str) -> String {
        format!(
            r#"{{"id":"{id}","interval_ms":{interval_ms},"timeout_ms":900,"family":"any","action":{action}}}"#
        )
    }

    #[test]
    fn probes_are_read_and_those_that_cannot_be_say_why() {
        let http = |version: &str| {
            format!(
                r#"{{"http":{{"url":"https://api.test/","method":"GET","version":"{version}","body_limit_bytes":9,"reuse":true}}}}"#
            )
        };
        let all = [
            probe("tcp", 1_000, r#"{"tcp":{"host":"192.0.2.1","port":443}}"#),
            probe("web", 1_000, &http("2")),
            probe("newer", 1_000, &http("9")),
            probe("hasty", 99, r#"{"icmp":{"host":"api.test","payload_bytes":16}}"#),
            probe(
                "dns",
                1_000,
                r#"{"dns":{"name":"api.test","record_type":"A","transport":"pigeon"}}"#,
            ),
            probe("tcp", 1_000, r#"{"tcp":{"host":"192.0.2.2","port":443}}"#),
        ];
        let planned = plan(&assignment(&all.join(",")));
        let short: Vec<_> = planned
            .iter()
            .map(|planned| match &planned.spec {
                Ok(spec) => format!("{} {}", planned.key.probe, spec.action.kind().name()),
                Err(why) => format!("{}: {why}", planned.key.probe),
            })
            .collect();
        assert_eq!(
            short,
            [
                "tcp tcp",
                "web http",
                "newer: HTTP version \"9\" is neither 1.1 nor 2",
                "hasty: interval 99ms must be from 100 ms to a day",
                "dns: \"pigeon\" is no way to ask a DNS server",
            ]
        );
        assert!(planned[1].key.warm && !planned[0].key.warm);
        assert_eq!(planned[3].interval, SHORTEST_INTERVAL);
    }

    #[test]
    fn the_last_one_is_kept() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::open(place.path()).unwrap();
        assert_eq!(load(&mut folder).unwrap(), None);
        let kept = assignment("");
        save(&mut folder, &kept).unwrap();
        assert_eq!(load(&mut folder).unwrap(), Some(kept));
        std::fs::write(place.path().join(FILE), b"{").unwrap();
        assert!(load(&mut folder).is_err());
    }
}

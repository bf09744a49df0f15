//! What is looked at, and what it means.

use std::fs;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::time::timeout;

use super::Finding;
use crate::health;
use crate::net::dns::{RecordType, exchange_udp};
use crate::net::icmp::{AccessError, access};
use crate::net::{ClockState, Resolver, clock_state};

/// Sockets of a busy agent: its attempts in flight, and a margin for the rest.
const DESCRIPTORS_WANTED: u64 = 8_192;
/// Fewer than this, and a dozen targets that stall exhaust them.
const DESCRIPTORS_NEEDED: u64 = 256;
const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
/// Clocks that cost microseconds to read, each time.
const SLOW_SOURCES: [&str; 4] = ["acpi_pm", "hpet", "jiffies", "refined-jiffies"];
const DNS_TIMEOUT: Duration = Duration::from_secs(2);

/// Looks at everything, in the order it is told.
pub async fn all() -> Vec<Finding> {
    let mut findings = vec![icmp("icmp", false), icmp("icmp (IPv6)", true), clock_source()];
    findings.push(clock_synchronised(clock_state()));
    findings.extend(dns().await);
    findings.push(ipv6());
    findings.push(descriptors(health::descriptors()));
    findings
}

fn icmp(check: &'static str, ipv6: bool) -> Finding {
    match access(ipv6) {
        Ok(kind) => Finding::ok(check, format!("{kind} socket")),
        Err(AccessError::Denied) => Finding::problem(
            check,
            "no ICMP socket is allowed, neither datagram nor raw",
            "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\", or grant CAP_NET_RAW",
        ),
        Err(error @ AccessError::System(_)) => {
            let remedy = "ICMP probes of this family will fail; the kernel may lack it";
            Finding::warning(check, error.to_string(), remedy)
        }
    }
}

fn clock_source() -> Finding {
    const CHECK: &str = "clock";
    match fs::read_to_string(CLOCK_SOURCE) {
        Ok(source) if SLOW_SOURCES.contains(&source.trim()) => Finding::warning(
            CHECK,
            format!("monotonic, from {}, which is slow to read", source.trim()),
            "times will be some microseconds too long; boot with clocksource=tsc if the machine allows",
        ),
        Ok(source) => Finding::ok(CHECK, format!("monotonic, from {}", source.trim())),
        Err(_) => Finding::ok(CHECK, "monotonic, from a source that the kernel does not name"),
    }
}

fn clock_synchronised(state: io::Result<ClockState>) -> Finding {
    const CHECK: &str = "clock (UTC)";
    let remedy =
        "start chrony or systemd-timesyncd: windows are aligned to UTC (phases are not affected)";
    match state {
        Ok(ClockState { synchronised: true, worst_error }) => {
            Finding::ok(CHECK, format!("synchronised, at most {worst_error:?} off"))
        }
        Ok(_) => Finding::warning(CHECK, "not synchronised", remedy),
        Err(error) => Finding::warning(CHECK, format!("cannot be read: {error}"), remedy),
    }
}

async fn dns() -> Vec<Finding> {
    const CHECK: &str = "dns";
    let resolver = match Resolver::from_system(0) {
        Ok(resolver) => resolver,
        Err(error) => {
            let remedy =
                "name a resolver in /etc/resolv.conf; targets given by name will fail until then";
            return vec![Finding::problem(CHECK, error.to_string(), remedy)];
        }
    };
    let mut findings = Vec::new();
    for &server in resolver.servers() {
        findings.push(dns_server(&resolver, server).await);
    }
    findings
}

async fn dns_server(resolver: &Resolver, server: SocketAddr) -> Finding {
    const CHECK: &str = "dns";
    let mend = "see /etc/resolv.conf; targets given by name need it";
    // Every resolver knows the root's name servers.
    let query = match resolver.query(".", RecordType::NS) {
        Ok(query) => query,
        Err(error) => return Finding::problem(CHECK, error.to_string(), mend),
    };
    let mut strays = 0;
    match timeout(DNS_TIMEOUT, exchange_udp(server, &query, &mut strays)).await {
        Ok(Ok(exchange)) => {
            Finding::ok(CHECK, format!("{server} answers ({})", exchange.answer.rcode()))
        }
        Ok(Err(failure)) => Finding::problem(CHECK, format!("{server}: {failure}"), mend),
        Err(_) => Finding::problem(
            CHECK,
            format!("{server} does not answer within {DNS_TIMEOUT:?}"),
            mend,
        ),
    }
}

fn ipv6() -> Finding {
    const CHECK: &str = "ipv6";
    // Connecting a datagram socket looks a route up and sends nothing.
    let somewhere = SocketAddr::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), 9);
    let route = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(somewhere)?;
        socket.local_addr()
    });
    match route {
        Ok(from) => Finding::ok(CHECK, format!("there is a route, from {}", from.ip())),
        Err(error) => Finding::warning(
            CHECK,
            format!("no route: {error}"),
            "IPv6 probes will end as agent_offline, which counts against no target; ask the provider for IPv6",
        ),
    }
}

fn descriptors(counts: io::Result<(u64, u64)>) -> Finding {
    const CHECK: &str = "descriptors";
    let remedy = format!(
        "ulimit -n {DESCRIPTORS_WANTED}, or LimitNOFILE={DESCRIPTORS_WANTED} in the service's unit"
    );
    match counts {
        Ok((_, limit)) if limit < DESCRIPTORS_NEEDED => {
            Finding::problem(CHECK, format!("only {limit} may be open"), remedy)
        }
        Ok((_, limit)) if limit < DESCRIPTORS_WANTED => {
            let found = format!("{limit} may be open; as many stalled attempts would use them up");
            Finding::warning(CHECK, found, remedy)
        }
        Ok((_, limit)) => Finding::ok(CHECK, format!("{limit} may be open")),
        Err(error) => Finding::warning(CHECK, format!("cannot be counted: {error}"), remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_descriptors_are_judged() {
        for (limit, expected) in [(1_048_576, "Ok"), (1_024, "Warning"), (64, "Problem")] {
            let finding = format!("{:?}", descriptors(Ok((9, limit))));
            assert!(finding.contains(expected), "{limit}: {finding}");
        }
        assert!(!descriptors(Err(io::ErrorKind::NotFound.into())).is_problem());
    }

    #[test]
    fn a_clock_nobody_sets_is_a_warning_only() {
        let state = ClockState { synchronised: false, worst_error: Duration::from_secs(16) };
        assert!(!clock_synchronised(Ok(state)).is_problem());
    }
}

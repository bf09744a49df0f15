//! `--json`: one document a line, described in `agent/JSON.md`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use vantage_wire::{Micros, Phase};

use super::tally::Tally;
use crate::attempt::{Attempt, PhaseTimes};

/// An attempt.
#[derive(Debug, Serialize)]
struct AttemptDocument<'a> {
    r#type: &'static str,
    target: &'a str,
    kind: &'static str,
    at_ms: f64,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attribution: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(flatten)]
    times: Times,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect_user_space_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    syn_retransmits: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_port: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    warm: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<TlsDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<HttpDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<DnsDocument<'a>>,
}

/// The phases of an attempt, each under its own key: `dns_us` and so on.
#[derive(Debug)]
struct Times(PhaseTimes);

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer
            .collect_map(self.0.iter().map(|(phase, took)| (format!("{phase}_us"), took.get())))
    }
}

#[derive(Debug, Serialize)]
struct TlsDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alpn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_unix_s: Option<i64>,
}

#[derive(Debug, Serialize)]
struct HttpDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    body_bytes: u64,
    redirects: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
}

#[derive(Debug, Serialize)]
struct DnsDocument<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rcode: Option<&'a str>,
    answers: &'a [String],
    strays: u32,
}

#[derive(Debug, Serialize)]
struct SummaryDocument<'a> {
    r#type: &'static str,
    target: &'a str,
    kind: &'static str,
    sent: u64,
    ok: u64,
    failed: u64,
    cancelled: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_rate: Option<f64>,
    failures: Vec<FailureDocument<'a>>,
    addresses: Vec<String>,
    phases: BTreeMap<&'static str, PhaseDocument>,
}

#[derive(Debug, Serialize)]
struct FailureDocument<'a> {
    code: &'static str,
    phase: &'static str,
    attribution: &'static str,
    count: u64,
    detail: &'a str,
}

#[derive(Debug, Serialize)]
struct PhaseDocument {
    count: u64,
    min_us: u64,
    mean_us: u64,
    p50_us: u64,
    p90_us: u64,
    p99_us: u64,
    max_us: u64,
}

/// The document of an attempt that was due `at_ms` milliseconds after the start.
///
/// # Errors
/// Never for documents of this shape.
pub fn attempt(tally: &Tally, at_ms: f64, attempt: &Attempt) -> serde_json::Result<String> {
    let (failure, facts) = (attempt.failure.as_ref(), &attempt.facts);
    serde_json::to_string(&AttemptDocument {
        r#type: "attempt",
        target: &tally.target,
        kind: tally.kind.name(),
        at_ms,
        outcome: if attempt.is_ok() { "ok" } else { "failed" },
        code: failure.map(|failure| failure.code.name()),
        phase: failure.map(|failure| failure.phase.name()),
        attribution: failure.map(|failure| failure.attribution().name()),
        detail: failure.map(|failure| failure.detail.as_str()),
        address: attempt.address,
        times: Times(attempt.phases),
        connect_user_space_us: facts.connect_user_space.map(Micros::get),
        syn_retransmits: facts.syn_retransmits,
        local_port: facts.local_port,
        warm: attempt.warm,
        ttl: facts.ttl,
        tls: facts.tls.as_ref().map(|tls| TlsDocument {
            version: tls.version.as_deref(),
            cipher: tls.cipher.as_deref(),
            alpn: tls.alpn.as_deref(),
            expires_unix_s: tls.expires_unix_s,
        }),
        http: facts.http.as_ref().map(|http| HttpDocument {
            status: http.status,
            version: http.version.as_deref(),
            body_bytes: http.body_bytes,
            redirects: http.redirects,
            retry_after_s: http.retry_after.map(|pause| pause.as_secs()),
        }),
        dns: facts.dns.as_ref().map(|dns| DnsDocument {
            rcode: dns.rcode.as_deref(),
            answers: &dns.answers,
            strays: dns.strays,
        }),
    })
}

/// The document that sums up a target's attempts.
///
/// # Errors
/// Never for documents of this shape.
pub fn summary(tally: &Tally) -> serde_json::Result<String> {
    let counted = tally.ok + tally.failed_by_target();
    let rate = |counted: u64| tally.failed_by_target() as f64 / counted as f64;
    let failure = |failures: &'_ super::tally::FailureCount| -> (u64, vantage_wire::Failure) {
        (failures.count, failures.latest.clone())
    };
    let failures: Vec<_> = tally.failures.values().map(failure).collect();
    serde_json::to_string(&SummaryDocument {
        r#type: "summary",
        target: &tally.target,
        kind: tally.kind.name(),
        sent: tally.attempts() + tally.cancelled,
        ok: tally.ok,
        failed: tally.failed(),
        cancelled: tally.cancelled,
        failure_rate: (counted > 0).then(|| rate(counted)),
        failures: failures
            .iter()
            .map(|(count, failure)| FailureDocument {
                code: failure.code.name(),
                phase: failure.phase.name(),
                attribution: failure.attribution().name(),
                count: *count,
                detail: failure.detail.as_str(),
            })
            .collect(),
        addresses: tally.addresses.keys().map(ToString::to_string).collect(),
        phases: tally
            .completed()
            .filter_map(|phase| Some((phase.name(), times(tally, phase)?)))
            .collect(),
    })
}

fn times(tally: &Tally, phase: Phase) -> Option<PhaseDocument> {
    let histogram = tally.histogram(phase);
    let quantile = |quantile| tally.quantile(phase, quantile).map(Micros::get);
    Some(PhaseDocument {
        count: histogram.count(),
        min_us: tally.shortest(phase).get(),
        mean_us: tally.mean(phase)?.get(),
        p50_us: quantile(0.5)?,
        p90_us: quantile(0.9)?,
        p99_us: quantile(0.99)?,
        max_us: tally.longest(phase).get(),
    })
}

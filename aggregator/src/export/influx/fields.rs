//! What is written: every measurement, tag and field by name, type, unit and meaning. Dashboards and
//! their documentation are made from this table, and a test holds the points to it.

use std::borrow::Cow;

use vantage_wire::report::ProbeKind;
use vantage_wire::{Attribution, FailureCode, Micros, Phase};

/// Measurement of latencies and failures.
pub const LATENCY: &str = "vantage_latency";
/// Measurement of scores, ranks and verdicts.
pub const SCORE: &str = "vantage_score";
/// Measurement of the agents' health.
pub const AGENT: &str = "vantage_agent";

/// The market of the ranking over all markets, in [`SCORE`].
pub const ALL_MARKETS: &str = "all";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A whole number.
    Integer,
    /// A number with decimals.
    Float,
    /// Text.
    Text,
}

impl FieldType {
    /// As InfluxDB calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Text => "string",
        }
    }
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Microseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things, one by one.
    Count,
    /// A share, 0 to 1.
    Share,
    /// A share in thousandths, 0 to 1000.
    Permille,
    /// A place in an order, 1 the best.
    Rank,
    /// One of a closed set, by number or by name.
    Code,
    /// Text for people.
    Words,
}

impl Unit {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Microseconds => "µs",
            Self::Seconds => "s",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Share => "0..1",
            Self::Permille => "‰",
            Self::Rank => "rank",
            Self::Code => "code",
            Self::Words => "text",
        }
    }
}

/// A tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// When it is there.
    pub present: &'static str,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub kind: FieldType,
    /// What it counts.
    pub unit: Unit,
    /// What it says.
    pub meaning: Cow<'static, str>,
    /// When it is there.
    pub present: Cow<'static, str>,
}

/// A measurement with all that its points may bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Its name.
    pub name: &'static str,
    /// What one point is about.
    pub meaning: &'static str,
    /// What the time of a point is.
    pub time: &'static str,
    /// The tags, by name.
    pub tags: Vec<Tag>,
    /// The fields, in the order in which they are written.
    pub fields: Vec<Field>,
}

/// Every measurement.
pub fn measurements() -> [Measurement; 3] {
    [
        Measurement {
            name: LATENCY,
            meaning: "One phase of one probe, as one vantage point measured it in one window.",
            time: "Start of the window.",
            tags: LATENCY_TAGS.to_vec(),
            fields: latency_fields(),
        },
        Measurement {
            name: SCORE,
            meaning: "Where one site stands in the ranking of one market, or of all together.",
            time: "End of the time that was looked at, aligned to `scores_every`.",
            tags: SCORE_TAGS.to_vec(),
            fields: SCORE_FIELDS.iter().map(Fixed::field).collect(),
        },
        Measurement {
            name: AGENT,
            meaning: "How one agent fares.",
            time: "Start of the minute in which the aggregator looked.",
            tags: AGENT_TAGS.to_vec(),
            fields: AGENT_FIELDS.iter().map(Fixed::field).collect(),
        },
    ]
}

/// The quantiles that have a field: its name and the share.
pub const QUANTILES: [(&str, f64); 4] =
    [("p50_us", 0.5), ("p90_us", 0.9), ("p95_us", 0.95), ("p99_us", 0.99)];

/// The upper bounds of the cumulative buckets, in microseconds: 1, 2, 3, 5, 7 times powers of ten
/// from 1 ms to 60 s, beyond which no latency is recorded.
pub const BUCKET_BOUNDS_US: [u64; 25] = {
    let mut bounds = [0; 25];
    let mut unit_us = 1_000;
    let mut index = 0;
    while index < bounds.len() {
        let bound_us = [1, 2, 3, 5, 7][index % 5] * unit_us;
        bounds[index] = if bound_us > MOST_US { MOST_US } else { bound_us };
        index += 1;
        if index % 5 == 0 {
            unit_us *= 10;
        }
    }
    bounds
};
const MOST_US: u64 = vantage_wire::histogram::HIGHEST.get();

/// The field of a cumulative bucket: `le_5000_us`.
pub fn bucket_field(bound_us: u64) -> String {
    format!("le_{bound_us}_us")
}

/// The field of a failure code: `code_tcp_timeout`.
pub fn code_field(code: FailureCode) -> String {
    format!("code_{code}")
}

/// The field of an attribution: `failed_target`.
pub const fn failed_field(attribution: Attribution) -> &'static str {
    match attribution {
        Attribution::Target => "failed_target",
        Attribution::Path => "failed_path",
        Attribution::Resolver => "failed_resolver",
        Attribution::Agent => "failed_agent",
        Attribution::Config => "failed_config",
        Attribution::Unknown => "failed_unknown",
    }
}

/// Whether attempts of a kind can fail with a code. Each such code has a field in every point of
/// the outcome, zero or not, so that a failure makes no new series.
pub fn can_fail_with(kind: ProbeKind, code: FailureCode) -> bool {
    use ProbeKind::{Dns, Http, Quic, Tcp, Tls};
    match code.number() {
        200..300 => matches!(kind, Tcp | Tls | Http),
        // Over QUIC only what is wrong with certificates is told apart by TLS's names; DNS has TLS
        // where it is asked for over TLS or HTTPS.
        300..400 => match code {
            FailureCode::TlsHandshake
            | FailureCode::TlsTimeout
            | FailureCode::TlsReset
            | FailureCode::TlsEof => matches!(kind, Tls | Http | Dns),
            _ => matches!(kind, Tls | Http | Dns | Quic),
        },
        400..500 => kind == Quic,
        500..600 if code == FailureCode::Http429 => matches!(kind, Http | Quic | Dns),
        500..600 => matches!(kind, Http | Quic),
        600..700 => kind == ProbeKind::Icmp,
        // Names are looked up by every kind; agents and configuration fail them all.
        _ => true,
    }
}

/// The codes that a kind can fail with, by number.
pub fn codes_of(kind: ProbeKind) -> impl Iterator<Item = FailureCode> {
    FailureCode::ALL.iter().copied().filter(move |code| can_fail_with(kind, *code))
}

const LATENCY_TAGS: [Tag; 10] = [
    tag("family", "Version of IP: v4 or v6.", "where the probe asked for each by itself"),
    tag("kind", "What the probe does: icmp, tcp, tls, http, dns, quic.", ALWAYS),
    tag("market", "Market of the vantage point.", ALWAYS),
    tag("phase", "dns, connect, tls, request, transfer, total, rtt.", ALWAYS),
    tag("probe", "Name of the probe within its target.", ALWAYS),
    tag("service", "Service that the target belongs to.", "targets of a service"),
    tag("site", "Site that the target stays at.", "targets of a site"),
    tag("target", "Name of the target.", ALWAYS),
    tag("vantage", "Vantage point that measured.", ALWAYS),
    tag("warm", "true: on connections that were open already.", "where it is true"),
];

const SCORE_TAGS: [Tag; 4] = [
    tag("market", "Market, or `all`: the ranking over all of them by their weights.", ALWAYS),
    tag("phase", "Phase that was ranked by.", ALWAYS),
    tag("probe", "Kind or name of the probes that were ranked by.", ALWAYS),
    tag("site", "Site.", ALWAYS),
];

const AGENT_TAGS: [Tag; 2] = [
    tag("market", "Market of the vantage point.", ALWAYS),
    tag("vantage", "Vantage point of the agent.", ALWAYS),
];

const fn tag(name: &'static str, meaning: &'static str, present: &'static str) -> Tag {
    Tag { name, meaning, present }
}

/// A field whose name does not depend on anything.
struct Fixed {
    name: &'static str,
    kind: FieldType,
    unit: Unit,
    meaning: &'static str,
    present: &'static str,
}

impl Fixed {
    fn field(&self) -> Field {
        Field {
            name: self.name.into(),
            kind: self.kind,
            unit: self.unit,
            meaning: self.meaning.into(),
            present: self.present.into(),
        }
    }
}

const ALWAYS: &str = "always";
const SAMPLED: &str = "where there is a sample";
/// The phase that tells how attempts ended: total, of icmp rtt.
const OUTCOME: &str = "phase of the outcome (total; icmp: rtt)";
const OUTCOME_SAMPLED: &str = "phase of the outcome, where an attempt counts";
const KNOWN: &str = "where it is known";
const RANKED: &str = "where the site is ranked";
const REPORTED: &str = "where the agent reported it";

const fn fixed(
    name: &'static str,
    kind: FieldType,
    unit: Unit,
    meaning: &'static str,
    present: &'static str,
) -> Fixed {
    Fixed { name, kind, unit, meaning, present }
}

use FieldType::{Float, Integer, Text};
use Unit::{Bytes, Code, Count, Microseconds, Permille, Rank, Seconds, Share, Words};

const LATENCIES: [Fixed; 9] = [
    fixed("window_s", Integer, Seconds, "Length of the window; of several, the longest.", ALWAYS),
    fixed("count", Integer, Count, "Attempts that completed the phase: its samples.", ALWAYS),
    fixed("min_us", Integer, Microseconds, "Shortest latency.", SAMPLED),
    fixed("p50_us", Integer, Microseconds, "Median latency.", SAMPLED),
    fixed("p90_us", Integer, Microseconds, "90th percentile.", SAMPLED),
    fixed("p95_us", Integer, Microseconds, "95th percentile.", SAMPLED),
    fixed("p99_us", Integer, Microseconds, "99th percentile.", SAMPLED),
    fixed("max_us", Integer, Microseconds, "Longest latency.", SAMPLED),
    fixed("mean_us", Float, Microseconds, "Arithmetic mean of the latencies.", SAMPLED),
];

const OUTCOMES: [Fixed; 13] = [
    fixed(
        "attempts",
        Integer,
        Count,
        "Attempts that a failure rate is out of: ok + failed.",
        OUTCOME,
    ),
    fixed("ok", Integer, Count, "Attempts that succeeded.", OUTCOME),
    fixed(
        "failed",
        Integer,
        Count,
        "Attempts that failed by the fault of the target, the path or the resolver.",
        OUTCOME,
    ),
    fixed("failed_target", Integer, Count, "Failed by the fault of the target.", OUTCOME),
    fixed("failed_path", Integer, Count, "Failed by the fault of the network between.", OUTCOME),
    fixed("failed_resolver", Integer, Count, "Failed by the fault of the resolver.", OUTCOME),
    fixed("failed_agent", Integer, Count, "Lost by the fault of the agent: coverage.", OUTCOME),
    fixed(
        "failed_config",
        Integer,
        Count,
        "Lost by configuration or rate limits: coverage.",
        OUTCOME,
    ),
    fixed("failed_unknown", Integer, Count, "Failed, and nobody could be named.", OUTCOME),
    fixed("missed", Integer, Count, "Attempts that the agent could not start when due.", OUTCOME),
    fixed(
        "degraded",
        Integer,
        Count,
        "Attempts made while the agent judged itself at fault.",
        OUTCOME,
    ),
    fixed(
        "p95_inclusive_us",
        Integer,
        Microseconds,
        "95th percentile of ok and failed attempts, a failed one counted as the probe's timeout.",
        OUTCOME_SAMPLED,
    ),
    fixed(
        "timeout_us",
        Integer,
        Microseconds,
        "Timeout of the probe; of several, the longest.",
        OUTCOME,
    ),
];

fn latency_fields() -> Vec<Field> {
    let mut fields: Vec<Field> = LATENCIES.iter().map(Fixed::field).collect();
    fields.extend(BUCKET_BOUNDS_US.iter().map(|bound_us| Field {
        name: bucket_field(*bound_us).into(),
        kind: Integer,
        unit: Count,
        meaning: format!("Samples of at most {}.", Micros::new(*bound_us)).into(),
        present: ALWAYS.into(),
    }));
    fields.push(fixed("le_inf", Integer, Count, "All samples.", ALWAYS).field());
    fields.extend(OUTCOMES.iter().map(Fixed::field));
    fields.extend(FailureCode::ALL.iter().map(|code| Field {
        name: code_field(*code).into(),
        kind: Integer,
        unit: Count,
        meaning: format!("{} ({})", code.meaning(), code.attribution()).into(),
        present: format!("{OUTCOME} of {}", kinds_of(*code)).into(),
    }));
    fields
}

fn kinds_of(code: FailureCode) -> String {
    let kinds: Vec<_> = ProbeKind::ALL.iter().filter(|kind| can_fail_with(**kind, code)).collect();
    if kinds.len() == ProbeKind::ALL.len() {
        return "every kind".to_owned();
    }
    kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

const SCORE_FIELDS: [Fixed; 16] = [
    fixed(
        "score_us",
        Float,
        Microseconds,
        "What sites are ordered by (p95 of all attempts unless the objective says otherwise).",
        KNOWN,
    ),
    fixed("score_low_us", Float, Microseconds, "Lower end of its 95 % interval.", KNOWN),
    fixed("score_high_us", Float, Microseconds, "Upper end of its 95 % interval.", KNOWN),
    fixed(
        "behind_us",
        Float,
        Microseconds,
        "Score less that of the best site, on the blocks that both have.",
        "where the site is ranked and not the best",
    ),
    fixed("behind_low_us", Float, Microseconds, "Lower end of its 95 % interval.", KNOWN),
    fixed("behind_high_us", Float, Microseconds, "Upper end of its 95 % interval.", KNOWN),
    fixed(
        "rank",
        Integer,
        Rank,
        "1 + the number of sites in better groups; sites that cannot be told apart share it.",
        RANKED,
    ),
    fixed(
        "verdict",
        Text,
        Code,
        "Against the best site: better, worse, equivalent, inconclusive, undersampled.",
        "unless no other site is ranked",
    ),
    fixed(
        "verdict_code",
        Integer,
        Code,
        "The verdict: 0 better, 1 worse, 2 equivalent, 3 inconclusive, 4 undersampled.",
        "unless no other site is ranked",
    ),
    fixed("failure_rate", Float, Share, "Share of the attempts that failed.", KNOWN),
    fixed("failure_rate_low", Float, Share, "Lower end of its 95 % interval.", KNOWN),
    fixed("failure_rate_high", Float, Share, "Upper end of its 95 % interval.", KNOWN),
    fixed("attempts", Integer, Count, "Attempts that speak about the site.", ALWAYS),
    fixed("coverage", Float, Share, "Share of the time that was measured.", KNOWN),
    fixed("blocks", Integer, Count, "Days (or hours, for want of days) with attempts.", ALWAYS),
    fixed("weight", Float, Share, "Share of the users that the market has; of `all` 1.", ALWAYS),
];

const AGENT_FIELDS: [Fixed; 16] = [
    fixed("coverage", Float, Share, "Share of the last day that its windows cover.", ALWAYS),
    fixed("silent_s", Integer, Seconds, "Since its last report.", "once it has reported"),
    fixed("state", Text, Code, "reporting, silent, waiting, revoked.", ALWAYS),
    fixed(
        "state_code",
        Integer,
        Code,
        "The state: 0 reporting, 1 silent, 2 waiting, 3 revoked.",
        ALWAYS,
    ),
    fixed("clock_offset_us", Integer, Microseconds, "Last correction of its clock.", KNOWN),
    fixed("clock_bound_us", Integer, Microseconds, "How far that may be off, either way.", KNOWN),
    fixed("spool_windows", Integer, Count, "Windows that wait on its disk.", REPORTED),
    fixed("spool_bytes", Integer, Bytes, "Bytes that wait on its disk.", REPORTED),
    fixed("software", Text, Words, "Name and version of its software.", ALWAYS),
    fixed(
        "event_loop_lag_p99_us",
        Integer,
        Microseconds,
        "How late timers of its event loop fired, 99th percentile.",
        REPORTED,
    ),
    fixed(
        "cpu_steal_permille",
        Integer,
        Permille,
        "CPU time that the hypervisor gave to others.",
        REPORTED,
    ),
    fixed("open_files", Integer, Count, "File descriptors in use.", REPORTED),
    fixed("open_files_limit", Integer, Count, "File descriptors that it may use.", REPORTED),
    fixed("resident_bytes", Integer, Bytes, "Resident memory of its process.", REPORTED),
    fixed("anchors_reachable", Integer, Count, "Anchors that answered.", REPORTED),
    fixed("anchors_total", Integer, Count, "Anchors that were asked.", REPORTED),
];

/// Whether a phase tells how attempts of this kind ended.
pub fn is_outcome(kind: ProbeKind, phase: Phase) -> bool {
    kind.outcome_phase() == phase
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn buckets_are_a_ladder_from_a_millisecond_to_a_minute() {
        assert!(BUCKET_BOUNDS_US.is_sorted_by(|a, b| a < b));
        assert_eq!(BUCKET_BOUNDS_US[..7], [1_000, 2_000, 3_000, 5_000, 7_000, 10_000, 20_000]);
        assert_eq!(BUCKET_BOUNDS_US[22..], [30_000_000, 50_000_000, 60_000_000]);
    }

    #[test]
    fn every_name_is_there_once_and_says_its_unit() {
        for measurement in measurements() {
            let tags = measurement.tags.iter().map(|tag| tag.name.to_owned());
            let fields = measurement.fields.iter().map(|field| field.name.to_string());
            let names: Vec<_> = tags.chain(fields).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
            assert!(measurement.tags.is_sorted_by(|a, b| a.name < b.name));
            for field in &measurement.fields {
                let is_us = field.name.ends_with("_us") && !field.name.starts_with("le_");
                assert_eq!(is_us, field.unit == Microseconds, "{}", field.name);
                assert_eq!(field.name.ends_with("_bytes"), field.unit == Bytes);
            }
        }
    }

    #[test]
    fn every_code_can_be_met_by_some_kind() {
        for code in FailureCode::ALL {
            assert!(ProbeKind::ALL.iter().any(|kind| can_fail_with(*kind, *code)), "{code}");
        }
        assert!(!can_fail_with(ProbeKind::Icmp, FailureCode::TcpRefused));
        assert!(can_fail_with(ProbeKind::Quic, FailureCode::TlsCertExpired));
    }
}

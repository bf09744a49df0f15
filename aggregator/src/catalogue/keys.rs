//! Every key that a catalogue may hold, by table. What is not here is refused.

use vantage_wire::report::ProbeKind;

/// A kind of table and its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// How it is written, such as `[[market]]`.
    pub heading: &'static str,
    /// Its keys, tables below it among them.
    pub keys: &'static [&'static str],
}

/// The top of the file.
pub const ROOT: Table = Table {
    heading: "the top of the file",
    keys: &["defaults", "market", "vantage", "site", "target", "service", "migration", "objective"],
};
/// What holds wherever nothing else is said.
pub const DEFAULTS: Table = Table {
    heading: "[defaults]",
    keys: &[
        "interval",
        "timeout",
        "window",
        "max_attempts_per_second",
        "contact",
        "anchors",
        "paused",
    ],
};
/// Users in one country or region.
pub const MARKET: Table =
    Table { heading: "[[market]]", keys: &["id", "name", "weight", "time_zone", "residency"] };
/// Where a market's data must stay.
pub const RESIDENCY: Table = Table { heading: "[market.residency]", keys: &["countries", "sites"] };
/// One agent at one place.
pub const VANTAGE: Table =
    Table { heading: "[[vantage]]", keys: &["id", "market", "network", "asn", "class"] };
/// A hosting location.
pub const SITE: Table = Table {
    heading: "[[site]]",
    keys: &[
        "id",
        "city",
        "country",
        "latitude",
        "longitude",
        "provider",
        "region",
        "cost_per_month",
    ],
};
/// A host name that moves between sites.
pub const SERVICE: Table = Table { heading: "[[service]]", keys: &["id", "host", "sites"] };
/// What is probed.
pub const TARGET: Table = Table {
    heading: "[[target]]",
    keys: &[
        "id",
        "site",
        "service",
        "host",
        "allow_private",
        "max_attempts_per_second",
        "markets",
        "vantages",
        "probe",
    ],
};
/// How it is probed.
pub const PROBE: Table = Table {
    heading: "[[target.probe]]",
    keys: &[
        "id",
        "kind",
        "interval",
        "timeout",
        "phase_timeouts",
        "family",
        "payload_bytes",
        "port",
        "server_name",
        "alpn",
        "tls_version",
        "ca_file",
        "url",
        "method",
        "headers",
        "body",
        "http_version",
        "expect_status",
        "expect_body",
        "expect_regex",
        "follow_redirects",
        "body_limit_bytes",
        "reuse",
        "name",
        "type",
        "server",
        "transport",
        "path",
        "expect_addresses",
    ],
};
/// Most time for single phases.
pub const PHASE_TIMEOUTS: Table = Table {
    heading: "[target.probe.phase_timeouts]",
    keys: &["dns", "connect", "tls", "request", "transfer"],
};
/// The move of a service.
pub const MIGRATION: Table = Table {
    heading: "[[migration]]",
    keys: &["id", "service", "from", "to", "cutover", "guard", "control_sites"],
};
/// What is best.
pub const OBJECTIVE: Table = Table {
    heading: "[objective]",
    keys: &[
        "score",
        "threshold",
        "threshold_percent",
        "min_sites",
        "max_sites",
        "required_sites",
        "forbidden_sites",
        "max_cost_per_month",
        "worst_market",
        "second_choice",
    ],
};

/// All tables, in the order of the sample.
pub const TABLES: [Table; 12] = [
    ROOT,
    DEFAULTS,
    MARKET,
    RESIDENCY,
    VANTAGE,
    SITE,
    SERVICE,
    TARGET,
    PROBE,
    PHASE_TIMEOUTS,
    MIGRATION,
    OBJECTIVE,
];

const EVERY_PROBE: [&str; 6] = ["id", "kind", "interval", "timeout", "phase_timeouts", "family"];
const TLS: [&str; 4] = ["server_name", "alpn", "tls_version", "ca_file"];

/// Whether `key` of a probe means something for a probe of this `kind`.
pub fn concerns(key: &str, kind: ProbeKind) -> bool {
    let own: &[&str] = match kind {
        ProbeKind::Icmp => &["payload_bytes"],
        ProbeKind::Tcp | ProbeKind::Tls => &["port"],
        ProbeKind::Http => &[
            "url",
            "method",
            "headers",
            "body",
            "http_version",
            "expect_status",
            "expect_body",
            "expect_regex",
            "follow_redirects",
            "body_limit_bytes",
            "reuse",
        ],
        ProbeKind::Dns => &["name", "type", "server", "transport", "path", "expect_addresses"],
        ProbeKind::Quic => &[
            "port",
            "url",
            "method",
            "headers",
            "body",
            "expect_status",
            "expect_body",
            "expect_regex",
            "body_limit_bytes",
        ],
    };
    let tls = !matches!(kind, ProbeKind::Icmp | ProbeKind::Tcp);
    EVERY_PROBE.contains(&key) || own.contains(&key) || (tls && TLS.contains(&key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_a_probe_concerns_some_kind() {
        for key in PROBE.keys {
            assert!(ProbeKind::ALL.iter().any(|kind| concerns(key, *kind)), "{key}");
        }
    }
}

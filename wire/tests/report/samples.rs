//! Reports that tests have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vantage_wire::failure::Detail;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Family, Health, ProbeKey, ProbeKind, Report,
    SIGNATURE_BYTES, Software, Tally, WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, Window, WindowLength,
};

/// In place of a signature, which this crate does not make.
pub(crate) const SIGNATURE: [u8; SIGNATURE_BYTES] = [0x5a; SIGNATURE_BYTES];

/// Nothing but what must be there.
pub(crate) fn minimal() -> Report {
    Report {
        vantage: "hk-1".parse().unwrap(),
        boot: BootId::new(*b"0123456789abcdef"),
        sequence: Sequence::FIRST,
        software: Software::default(),
        windows: Vec::new(),
        health: Health::default(),
    }
}

/// Something in every field.
pub(crate) fn full() -> Report {
    let window = |start, length| Window::new(start, length).unwrap();
    Report {
        vantage: "sao-paulo-2".parse().unwrap(),
        boot: BootId::new([0xb0; 16]),
        sequence: Sequence::new(77_000).unwrap(),
        software: Software::new("vantage-agent 0.1.0"),
        windows: vec![
            WindowReport {
                window: window(1_400_000_400, WindowLength::MINUTE),
                clock: Some(ClockOffset { offset_us: -1_500, bound: Micros::new(900) }),
                tallies: BTreeMap::from([
                    (key("oregon-web", "https", ProbeKind::Http), https()),
                    (key("oregon-web", "ping", ProbeKind::Icmp), ping()),
                ]),
            },
            WindowReport {
                window: window(1_399_996_800, WindowLength::HOUR),
                clock: None,
                tallies: BTreeMap::from([(
                    ProbeKey {
                        family: Family::V6,
                        warm: true,
                        ..key("singapore-web", "https", ProbeKind::Http)
                    },
                    missed(),
                )]),
            },
        ],
        health: Health {
            event_loop_lag_p99: Some(Micros::new(350)),
            cpu_steal_permille: Some(12),
            open_files: Some(60),
            open_files_limit: Some(1_024),
            resident_bytes: Some(9_437_184),
            spool_bytes: Some(0),
            spool_windows: Some(2),
            anchors_reachable: Some(1),
            anchors_total: Some(2),
        },
    }
}

pub(crate) fn key(target: &str, probe: &str, kind: ProbeKind) -> ProbeKey {
    ProbeKey {
        target: target.parse().unwrap(),
        probe: probe.parse().unwrap(),
        kind,
        family: Family::Any,
        warm: false,
        interval: Micros::from_secs(10),
        timeout: Micros::from_secs(5),
    }
}

pub(crate) fn histogram(micros: &[u64]) -> EncodedHistogram {
    let samples = micros.iter().map(|&micros| Micros::new(micros));
    EncodedHistogram::from(&LatencyHistogram::from_samples(samples))
}

fn failed(count: u64, detail: &str) -> FailureCount {
    FailureCount { count, last_detail: Detail::new(detail) }
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn https() -> Tally {
    Tally {
        ok: 3,
        degraded: 1,
        failures: BTreeMap::from([
            ((FailureCode::DnsTimeout, Phase::Dns), failed(1, "")),
            ((FailureCode::Http5xx, Phase::Request), failed(1, "status 503")),
            ((FailureCode::HttpReset, Phase::Transfer), failed(1, "errno 104 (ECONNRESET)")),
        ]),
        phases: BTreeMap::from([
            (Phase::Dns, histogram(&[900, 1_100, 1_200, 15_000, 31_000])),
            (Phase::Connect, histogram(&[181_000, 181_200, 181_900, 182_000, 181_050])),
            (Phase::Rtt, histogram(&[181_000, 181_200, 181_900, 182_000, 181_050])),
            (Phase::Tls, histogram(&[365_000, 364_800, 366_000, 365_100, 364_900])),
            (Phase::Request, histogram(&[190_000, 195_000, 450_000, 192_000])),
            (Phase::Transfer, histogram(&[10, 400, 181_000])),
            (Phase::Total, histogram(&[740_000, 742_500, 1_030_000])),
        ]),
        addresses: BTreeSet::from([address("192.0.2.7"), address("2001:db8::7")]),
    }
}

fn ping() -> Tally {
    Tally {
        ok: 2,
        degraded: 0,
        failures: BTreeMap::from([((FailureCode::IcmpTimeout, Phase::Rtt), failed(4, ""))]),
        phases: BTreeMap::from([(Phase::Rtt, histogram(&[179_500, 179_800]))]),
        addresses: BTreeSet::from([address("192.0.2.7")]),
    }
}

fn missed() -> Tally {
    Tally {
        failures: BTreeMap::from([(
            (FailureCode::AgentMissedSlot, Phase::Total),
            failed(360, "event loop 2 s late"),
        )]),
        ..Tally::default()
    }
}

//! Tests of what people see, held against checked-in text (`testdata/`): `UPDATE_GOLDEN=1 cargo test`
//! writes it anew.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;
use vantage_wire::report::ProbeKind;
use vantage_wire::{Failure, FailureCode, Phase};

use super::display::{Display, Size, Style};
use super::tally::Tally;
use crate::attempt::{Attempt, HttpFacts, TlsFacts};
use crate::cli::paint::Paint;
use crate::runner::Outcome;

const SIZE: Size = Size { columns: 100, rows: 40 };
const TARGETS: [(&str, ProbeKind); 3] = [
    ("https://oregon.test/health", ProbeKind::Http),
    ("singapore.test:443", ProbeKind::Tcp),
    ("icmp:mumbai.test", ProbeKind::Icmp),
];
const NOW_UNIX_S: i64 = 1_700_000_000;

/// Attempts whose times follow from their number alone.
fn attempt(target: usize, number: u64) -> Attempt {
    let mut attempt = Attempt::new();
    let address: [&str; 3] = ["192.0.2.11", "192.0.2.12", "2001:db8::13"];
    attempt.address = Some(address[target].parse::<IpAddr>().unwrap());
    // A spread from 0 to 9.9 ms, by a step that has no factor in common with 100.
    let spread = Duration::from_micros(number * 37 % 100 * 100);
    let ms = Duration::from_millis;
    let mut set = |phase, took| attempt.phases.set(phase, took);
    match target {
        0 => {
            set(Phase::Dns, ms(4));
            set(Phase::Connect, ms(160) + spread);
            set(Phase::Tls, ms(165) + spread);
            set(Phase::Request, ms(172) + 2 * spread);
            set(Phase::Transfer, Duration::ZERO);
            set(Phase::Total, ms(501) + 4 * spread);
            attempt.facts.tls = Some(TlsFacts {
                version: Some("TLSv1.3".into()),
                cipher: Some("TLS13_AES_256_GCM_SHA384".into()),
                alpn: Some("h2".into()),
                expires_unix_s: Some(NOW_UNIX_S + 40 * 86_400),
            });
            attempt.facts.http = Some(HttpFacts {
                status: Some(200),
                version: Some("HTTP/2.0".into()),
                body_bytes: 512,
                ..HttpFacts::default()
            });
        }
        1 if number % 10 == 7 => {
            let detail = "no answer within 5s of the attempt's start";
            return attempt.failed(Failure::new(FailureCode::TcpTimeout, detail));
        }
        1 => {
            set(Phase::Connect, ms(33) + spread);
            set(Phase::Total, ms(33) + spread + Duration::from_micros(80));
        }
        _ => set(Phase::Rtt, ms(58) + spread),
    }
    attempt
}

/// What is written of so many attempts of each of the first `targets`.
fn written(style: Style, targets: usize, attempts: u64, finish: bool) -> String {
    let tallies =
        TARGETS[..targets].iter().map(|(target, kind)| Tally::new(target, *kind)).collect();
    let start = Instant::now();
    let mut out = Vec::new();
    let how = (style, false, Paint::PLAIN);
    let mut display = Display::new(&mut out, how, tallies, start, NOW_UNIX_S);
    for number in 0..attempts {
        for target in 0..targets {
            let due = start + Duration::from_secs(number);
            let attempt = attempt(target, number);
            let outcome = Outcome {
                probe: target,
                due,
                late: Duration::ZERO,
                held_up: Duration::ZERO,
                attempt,
            };
            display.take(&outcome, SIZE).unwrap();
        }
    }
    display.show(SIZE).unwrap();
    if finish {
        display.finish(SIZE).unwrap();
    } else {
        drop(display);
    }
    // Escape codes by a letter that can be read.
    String::from_utf8(out).unwrap().replace('\x1b', "␛")
}

fn assert_golden(name: &str, found: &str) {
    let golden = format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, found).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap();
    assert!(found == expected, "{name}; UPDATE_GOLDEN=1 accepts it:\n{found}");
}

#[test]
fn lines_and_summaries_in_a_pipe() {
    assert_golden("probe-lines.txt", &written(Style::Lines, 3, 20, true));
}

#[test]
fn the_live_view_of_several_targets() {
    assert_golden("probe-live.txt", &written(Style::Live, 3, 12, false));
}

#[test]
fn the_live_view_of_one_target() {
    assert_golden("probe-live-one.txt", &written(Style::Live, 1, 12, false));
}

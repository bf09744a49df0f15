//! Frozen messages and numbers: what was written once can be read for good.
//!
//! `VANTAGE_BLESS=1 cargo test -p vantage-wire` writes the files anew, which is right only for a
//! format that was never released. Lines of `failures.txt` are never lost that way.

use std::convert::Infallible;
use std::fs;
use std::path::PathBuf;

use vantage_wire::FailureCode;
use vantage_wire::report::{Envelope, Omitted, Report};

use crate::samples;

pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/v1").join(name)
}

/// The frozen bytes; written first where that is asked for.
fn frozen(name: &str, current: &[u8]) -> Vec<u8> {
    if std::env::var_os("VANTAGE_BLESS").is_some() {
        fs::write(path(name), current).unwrap();
    }
    fs::read(path(name)).unwrap()
}

fn assert_frozen_text(name: &str, current: &str) {
    let frozen = String::from_utf8(frozen(name, current.as_bytes())).unwrap();
    assert_eq!(current, frozen, "{name}");
}

fn assert_frozen_report(name: &str, report: &Report) {
    let current = report.encode().unwrap();
    let frozen = frozen(&format!("{name}.report.bin"), &current);
    assert_eq!(Report::decode(&frozen).unwrap().report, *report, "{name}: reads differently");
    assert_eq!(current, frozen, "{name}: is written differently");
    assert_frozen_text(&format!("{name}.report.txt"), &format!("{report:#?}\n"));
}

#[test]
fn minimal_report_is_frozen() {
    assert_frozen_report("minimal", &samples::minimal());
}

#[test]
fn full_report_is_frozen() {
    assert_frozen_report("full", &samples::full());
}

#[test]
fn full_envelope_is_frozen() {
    let sealed = Envelope::seal(&samples::full(), |_| samples::SIGNATURE).unwrap();
    // A newer zstd may compress differently, so the bytes are only read.
    let envelope = Envelope::decode(&frozen("full.envelope.bin", &sealed.encode())).unwrap();
    let opened = envelope.clone().verify(|_, _| Ok::<_, Infallible>(())).unwrap().open().unwrap();
    assert_eq!(opened.report, samples::full());
    let dump = format!(
        "version 1\nvantage {}\nsignature {:02x?}\nreport as in full.report.txt\n",
        envelope.vantage(),
        envelope.signature(),
    );
    assert_frozen_text("full.envelope.txt", &dump);
}

/// Written by Python's protobuf from the appendix of FORMAT.md: dictionaries in another order,
/// indices not packed, and fields of a later version in every message.
#[test]
fn message_of_another_implementation_reads_the_same() {
    let decoded = Report::decode(&fs::read(path("foreign.report.bin")).unwrap()).unwrap();
    assert_eq!(decoded.report, samples::full());
    assert_eq!(decoded.omitted, Omitted::default());
}

#[test]
fn failure_numbers_are_frozen() {
    let lines = FailureCode::ALL.iter().map(|code| {
        let (phase, attribution) = (code.default_phase(), code.attribution());
        format!("{} {code} {phase} {attribution}", code.number())
    });
    let current = lines.collect::<Vec<_>>().join("\n") + "\n";
    let released = fs::read_to_string(path("failures.txt")).unwrap_or_default();
    for line in released.lines() {
        assert!(current.lines().any(|now| now == line), "{line:?} was changed or taken away");
    }
    assert_frozen_text("failures.txt", &current);
}

//! Bytes made to do harm, and reports that do not add up.

use std::convert::Infallible;
use std::io::Write as _;

use proptest::prelude::*;
use vantage_wire::report::bounds::{
    MAX_ADDRESS_REFERENCES, MAX_ADDRESSES, MAX_ENVELOPE_BYTES, MAX_FAILURES, MAX_HISTOGRAMS,
    MAX_PROBES, MAX_REPORT_BYTES, MAX_TALLIES, MAX_WINDOWS,
};
use vantage_wire::report::{Envelope, ProbeKind, Report, ReportError};

use crate::raw::{bytes, group_start, number};
use crate::samples;

fn envelope(body: &[u8]) -> Vec<u8> {
    [number(1, 1), bytes(2, b"hk-1"), bytes(3, body), bytes(4, &samples::SIGNATURE)].concat()
}

fn open(bytes: &[u8]) -> Result<Report, ReportError> {
    let envelope = Envelope::decode(bytes)?;
    let verified = envelope.verify(|_, _| Ok::<_, Infallible>(())).unwrap();
    Ok(verified.open()?.report)
}

fn open_error(bytes: &[u8]) -> String {
    open(bytes).unwrap_err().to_string()
}

fn decode_error(bytes: &[u8]) -> String {
    Report::decode(bytes).unwrap_err().to_string()
}

/// Whatever is accepted must add up, so that it can be written again and reads the same.
fn assert_harmless(bytes: &[u8]) {
    if let Ok(decoded) = Report::decode(bytes) {
        let again = Report::decode(&decoded.report.encode().unwrap()).unwrap();
        assert_eq!(again.report, decoded.report);
    }
}

#[test]
fn zstd_bomb_stops_at_the_limit() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < MAX_ENVELOPE_BYTES);
    assert!(matches!(open(&envelope(&bomb)), Err(ReportError::ReportTooLarge)));
}

#[test]
fn limit_of_inflated_bytes_is_exact() {
    let frame = |length: usize| zstd::bulk::compress(&vec![0; length], 3).unwrap();
    let at_limit = open(&envelope(&frame(MAX_REPORT_BYTES)));
    assert!(matches!(at_limit, Err(ReportError::Malformed { .. } | ReportError::Protobuf { .. })));
    let beyond = open(&envelope(&frame(MAX_REPORT_BYTES + 1)));
    assert!(matches!(beyond, Err(ReportError::ReportTooLarge)));
}

#[test]
fn frame_that_wants_a_large_window_is_refused() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&samples::minimal().encode().unwrap()).unwrap();
    let frame = encoder.finish().unwrap();
    assert!(matches!(open(&envelope(&frame)), Err(ReportError::Compression(_))));
}

#[test]
fn body_is_one_whole_frame() {
    let frame = zstd::bulk::compress(&samples::minimal().encode().unwrap(), 3).unwrap();
    assert_eq!(open(&envelope(&frame)).unwrap(), samples::minimal());
    let twice = [frame.clone(), frame.clone()].concat();
    let message = format!("{} bytes follow the compressed report", frame.len());
    assert_eq!(open_error(&envelope(&twice)), message);
    for cut in [&frame[..frame.len() - 1], &frame[..3], b"", b"plain text"] {
        assert!(open(&envelope(cut)).is_err(), "{cut:02x?}");
    }
}

#[test]
fn envelope_is_checked_before_the_body() {
    let too_large = vec![0; MAX_ENVELOPE_BYTES + 1];
    assert!(matches!(
        Envelope::decode(&too_large),
        Err(ReportError::EnvelopeTooLarge { bytes }) if bytes == MAX_ENVELOPE_BYTES + 1
    ));
    assert_eq!(open_error(b""), "format version 0 is not supported, only 1");
    assert_eq!(open_error(&number(1, 2)), "format version 2 is not supported, only 1");
    assert_eq!(open_error(&number(1, 1)), "vantage: vantage id is empty");
    let short = [number(1, 1), bytes(2, b"hk-1"), bytes(4, &[0; 63])].concat();
    assert_eq!(open_error(&short), "signature has 63 bytes instead of 64");
}

#[test]
fn report_must_name_the_vantage_point_of_the_envelope() {
    let frame = zstd::bulk::compress(&samples::full().encode().unwrap(), 3).unwrap();
    let message = "envelope is from hk-1, the report in it from sao-paulo-2";
    assert_eq!(open_error(&envelope(&frame)), message);
}

/// Two bytes for an empty submessage would become a struct of a hundred and more.
#[test]
fn repeated_elements_are_counted_before_they_are_decoded() {
    let in_report = |elements: Vec<u8>| elements;
    let in_window = |elements: Vec<u8>| bytes(7, &elements);
    let in_tally = |elements: Vec<u8>| in_window(bytes(4, &elements));
    let cases = [
        ("probes", MAX_PROBES, bytes(5, &[]), &in_report as &dyn Fn(Vec<u8>) -> Vec<u8>),
        ("addresses", MAX_ADDRESSES, bytes(6, &[]), &in_report),
        ("windows", MAX_WINDOWS, bytes(7, &[]), &in_report),
        ("tallies", MAX_TALLIES, bytes(4, &[]), &in_window),
        ("failures", MAX_FAILURES, bytes(4, &[]), &in_tally),
        ("phases", MAX_HISTOGRAMS, bytes(5, &[]), &in_tally),
        ("address_indices", MAX_ADDRESS_REFERENCES, number(6, 0), &in_tally),
    ];
    for (what, limit, element, nest) in cases {
        let expected = format!("more than {limit} {what}");
        assert_eq!(decode_error(&nest(element.repeat(limit + 1))), expected);
        assert_ne!(decode_error(&nest(element.repeat(limit))), expected);
    }
    let packed = in_tally(bytes(6, &vec![0; MAX_ADDRESS_REFERENCES + 1]));
    assert_eq!(decode_error(&packed), "more than 65536 address_indices");
}

/// Limits hold for the report as a whole, however elements are divided among windows.
#[test]
fn repeated_elements_are_counted_over_all_windows() {
    let half = bytes(7, &bytes(4, &[]).repeat(MAX_TALLIES / 2));
    let three_halves = [half.clone(), half.clone(), half].concat();
    assert_eq!(decode_error(&three_halves), "more than 16384 tallies");
}

#[test]
fn groups_are_refused_wherever_they_could_nest() {
    let groups = group_start(15).repeat(1_000);
    assert_eq!(
        decode_error(&groups),
        "protobuf is malformed 1000 bytes before the end of a message"
    );
    assert!(matches!(Report::decode(&bytes(8, &groups)), Err(ReportError::Protobuf { .. })));
}

#[test]
fn writer_is_held_to_the_limits_too() {
    let mut report = samples::minimal();
    report.windows = vec![samples::full().windows[1].clone(); MAX_WINDOWS + 1];
    let error = report.encode().unwrap_err();
    assert!(matches!(error, ReportError::TooMany { what: "windows", limit: MAX_WINDOWS }));
}

#[test]
fn tallies_that_do_not_add_up_are_refused_with_their_place() {
    let broken = |change: fn(&mut vantage_wire::report::Tally)| {
        let mut report = samples::full();
        change(report.windows[0].tallies.values_mut().next().unwrap());
        report.encode().unwrap_err().to_string()
    };
    assert_eq!(
        broken(|tally| tally.ok = 4),
        "windows[0].tallies[0].phases.total: counts 3 where 4 is expected"
    );
    assert_eq!(
        broken(|tally| tally.degraded = 7),
        "windows[0].tallies[0].degraded: counts 7 of only 6 attempts"
    );
    assert_eq!(
        broken(|tally| tally.failures.values_mut().for_each(|row| row.count = 0)),
        "windows[0].tallies[0].failures: counts nothing"
    );
    assert_eq!(
        broken(|tally| tally.failures.values_mut().for_each(|row| row.count = u64::MAX)),
        "windows[0].tallies[0].failures: counts overflow"
    );
    assert_eq!(
        broken(|tally| tally.failures.clear()),
        "windows[0].tallies[0].phases.dns: counts 5 of only 3 attempts"
    );
}

#[test]
fn impossible_values_are_refused_with_their_place() {
    let mut report = samples::full();
    report.health.cpu_steal_permille = Some(1_001);
    let message = "health.cpu_steal_permille: 1001 is not within 0 to 1000";
    assert_eq!(report.encode().unwrap_err().to_string(), message);

    let mut report = samples::full();
    let mut key = samples::key("a", "a", ProbeKind::Tcp);
    key.timeout = vantage_wire::Micros::from_secs(61);
    report.windows[0].tallies.insert(key, vantage_wire::report::Tally::default());
    let message = "probes[0].timeout_us: 61000000 is not within 1000 to 60000000";
    assert_eq!(report.encode().unwrap_err().to_string(), message);

    let minimal = samples::minimal().encode().unwrap();
    let with = |extra: Vec<u8>| decode_error(&[minimal.clone(), extra].concat());
    assert_eq!(with(bytes(2, b"short")), "boot_id: has 5 bytes instead of 16");
    assert_eq!(with(bytes(6, b"short")), "addresses[0]: has 5 bytes instead of 4 or 16");
    assert_eq!(with(number(3, 0)), "sequence: missing");
    assert_eq!(
        with(bytes(7, &[])),
        "windows[0].length_s: window length of 0 s does not divide a day"
    );
    assert_eq!(
        with(bytes(7, &[number(2, 60), bytes(4, &[])].concat())),
        "windows[0].tallies[0].probe_index: index 0 points beyond the 0 elements of the list"
    );
    assert_eq!(
        with(bytes(5, &bytes(1, b"A"))),
        "probes[0].target: target id has 'A' at character 1; allowed are a-z, 0-9 and inner hyphens"
    );
}

#[test]
fn tallies_of_another_writer_are_held_to_the_same_rules() {
    let probe = [
        bytes(1, b"a"),
        bytes(2, b"a"),
        number(3, ProbeKind::Tcp.number().into()),
        number(6, 1_000),
        number(7, 1_000),
    ];
    let probes = bytes(5, &probe.concat());
    let error = |tallies: &[Vec<u8>]| {
        let tallies: Vec<_> = tallies.iter().map(|tally| bytes(4, tally)).collect();
        let window = bytes(7, &[number(2, 60), tallies.concat()].concat());
        let minimal = samples::minimal().encode().unwrap();
        decode_error(&[minimal, probes.clone(), window].concat())
    };
    let failures = |count| bytes(4, &[number(1, 200), number(2, 2), number(3, count)].concat());
    let connect = |histogram: &[u8]| bytes(5, &[number(1, 2), bytes(2, histogram)].concat());
    let sample = connect(samples::histogram(&[1]).as_bytes());

    assert_eq!(error(&[vec![], vec![]]), "windows[0].tallies[1]: occurs twice");
    assert_eq!(error(&[failures(0)]), "windows[0].tallies[0].failures[0]: counts nothing");
    assert_eq!(
        error(&[[failures(u64::MAX), failures(1)].concat()]),
        "windows[0].tallies[0].failures[1]: counts overflow"
    );
    assert_eq!(
        error(&[[failures(2), sample.clone(), sample.clone()].concat()]),
        "windows[0].tallies[0].phases[1]: occurs twice"
    );
    assert_eq!(
        error(&[sample]),
        "windows[0].tallies[0].phases.connect: counts 1 of only 0 attempts"
    );
    assert_eq!(
        error(&[[failures(2), connect(samples::histogram(&[]).as_bytes())].concat()]),
        "windows[0].tallies[0].phases.connect: counts nothing"
    );
    assert!(
        error(&[connect(b"x")]).starts_with("windows[0].tallies[0].phases[0]: not a histogram: ")
    );
}

#[test]
fn envelope_cut_at_any_length_is_refused() {
    let whole = Envelope::seal(&samples::full(), |_| samples::SIGNATURE).unwrap().encode();
    assert!(open(&whole).is_ok());
    for length in 0..whole.len() {
        assert!(open(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn report_cut_at_any_length_is_harmless() {
    let whole = samples::full().encode().unwrap();
    (0..whole.len()).for_each(|length| assert_harmless(&whole[..length]));
}

#[test]
fn report_with_any_byte_changed_is_harmless() {
    let whole = samples::full().encode().unwrap();
    for position in 0..whole.len() {
        for change in [0x01, 0x04, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[position] ^= change;
            assert_harmless(&bytes);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_harmless(bytes: Vec<u8>) {
        assert_harmless(&bytes);
        let _ = open(&bytes);
        let _ = open(&envelope(&bytes));
        let _ = open(&envelope(&zstd::bulk::compress(&bytes, 1).unwrap()));
    }

    #[test]
    fn spliced_reports_are_harmless(
        cut in any::<prop::sample::Index>(),
        skip in any::<prop::sample::Index>(),
        insert in prop::collection::vec(any::<u8>(), 0..8),
    ) {
        let whole = samples::full().encode().unwrap();
        let (head, tail) = (&whole[..cut.index(whole.len())], &whole[skip.index(whole.len())..]);
        assert_harmless(&[head, &insert, tail].concat());
    }
}

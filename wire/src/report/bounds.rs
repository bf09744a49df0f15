//! How large a report may be, and a scan that holds bytes to it before anything is allocated.
//!
//! An agent that has more to say sends several reports: windows and the tallies in them can be
//! divided freely, because an aggregator adds up what it gets.

use super::error::ReportError;

/// The longest envelope, in bytes. A report of 50 HTTPS targets and one minute takes some 16 000.
pub const MAX_ENVELOPE_BYTES: usize = 1 << 20;
/// The longest report after inflation, in bytes.
pub const MAX_REPORT_BYTES: usize = 8 << 20;
/// The most probe keys in a report.
pub const MAX_PROBES: usize = 4_096;
/// The most addresses in the dictionary of a report.
pub const MAX_ADDRESSES: usize = 16_384;
/// The most windows in a report: a day of minutes.
pub const MAX_WINDOWS: usize = 1_440;
/// The most tallies in a report, all windows together.
pub const MAX_TALLIES: usize = 16_384;
/// The most rows of failures in a report, all tallies together.
pub const MAX_FAILURES: usize = 65_536;
/// The most histograms in a report, all tallies together.
pub const MAX_HISTOGRAMS: usize = 65_536;
/// The most references to addresses in a report, all tallies together.
pub const MAX_ADDRESS_REFERENCES: usize = 65_536;

/// The nesting of a message, as far as it repeats: which fields to count, and against what.
struct Shape(&'static [Repeated]);

/// A repeated field.
struct Repeated {
    field: u32,
    /// Index into [`LIMITS`].
    count: usize,
    /// The shape of the elements, or `None` for numbers, which may be packed.
    elements: Option<Shape>,
}

/// What is counted, over the whole report.
const LIMITS: [(&str, usize); 7] = [
    ("probes", MAX_PROBES),
    ("addresses", MAX_ADDRESSES),
    ("windows", MAX_WINDOWS),
    ("tallies", MAX_TALLIES),
    ("failures", MAX_FAILURES),
    ("phases", MAX_HISTOGRAMS),
    ("address_indices", MAX_ADDRESS_REFERENCES),
];

const LEAF: Option<Shape> = Some(Shape(&[]));
const TALLY: Shape = Shape(&[
    Repeated { field: 4, count: 4, elements: LEAF },
    Repeated { field: 5, count: 5, elements: LEAF },
    Repeated { field: 6, count: 6, elements: None },
]);
const WINDOW: Shape = Shape(&[Repeated { field: 4, count: 3, elements: Some(TALLY) }]);
const REPORT: Shape = Shape(&[
    Repeated { field: 5, count: 0, elements: LEAF },
    Repeated { field: 6, count: 1, elements: LEAF },
    Repeated { field: 7, count: 2, elements: Some(WINDOW) },
]);

/// Checks an uncompressed report against the limits. Allocates nothing.
pub(super) fn check(report: &[u8]) -> Result<(), ReportError> {
    if report.len() > MAX_REPORT_BYTES {
        return Err(ReportError::ReportTooLarge);
    }
    scan(report, &REPORT, &mut [0; LIMITS.len()])
}

/// Recursion ends with the nesting of [`REPORT`]: the bytes cannot deepen it.
fn scan(
    mut rest: &[u8],
    shape: &Shape,
    counts: &mut [usize; LIMITS.len()],
) -> Result<(), ReportError> {
    while !rest.is_empty() {
        let remaining = rest.len();
        let (field, value) = next(&mut rest).ok_or(ReportError::Malformed { remaining })?;
        let Some(repeated) = shape.0.iter().find(|repeated| repeated.field == field) else {
            continue;
        };
        counts[repeated.count] += match (&repeated.elements, value) {
            // Every varint ends with the one byte whose high bit is clear.
            (None, Value::Bytes(packed)) => packed.iter().filter(|byte| **byte < 0x80).count(),
            _ => 1,
        };
        let (what, limit) = LIMITS[repeated.count];
        if counts[repeated.count] > limit {
            return Err(ReportError::TooMany { what, limit });
        }
        if let (Some(elements), Value::Bytes(element)) = (&repeated.elements, value)
            && !elements.0.is_empty()
        {
            scan(element, elements, counts)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number,
    Bytes(&'a [u8]),
}

/// Takes one field off the front. `None` where it is malformed, or a group: proto3 has none, and
/// prost would follow them into a depth that this scan does not see.
fn next<'a>(rest: &mut &'a [u8]) -> Option<(u32, Value<'a>)> {
    let key = u32::try_from(varint(rest)?).ok()?;
    let value = match key & 7 {
        0 => varint(rest).map(|_| Value::Number)?,
        1 => rest.split_off(..8).map(|_| Value::Number)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Value::Bytes(rest.split_off(..length)?)
        }
        5 => rest.split_off(..4).map(|_| Value::Number)?,
        _ => return None,
    };
    Some((key >> 3, value))
}

/// Takes a base-128 number of at most 64 bits off the front.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return None;
        }
        number |= bits << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

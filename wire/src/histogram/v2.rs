//! The HdrHistogram V2 encoding, uncompressed.
//!
//! A header of 40 bytes, all big-endian, then the counts of the buckets from bucket 0 to the last
//! one that holds samples. Every count is a `ZigZag` LEB128 number of 1 to 9 bytes; a negative
//! number `−n` stands for `n` empty buckets. Unlike protocol buffers' LEB128, a ninth byte carries
//! 8 bits. Source of the format: `encodeIntoByteBuffer` and `ZigZagEncoding` of the Java
//! HdrHistogram, the reference implementation. `FORMAT.md` has the table.

use super::error::DecodeError;
use super::layout::{BUCKETS, HIGHEST, LOWEST, SIGNIFICANT_DIGITS};
use super::sparse::{Entry, add_counts};

/// Length of the header.
pub const HEADER_BYTES: usize = 40;

/// Longest input that can be a histogram: a number takes at most 9 bytes and accounts for at least
/// one bucket.
pub const MAX_ENCODED_BYTES: usize = HEADER_BYTES + MAX_NUMBER_BYTES * BUCKETS;

const MAX_NUMBER_BYTES: usize = 9;

/// The low byte's 0x10 says that the counts are encoded as described above.
const COOKIE: u32 = 0x1c84_9303 | 0x10;
const COMPRESSED_COOKIE: u32 = 0x1c84_9304 | 0x10;

const PAYLOAD_LENGTH_AT: usize = 4;

/// Kept by libraries that can shift a whole histogram by powers of two; we do not.
const NORMALIZING_INDEX_OFFSET: u32 = 0;

/// Meant for histograms of floating-point values, which ours are not.
const INTEGER_TO_DOUBLE_RATIO: f64 = 1.0;

/// Appends the encoding of entries in the order of their buckets.
pub(super) fn encode(entries: &[Entry], bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.reserve(HEADER_BYTES + 1 + 3 * entries.len());
    bytes.extend(COOKIE.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(NORMALIZING_INDEX_OFFSET.to_be_bytes());
    bytes.extend(SIGNIFICANT_DIGITS.to_be_bytes());
    bytes.extend(LOWEST.get().to_be_bytes());
    bytes.extend(HIGHEST.get().to_be_bytes());
    bytes.extend(INTEGER_TO_DOUBLE_RATIO.to_be_bytes());

    let mut next = 0;
    for entry in entries {
        match entry.index - next {
            0 => {}
            // A single empty bucket is written as a count of zero.
            1 => bytes.push(0),
            run => write_number(2 * u64::from(run) - 1, bytes),
        }
        write_number(2 * entry.count, bytes);
        next = entry.index + 1;
    }
    if entries.is_empty() {
        // "Up to the last bucket with samples" is bucket 0 in the reference implementation.
        bytes.push(0);
    }

    #[expect(clippy::cast_possible_truncation, reason = "below MAX_ENCODED_BYTES")]
    let payload_length = (bytes.len() - start - HEADER_BYTES) as u32;
    bytes[start + PAYLOAD_LENGTH_AT..][..4].copy_from_slice(&payload_length.to_be_bytes());
}

/// The bytes that hold the counts, once everything known without reading them is checked.
pub(super) fn payload_of(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    if bytes.len() > MAX_ENCODED_BYTES {
        return Err(DecodeError::TooLong { bytes: bytes.len() });
    }
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(DecodeError::TooShort { bytes: bytes.len() });
    };
    match u32_at(header, 0) {
        COOKIE => {}
        COMPRESSED_COOKIE => return Err(DecodeError::Compressed),
        cookie => return Err(DecodeError::Cookie { cookie }),
    }
    let claimed = u32_at(header, PAYLOAD_LENGTH_AT);
    if claimed as usize != payload.len() {
        return Err(DecodeError::PayloadLength { claimed, received: payload.len() });
    }
    let expect = |field, found, expected| {
        if found == expected { Ok(()) } else { Err(DecodeError::Header { field, found, expected }) }
    };
    expect("normalizing index offset", u32_at(header, 8).into(), NORMALIZING_INDEX_OFFSET.into())?;
    expect("significant digits", u32_at(header, 12).into(), SIGNIFICANT_DIGITS.into())?;
    expect("lowest discernible value", u64_at(header, 16), LOWEST.get())?;
    expect("highest trackable value", u64_at(header, 24), HIGHEST.get())?;
    expect("value ratio", u64_at(header, 32), INTEGER_TO_DOUBLE_RATIO.to_bits())?;
    Ok(payload)
}

/// Reads the counts, calls `visit` in the order of the buckets, and returns the sum of the counts.
///
/// There are at most as many calls as bytes, and none for a bucket twice. `visit` also gets entries
/// with a count of zero and must let them have no effect: whether a number is a count or a run of
/// empty buckets follows no pattern, so a processor cannot predict a branch on it, and doing
/// without took a third off the time. On failure `visit` has seen the entries before.
pub(super) fn visit_counts(
    payload: &[u8],
    mut visit: impl FnMut(Entry),
) -> Result<u64, DecodeError> {
    let mut rest = payload;
    let mut next = 0;
    let mut total = 0;
    while !rest.is_empty() {
        let offset = HEADER_BYTES + payload.len() - rest.len();
        let (number, after) = read_number(rest).ok_or(DecodeError::Truncated { offset })?;
        rest = after;

        // Even numbers are counts, odd ones runs of empty buckets; all bits of a mask are equal.
        let half = number >> 1;
        let run_mask = (number & 1).wrapping_neg();
        let count = half & !run_mask;
        let buckets = 1 + (half & run_mask);

        if buckets > BUCKETS as u64 - next {
            return Err(DecodeError::BeyondLastBucket { offset });
        }
        total = add_counts(total, count)?;
        #[expect(clippy::cast_possible_truncation, reason = "below BUCKETS")]
        visit(Entry { index: next as u16, count });
        next += buckets;
    }
    Ok(total)
}

fn u32_at(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&header[at..at + 4]);
    u32::from_be_bytes(field)
}

fn u64_at(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&header[at..at + 8]);
    u64::from_be_bytes(field)
}

/// Reads a number and returns what follows it; `None` when it is cut off.
#[inline]
fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    // In a minute's histogram nearly all counts and gaps take one byte, in an hour's some take two.
    match bytes {
        [low @ 0..0x80, rest @ ..] => Some((u64::from(*low), rest)),
        [low, high @ 0..0x80, rest @ ..] => {
            Some((u64::from(low & 0x7f) | u64::from(*high) << 7, rest))
        }
        _ => read_long_number(bytes),
    }
}

#[cold]
fn read_long_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (position, &byte) in bytes.iter().enumerate().take(MAX_NUMBER_BYTES) {
        let is_ninth = position + 1 == MAX_NUMBER_BYTES;
        let bits = if is_ninth { byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * position);
        if is_ninth || byte < 0x80 {
            return Some((number, &bytes[position + 1..]));
        }
    }
    None
}

#[expect(clippy::cast_possible_truncation, reason = "takes the low byte on purpose")]
fn write_number(mut number: u64, bytes: &mut Vec<u8>) {
    for _ in 1..MAX_NUMBER_BYTES {
        if number < 0x80 {
            break;
        }
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

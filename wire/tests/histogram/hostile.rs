//! Bytes made to do harm: refused with the reason, or read as what they mean, never a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use vantage_wire::histogram::{
    CountOverflow, DecodeError, HEADER_BYTES, HIGHEST, LOWEST, MAX_COUNT, MAX_ENCODED_BYTES,
    visit_encoded,
};
use vantage_wire::{HistogramMerger, LatencyHistogram, Micros};

use crate::inputs::{assert_sound, histogram};

const BUCKETS: i64 = 17_408;

/// A message with these numbers for counts, under a correct header.
fn message(numbers: &[i64]) -> Vec<u8> {
    let payload: Vec<u8> = numbers.iter().flat_map(|&number| zigzag_leb128(number)).collect();
    with_payload(&payload)
}

fn with_payload(payload: &[u8]) -> Vec<u8> {
    let mut bytes = LatencyHistogram::new().encode();
    bytes.truncate(HEADER_BYTES);
    bytes.extend(payload);
    fix_length(&mut bytes);
    bytes
}

fn fix_length(bytes: &mut [u8]) {
    if let Some(payload) = bytes.len().checked_sub(HEADER_BYTES) {
        bytes[4..8].copy_from_slice(&u32::try_from(payload).unwrap().to_be_bytes());
    }
}

fn zigzag_leb128(number: i64) -> Vec<u8> {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while bytes.len() < 8 && rest >= 0x80 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

fn error_of(bytes: &[u8]) -> DecodeError {
    LatencyHistogram::decode(bytes).unwrap_err()
}

/// Decoding, merging and visiting agree; what is accepted is sound and survives another round.
fn check_any_bytes(bytes: &[u8]) {
    let held = LatencyHistogram::from_samples([LOWEST, Micros::new(80_000)]);
    let mut merger = HistogramMerger::new();
    merger.add(&held).unwrap();
    let merged = merger.add_encoded(bytes);
    let mut buckets = Vec::new();
    let visited = visit_encoded(bytes, |bucket| buckets.push(bucket));
    let mut expected = held;
    match LatencyHistogram::decode(bytes) {
        Ok(histogram) => {
            assert_sound(&histogram);
            assert_eq!(visited, Ok(histogram.count()));
            assert!(histogram.buckets().eq(buckets));
            assert_eq!(LatencyHistogram::decode(&histogram.encode()).as_ref(), Ok(&histogram));
            assert_eq!(merged, expected.merge(&histogram).map_err(DecodeError::from));
        }
        Err(error) => assert_eq!((visited, merged), (Err(error), Err(error))),
    }
    assert_eq!(merger.finish(), expected);
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_no_harm(bytes in vec(any::<u8>(), 0..300)) {
        check_any_bytes(&bytes);
        check_any_bytes(&with_payload(&bytes));
    }

    #[test]
    fn arbitrary_numbers_do_no_harm(
        numbers in vec(prop_oneof![-20_000..20_000_i64, -9..9_i64, any::<i64>()], 0..50),
    ) {
        check_any_bytes(&message(&numbers));
    }

    #[test]
    fn mutated_messages_do_no_harm(
        histogram in histogram(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        cut_off in any::<bool>(),
        length_fixed in any::<bool>(),
    ) {
        let mut bytes = histogram.encode();
        for (position, byte) in changes {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        if cut_off {
            bytes.truncate(cut.index(bytes.len()));
        }
        if length_fixed {
            fix_length(&mut bytes);
        }
        check_any_bytes(&bytes);
    }

    #[test]
    fn every_cut_is_refused(histogram in histogram()) {
        let bytes = histogram.encode();
        for length in 0..bytes.len() {
            prop_assert!(LatencyHistogram::decode(&bytes[..length]).is_err());
        }
    }
}

#[test]
fn header_claiming_2_gb_of_counts_is_refused() {
    let mut bytes = with_payload(&[0]);
    bytes[4..8].copy_from_slice(&2_000_000_000_u32.to_be_bytes());
    assert_eq!(
        error_of(&bytes),
        DecodeError::PayloadLength { claimed: 2_000_000_000, received: 1 }
    );
}

#[test]
fn header_asking_for_5_digits_up_to_2_to_the_63_is_refused() {
    let mut bytes = with_payload(&[0]);
    bytes[12..16].copy_from_slice(&5_u32.to_be_bytes());
    bytes[24..32].copy_from_slice(&(1_u64 << 63).to_be_bytes());
    assert_eq!(
        error_of(&bytes),
        DecodeError::Header { field: "significant digits", found: 5, expected: 3 }
    );
    bytes[12..16].copy_from_slice(&3_u32.to_be_bytes());
    let expected = HIGHEST.get();
    assert_eq!(
        error_of(&bytes),
        DecodeError::Header { field: "highest trackable value", found: 1 << 63, expected }
    );
}

#[test]
fn compressed_histogram_is_refused() {
    let mut bytes = with_payload(&[0]);
    bytes[..4].copy_from_slice(&0x1c84_9314_u32.to_be_bytes());
    assert_eq!(error_of(&bytes), DecodeError::Compressed);
}

#[test]
fn other_cookie_is_refused() {
    let mut bytes = with_payload(&[0]);
    // The V1 encoding.
    bytes[..4].copy_from_slice(&0x1c84_9301_u32.to_be_bytes());
    assert_eq!(error_of(&bytes), DecodeError::Cookie { cookie: 0x1c84_9301 });
}

#[test]
fn every_header_field_is_checked() {
    let sound = with_payload(&[0]);
    for position in 0..HEADER_BYTES {
        for bit in 0..8 {
            let mut bytes = sound.clone();
            bytes[position] ^= 1 << bit;
            assert!(LatencyHistogram::decode(&bytes).is_err(), "byte {position} bit {bit}");
        }
    }
}

#[test]
fn too_long_and_too_short_are_refused() {
    let bytes = vec![0; MAX_ENCODED_BYTES + 1];
    assert_eq!(error_of(&bytes), DecodeError::TooLong { bytes: MAX_ENCODED_BYTES + 1 });
    assert_eq!(error_of(&[]), DecodeError::TooShort { bytes: 0 });
    let bytes = &with_payload(&[])[..HEADER_BYTES - 1];
    assert_eq!(error_of(bytes), DecodeError::TooShort { bytes: HEADER_BYTES - 1 });
}

#[test]
fn longest_message_is_read() {
    let zero_in_nine_bytes = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
    let bytes = with_payload(&zero_in_nine_bytes.repeat(17_408));
    assert_eq!(bytes.len(), MAX_ENCODED_BYTES);
    assert_eq!(LatencyHistogram::decode(&bytes), Ok(LatencyHistogram::new()));
}

#[test]
fn trailing_bytes_are_refused() {
    let mut bytes = with_payload(&[2]);
    bytes.push(0);
    assert_eq!(error_of(&bytes), DecodeError::PayloadLength { claimed: 1, received: 2 });
}

#[test]
fn number_cut_off_is_refused() {
    let offset = HEADER_BYTES + 1;
    assert_eq!(error_of(&with_payload(&[2, 0x80])), DecodeError::Truncated { offset });
    assert_eq!(error_of(&with_payload(&[2, 0x80, 0x80])), DecodeError::Truncated { offset });
    let eight = [[2].as_slice(), &[0xff; 8]].concat();
    assert_eq!(error_of(&with_payload(&eight)), DecodeError::Truncated { offset });
}

#[test]
fn run_beyond_the_last_bucket_is_refused() {
    let offset = HEADER_BYTES;
    for run in [-BUCKETS - 1, -(1 << 40), i64::MIN + 1, i64::MIN] {
        assert_eq!(error_of(&message(&[run])), DecodeError::BeyondLastBucket { offset }, "{run}");
    }
    let offset = HEADER_BYTES + 1;
    assert_eq!(error_of(&message(&[7, -BUCKETS])), DecodeError::BeyondLastBucket { offset });
}

#[test]
fn count_beyond_the_last_bucket_is_refused() {
    let last = LatencyHistogram::decode(&message(&[1 - BUCKETS, 7])).unwrap();
    assert_eq!(last.max(), Some(Micros::new(67_108_863)));
    for count in [0, 1] {
        let bytes = message(&[-BUCKETS, count]);
        let offset = bytes.len() - 1;
        assert_eq!(error_of(&bytes), DecodeError::BeyondLastBucket { offset }, "{count}");
    }
}

#[test]
fn more_samples_than_can_be_counted_are_refused() {
    let overflow = DecodeError::Overflow(CountOverflow { held: MAX_COUNT, added: 1 });
    assert_eq!(error_of(&message(&[i64::MAX, 1])), overflow);
    assert_eq!(LatencyHistogram::decode(&message(&[i64::MAX])).unwrap().count(), MAX_COUNT);
}

#[test]
fn full_histogram_takes_no_more_and_is_left_as_it_was() {
    let one = LatencyHistogram::from_samples([LOWEST]);
    let mut full = LatencyHistogram::new();
    full.record_n(HIGHEST, MAX_COUNT).unwrap();
    let overflow = CountOverflow { held: MAX_COUNT, added: 1 };

    let mut histogram = full.clone();
    assert_eq!(histogram.record(LOWEST), Err(overflow));
    assert_eq!(histogram.merge(&one), Err(overflow));
    assert_eq!(histogram.record_n(HIGHEST, u64::MAX).unwrap_err().added, u64::MAX);
    assert_eq!(histogram, full);

    let mut merger = HistogramMerger::new();
    merger.add(&full).unwrap();
    assert_eq!(merger.add(&one), Err(overflow));
    assert_eq!(merger.add_encoded(&one.encode()), Err(overflow.into()));
    assert_eq!(merger.finish(), full);
}

/// What other encoders write, or could, means the same and is read: a run of one, split runs,
/// zeros at the end up to the last bucket, no counts at all, numbers with more bytes than needed.
#[test]
fn unusual_but_clear_encodings_are_read() {
    let expected = LatencyHistogram::from_samples([Micros::new(2), Micros::new(4)]);
    let usual = message(&[-2, 1, 0, 1]);
    assert_eq!(expected.encode(), usual);
    for numbers in [
        [-2, 1, -1, 1].as_slice(),
        &[0, 0, 1, -1, 1],
        &[-1, -1, 1, 0, 1],
        &[-2, 1, 0, 1, 0, 0, -7],
        &[-2, 1, 0, 1, 5 - BUCKETS],
    ] {
        let read = LatencyHistogram::decode(&message(numbers)).unwrap();
        assert_eq!(read, expected, "{numbers:?}");
        assert_eq!(read.encode(), usual);
    }
    let over_long = with_payload(&[0x83, 0x00, 0x82, 0x80, 0x00, 0x80, 0x00, 0x02]);
    assert_eq!(LatencyHistogram::decode(&over_long), Ok(expected));
    assert_eq!(LatencyHistogram::decode(&with_payload(&[])), Ok(LatencyHistogram::new()));
}

//! Windows that are kept by themselves.

use proptest::prelude::*;
use vantage_wire::report::{Omitted, ReportError, decode_windows, encode_windows};

use crate::arbitrary;

proptest! {
    #[test]
    fn windows_survive(report in arbitrary::report()) {
        let bytes = encode_windows(&report.windows).unwrap();
        let (windows, omitted) = decode_windows(&bytes).unwrap();
        prop_assert_eq!(&windows, &report.windows);
        prop_assert_eq!(omitted, Omitted::default());
        prop_assert_eq!(encode_windows(&windows).unwrap(), bytes);
    }

    #[test]
    fn damaged_windows_are_an_error_or_windows(
        report in arbitrary::report(),
        place: prop::sample::Index,
        bits in 1..=255_u8,
    ) {
        let mut bytes = encode_windows(&report.windows).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= bits;
        if let Ok((windows, _)) = decode_windows(&bytes) {
            prop_assert!(encode_windows(&windows).is_ok());
        }
    }
}

#[test]
fn windows_that_inflate_without_end_are_refused() {
    let bomb = zstd_of_zeros(64 << 20);
    assert!(bomb.len() < 64 << 10);
    assert!(matches!(decode_windows(&bomb), Err(ReportError::ReportTooLarge)));
}

fn zstd_of_zeros(bytes: usize) -> Vec<u8> {
    zstd::bulk::compress(&vec![0; bytes], 1).unwrap()
}

//! Any bytes as the frames of an HTTP/2 connection: where the first `HEADERS` is found does not
//! depend on how the bytes are cut.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_agent::probe::FrameWatch;

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = FrameWatch::default().sees_headers(bytes);
    let found_at = |size: usize| {
        let mut watch = FrameWatch::default();
        let mut pieces = bytes.chunks(size.max(1));
        let found = pieces.position(|piece| watch.sees_headers(piece));
        found.map(|piece| piece * size.max(1))
    };
    let (one, some) = (found_at(1), found_at((*size).into()));
    assert_eq!(one.is_some(), whole);
    let size = usize::from(*size).max(1);
    assert_eq!(one.map(|at| at / size * size), some);
});

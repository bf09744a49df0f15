//! zstd around a whole report.

use std::io::Read as _;

use super::bounds::MAX_REPORT_BYTES;
use super::error::ReportError;

/// zstd level of the writer; readers do not care.
///
/// A minute of 50 HTTPS targets, 41 560 bytes, shrinks at level 1 to 16 502 bytes in 87 µs, at
/// level 3 to 16 332 in 188 µs, at level 9 to 16 232 in 0.8 ms and at level 19 to 16 260 in 14 ms.
/// One per cent of bytes is not worth twice the time and memory on a small machine.
const LEVEL: i32 = 1;

/// The largest window that a frame may ask the reader to keep, as a power of two: 8 MiB, which is
/// [`MAX_REPORT_BYTES`], and no level asks for more on input of that size.
const MAX_WINDOW_LOG: u32 = 23;

/// Compresses to one frame.
pub(super) fn compress(bytes: &[u8]) -> Result<Vec<u8>, ReportError> {
    zstd::bulk::compress(bytes, LEVEL).map_err(ReportError::Compression)
}

/// Inflates exactly one frame of at most [`MAX_REPORT_BYTES`], whatever its header claims.
pub(super) fn inflate(frame: &[u8]) -> Result<Vec<u8>, ReportError> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(frame)
        .map_err(ReportError::Compression)?
        .single_frame();
    decoder.window_log_max(MAX_WINDOW_LOG).map_err(ReportError::Compression)?;
    let mut inflated = Vec::new();
    let one_too_many = MAX_REPORT_BYTES as u64 + 1;
    (&mut decoder)
        .take(one_too_many)
        .read_to_end(&mut inflated)
        .map_err(ReportError::Compression)?;
    if inflated.len() > MAX_REPORT_BYTES {
        return Err(ReportError::ReportTooLarge);
    }
    match decoder.finish() {
        [] => Ok(inflated),
        rest => Err(ReportError::TrailingBytes { bytes: rest.len() }),
    }
}

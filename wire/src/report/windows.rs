//! Windows by themselves: what an agent's spool and an aggregator's store keep.
//!
//! The bytes are a zstd frame around a message that holds the fields 5 to 7 of a
//! [`Report`](super::Report) and nothing else, within the same [limits](super::bounds).

use prost::Message as _;

use super::error::ReportError;
use super::model::{Omitted, WindowReport};
use super::{bounds, compress, decode, encode, message};

/// Windows as bytes to keep. Equal windows give equal bytes.
///
/// # Errors
///
/// [`ReportError`] where a window does not add up or they exceed the limits together.
pub fn encode_windows(windows: &[WindowReport]) -> Result<Vec<u8>, ReportError> {
    let bytes = encode::windows(windows)?.encode_to_vec();
    bounds::check(&bytes)?;
    compress::compress(&bytes)
}

/// Reads windows that were kept, and what a newer writer put into them that this version cannot
/// keep.
///
/// # Errors
///
/// [`ReportError`] where the bytes are no windows, exceed the limits or do not add up.
pub fn decode_windows(frame: &[u8]) -> Result<(Vec<WindowReport>, Omitted), ReportError> {
    let bytes = compress::inflate(frame)?;
    bounds::check(&bytes)?;
    let message = message::KeptWindows::decode(bytes.as_slice())
        .map_err(|source| ReportError::Protobuf { message: "windows", source })?;
    Ok(decode::windows(message)?)
}

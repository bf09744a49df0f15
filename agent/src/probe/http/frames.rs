//! Finds the beginning of a response among HTTP/2 frames (RFC 9113 §4.1).

/// Length of a frame's header: length (3 bytes), type, flags, stream (4 bytes).
const HEADER_BYTES: usize = 9;
const HEADERS: u8 = 0x1;

/// Follows the frames of a connection's reading side. Knows no more than where each one ends; any
/// bytes may be given to it.
#[derive(Debug, Default)]
pub struct FrameWatch {
    header: [u8; HEADER_BYTES],
    filled: usize,
    // Bytes of the current frame's payload that are still to come.
    payload: usize,
}

impl FrameWatch {
    /// Whether a `HEADERS` frame's header is completed by these bytes, which follow those given
    /// before.
    pub fn sees_headers(&mut self, mut bytes: &[u8]) -> bool {
        let mut seen = false;
        while !bytes.is_empty() {
            let skipped = self.payload.min(bytes.len());
            self.payload -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEADER_BYTES - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEADER_BYTES {
                let [high, middle, low, kind, ..] = self.header;
                self.payload = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.filled = 0;
                seen |= kind == HEADERS;
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, 0, 0, 0, 0, 1][..], payload].concat()
    }

    #[test]
    fn headers_are_found_however_the_bytes_are_cut() {
        // A SETTINGS frame whose payload looks like the header of HEADERS, an empty one, HEADERS.
        let bytes =
            [frame(4, &frame(HEADERS, &[])), frame(4, &[]), frame(HEADERS, b"abc")].concat();
        let found_at = 9 + 9 + 9 + 9;
        for size in 1..=bytes.len() {
            let mut watch = FrameWatch::default();
            let mut position = 0;
            for piece in bytes.chunks(size) {
                position += piece.len();
                let expected = position >= found_at && position - piece.len() < found_at;
                assert_eq!(watch.sees_headers(piece), expected, "{position} by {size}");
            }
        }
    }
}

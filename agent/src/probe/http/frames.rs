//! Finds the beginning of a response among HTTP/2 frames (RFC 9113 §4.1), and with what error the
//! peer takes its leave: hyper does not tell that to a response that is under way.

/// Length of a frame's header: length (3 bytes), type, flags, stream (4 bytes).
const HEADER_BYTES: usize = 9;
const HEADERS: u8 = 0x1;
const GOAWAY: u8 = 0x7;
/// Fixed part of a `GOAWAY` frame's payload (RFC 9113 §6.8): last stream, error code.
const LEAVE_BYTES: usize = 8;

/// Follows the frames of a connection's reading side. Any bytes may be given to it.
#[derive(Debug, Default)]
pub struct FrameWatch {
    header: [u8; HEADER_BYTES],
    filled: usize,
    // Bytes of the current frame's payload that are still to come.
    payload: usize,
    // Of a `GOAWAY` frame's payload.
    leave: [u8; LEAVE_BYTES],
    leave_filled: usize,
    leave_error: Option<u32>,
}

impl FrameWatch {
    /// Whether a `HEADERS` frame's header is completed by these bytes, which follow those given
    /// before.
    pub fn sees_headers(&mut self, mut bytes: &[u8]) -> bool {
        let mut seen = false;
        while !bytes.is_empty() {
            let within = self.payload.min(bytes.len());
            self.payload -= within;
            self.read_payload(&bytes[..within]);
            bytes = &bytes[within..];
            let taken = (HEADER_BYTES - self.filled).min(bytes.len());
            self.header[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEADER_BYTES {
                let [high, middle, low, kind, ..] = self.header;
                self.payload = u32::from_be_bytes([0, high, middle, low]) as usize;
                self.filled = 0;
                self.leave_filled = if kind == GOAWAY { 0 } else { LEAVE_BYTES };
                seen |= kind == HEADERS;
            }
        }
        seen
    }

    /// The error code of the last `GOAWAY` that named an error; `None` where there was none such.
    pub fn leave_error(&self) -> Option<u32> {
        self.leave_error
    }

    fn read_payload(&mut self, bytes: &[u8]) {
        let taken = (LEAVE_BYTES - self.leave_filled).min(bytes.len());
        if taken == 0 {
            return;
        }
        self.leave[self.leave_filled..self.leave_filled + taken].copy_from_slice(&bytes[..taken]);
        self.leave_filled += taken;
        if self.leave_filled == LEAVE_BYTES {
            let [_, _, _, _, code @ ..] = self.leave;
            let code = u32::from_be_bytes(code);
            self.leave_error = (code != 0).then_some(code).or(self.leave_error);
        }
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
    fn an_error_in_a_goaway_is_found_however_the_bytes_are_cut() {
        let leave = |code: u8| frame(GOAWAY, &[0, 0, 0, 1, 0, 0, 0, code, b'b', b'y', b'e']);
        // What looks like one within the payload of another frame is none.
        let bytes = [frame(0, &leave(9)), leave(0), leave(2), frame(4, &[0; 8])].concat();
        let found_at = (9 + 20) + 20 + (9 + 8);
        for size in 1..=bytes.len() {
            let mut watch = FrameWatch::default();
            let mut position = 0;
            for piece in bytes.chunks(size) {
                watch.sees_headers(piece);
                position += piece.len();
                let expected = (position >= found_at).then_some(2);
                assert_eq!(watch.leave_error(), expected, "{position} by {size}");
            }
        }
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

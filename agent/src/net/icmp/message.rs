//! Echo messages (RFC 792, RFC 4443 §4): how they are written and recognised.

use std::hash::{BuildHasher, RandomState};

const HEADER_BYTES: usize = 8;

/// One echo: what tells it from every other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    ipv6: bool,
    identifier: u16,
    sequence: u16,
    payload: Box<[u8]>,
}

/// A random number nobody can foresee, so that neither a late answer to another echo nor a forged
/// one is taken for this one's.
pub fn nonce() -> u16 {
    // Its keys are new in every instance, and random in every thread.
    let [high, low, ..] = RandomState::new().hash_one(()).to_be_bytes();
    u16::from_be_bytes([high, low])
}

impl Echo {
    /// An echo with a random sequence number and payload.
    pub fn new(ipv6: bool, identifier: u16, payload_bytes: u16) -> Self {
        let keys = RandomState::new();
        let words =
            (0..=usize::from(payload_bytes) / 8).flat_map(|at| keys.hash_one(at).to_be_bytes());
        let payload = words.take(payload_bytes.into()).collect();
        Self { ipv6, identifier, sequence: nonce(), payload }
    }

    /// Its identifier.
    pub fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u16 {
        self.sequence
    }

    /// Most bytes that an answer takes, with an IPv4 header of any length before it.
    pub fn answer_bytes(&self) -> usize {
        60 + HEADER_BYTES + self.payload.len()
    }

    fn header(&self, kind: u8) -> [u8; HEADER_BYTES] {
        let [id_high, id_low] = self.identifier.to_be_bytes();
        let [seq_high, seq_low] = self.sequence.to_be_bytes();
        [kind, 0, 0, 0, id_high, id_low, seq_high, seq_low]
    }

    const fn request_kind(&self) -> u8 {
        if self.ipv6 { 128 } else { 8 }
    }

    const fn reply_kind(&self) -> u8 {
        if self.ipv6 { 129 } else { 0 }
    }

    /// The request. Of ICMPv6 the kernel fills in the checksum, which covers addresses.
    pub fn request(&self) -> Vec<u8> {
        let mut message = self.header(self.request_kind()).to_vec();
        message.extend_from_slice(&self.payload);
        if !self.ipv6 {
            let sum = checksum(&message).to_be_bytes();
            message[2..4].copy_from_slice(&sum);
        }
        message
    }

    /// Whether a message is the reply.
    pub fn is_answered_by(&self, message: &[u8]) -> bool {
        message.split_at_checked(HEADER_BYTES).is_some_and(|(header, payload)| {
            self.matches(header, self.reply_kind()) && *payload == *self.payload
        })
    }

    /// Whether an ICMP error quotes the request: at least its header (RFC 792, RFC 4443 §3).
    pub fn is_quoted_by(&self, quoted: &[u8]) -> bool {
        quoted.len() >= HEADER_BYTES && self.matches(quoted, self.request_kind())
    }

    fn matches(&self, message: &[u8], kind: u8) -> bool {
        let header = self.header(kind);
        message[..2] == header[..2] && message[4..HEADER_BYTES] == header[4..]
    }
}

/// What follows the IPv4 header of a packet (RFC 791 §3.1); nothing where the packet ends before.
pub fn behind_ipv4_header(packet: &[u8]) -> &[u8] {
    let header_bytes = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    packet.get(header_bytes..).unwrap_or_default()
}

/// The internet checksum (RFC 1071): the complement of the sum in one's complement.
fn checksum(message: &[u8]) -> u16 {
    let words = message
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    let sum = words.fold(0_u16, |sum, word| {
        // What is carried out at the top comes in at the bottom.
        let (sum, carried) = sum.overflowing_add(word);
        sum + u16::from(carried)
    });
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(request: &[u8], ipv6: bool) -> Vec<u8> {
        let mut reply = request.to_vec();
        reply[0] = if ipv6 { 129 } else { 0 };
        reply
    }

    #[test]
    fn the_sum_of_a_checked_message_is_zero() {
        for payload_bytes in [0, 1, 16, 1400] {
            assert_eq!(checksum(&Echo::new(false, 0xfffe, payload_bytes).request()), 0);
        }
        // The example of RFC 1071 §3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn only_its_own_reply_answers_an_echo() {
        for ipv6 in [false, true] {
            let echo = Echo::new(ipv6, 77, 16);
            let request = echo.request();
            assert_eq!(request.len(), 24);
            let right = reply(&request, ipv6);
            assert!(echo.is_answered_by(&right) && !echo.is_answered_by(&request));
            // Type, code, identifier, sequence number, payload; the checksum is the kernel's.
            for at in [0, 1, 4, 5, 6, 7, 8, 23] {
                let mut wrong = right.clone();
                wrong[at] ^= 1;
                assert!(!echo.is_answered_by(&wrong), "byte {at}");
            }
            for length in 0..right.len() {
                assert!(!echo.is_answered_by(&right[..length]), "{length} bytes");
            }
            assert!(!echo.is_answered_by(&[right, vec![0]].concat()));
        }
    }

    #[test]
    fn an_error_must_quote_the_request() {
        let echo = Echo::new(false, 77, 16);
        let request = echo.request();
        assert!(echo.is_quoted_by(&request) && echo.is_quoted_by(&request[..8]));
        assert!(!echo.is_quoted_by(&request[..7]) && !echo.is_quoted_by(&reply(&request, false)));
        let other = Echo { sequence: echo.sequence.wrapping_add(1), ..echo.clone() };
        assert!(!echo.is_quoted_by(&other.request()));
    }

    #[test]
    fn no_two_echoes_are_alike() {
        let (one, other) = (Echo::new(false, 1, 16), Echo::new(false, 1, 16));
        assert_ne!(one.payload, other.payload);
    }
}

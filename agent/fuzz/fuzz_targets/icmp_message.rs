//! Any bytes as an ICMP message, and as the start of a packet that an error quotes: only the reply
//! with its identifier, sequence number and payload answers an echo.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_agent::net::icmp::{Echo, behind_ipv4_header};

fuzz_target!(|bytes: &[u8]| {
    for ipv6 in [false, true] {
        let echo = Echo::new(ipv6, 0x1234, 16);
        let request = echo.request();
        let mut reply = request.clone();
        reply[0] = if ipv6 { 129 } else { 0 };
        for message in [bytes, behind_ipv4_header(bytes)] {
            // Its payload is random: nothing but a copy can be the answer.
            assert!(!echo.is_answered_by(message));
            assert_eq!(
                echo.is_quoted_by(message),
                message.len() >= 8
                    && message[..2] == request[..2]
                    && message[4..8] == request[4..8]
            );
        }
        // The input behind a header of any length that it may claim.
        let header = bytes.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
        if header > 0 && bytes.len() >= header {
            let packet = [&bytes[..header], &reply].concat();
            assert!(echo.is_answered_by(behind_ipv4_header(&packet)));
        }
    }
});

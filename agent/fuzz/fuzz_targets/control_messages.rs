//! Any bytes as the control messages beside a packet, and as the ICMP error that they describe.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_agent::net::control::{Details, Queued};
use vantage_agent::net::icmp::Rejection;

fuzz_target!(|bytes: &[u8]| {
    let details = Details::read(bytes);
    if let Some(Queued::Icmp { kind, code, info, from }) = details.queued {
        for ipv6 in [false, true] {
            let rejection = Rejection { ipv6, kind, code, info, from };
            for own in [None, from] {
                if let Some(failure) = rejection.failure(own) {
                    assert!(!failure.detail.is_empty());
                }
            }
        }
    }
});

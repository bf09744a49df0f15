//! Any bytes as the certificate that a target shows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vantage_agent::net::tls::Certificate;

fuzz_target!(|bytes: &[u8]| {
    assert_eq!(Certificate::read(bytes), Certificate::read(bytes));
});

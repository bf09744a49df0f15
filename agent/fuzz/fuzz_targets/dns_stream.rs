//! Any bytes as what a DNS server sends over TCP or TLS: framing by length, cut anywhere. The
//! exchange ends, and an answer is one to the query.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use vantage_agent::net::dns::{Query, RecordType, exchange_stream};
use vantage_agent_fuzz::{Peer, runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);

fuzz_target!(|bytes: &[u8]| {
    let query = Query::new(0, "a.test", RecordType::A).expect("a name");
    let mut strays = 0;
    let mut peer = Peer::new(bytes);
    match RUNTIME.block_on(exchange_stream(&mut peer, &query, &mut strays)) {
        Ok(exchange) => assert!(!exchange.answer.rcode().is_empty()),
        Err(failure) => assert!(!failure.detail.is_empty()),
    }
    // A message takes at least the two bytes of its length.
    assert!(strays as usize <= bytes.len() / 2);
});

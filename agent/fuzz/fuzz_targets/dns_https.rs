//! Any bytes as what a DNS server sends over HTTPS, by HTTP/1.1 or HTTP/2 (the first byte chooses):
//! the exchange ends with an answer or with a failure of phase `dns`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use vantage_agent::net::dns::{Endpoint, Query, RecordType, exchange_https};
use vantage_agent_fuzz::{Peer, runtime};
use vantage_wire::Phase;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(runtime);

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let query = Query::new(0, "a.test", RecordType::A).expect("a name");
    let uri = "https://192.0.2.53/dns-query".parse().expect("a URL");
    let endpoint = Endpoint { uri, http2: first & 1 == 1 };
    let mut strays = 0;
    let exchange = exchange_https(Peer::new(bytes), &endpoint, &query, &mut strays);
    match RUNTIME.block_on(exchange) {
        Ok(exchange) => assert!(!exchange.answer.rcode().is_empty()),
        Err(failure) => assert!(failure.phase == Phase::Dns && !failure.detail.is_empty()),
    }
});

//! Every behaviour of every service, seen by real clients on the wire, on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod admission;
mod certificates;
mod client;
mod dns;
mod http1;
mod http2;
mod http3;
mod life;
mod spec;
mod tcp;

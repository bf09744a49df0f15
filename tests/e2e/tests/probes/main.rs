//! Every probe over the emulated network: what it measures is held against its packets, and every
//! failure is caused for real.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod accuracy;
mod agent_fault;
mod client_certificate;
mod dns;
mod dns_over_tls;
mod http;
mod icmp;
mod icmp_accuracy;
mod quic;
mod slots;
mod stage;
mod stall;
mod tcp;
mod tls;
mod wall_clock;

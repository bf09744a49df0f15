//! Every probe over the emulated network: what it measures is held against its packets, and every
//! failure is caused for real.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

mod icmp;
mod icmp_accuracy;
mod stage;
mod tcp;

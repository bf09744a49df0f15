//! Six agents in six markets, six sites, an aggregator in a seventh place: what agents measured
//! reaches the store exactly once, whatever is cut or killed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod agent_disk_full;
mod deployment;
mod exactly_once;
mod ledger;
mod week_away;

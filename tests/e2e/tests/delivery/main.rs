//! Six agents in six markets, six sites, an aggregator in a seventh place: what agents measured
//! reaches the store exactly once, whatever is cut or killed.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod agent_disk_full;
mod aggregator_disk_full;
mod deployment;
mod exactly_once;
mod ledger;
mod over_https;
mod places;
mod small_disk;
mod week_away;
mod write_ahead_log;

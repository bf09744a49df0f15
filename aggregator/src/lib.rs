//! The Vantage aggregator: takes in what agents report, keeps it, and answers where to host.
//!
//! Data flows one way: [`ingest`] verifies and bounds what comes in through the [`api`], the
//! [`store`] keeps it and rolls it up, [`export`] writes it out for other tools. The [`catalogue`]
//! says what agents are to probe; [`metrics`] tells Prometheus how all of it fares; [`serve`] ties
//! everything into a process, [`cli`] is the command line of `vantage`.

pub mod agents;
pub mod analysis;
pub mod answers;
pub mod api;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod export;
pub mod identity;
pub mod ingest;
pub mod log;
pub mod metrics;
pub mod parallel;
pub mod random;
pub mod serve;
pub mod store;
pub mod tasks;

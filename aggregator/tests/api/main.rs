//! The aggregator as agents and people meet it: the real `vantage serve` over real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agent;
mod aggregator;
mod assignment;
mod documentation;
mod enrolment;
mod hostile;
mod life;
mod metrics;
mod openapi;
mod readers;
mod reports;

//! The export to InfluxDB against real databases (InfluxDB 1.6, VictoriaMetrics), and against a
//! server of our own that is strict about what it takes and fails as it is told to.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is a failed test")]

mod backfill;
mod bridge;
mod cardinality;
mod configuration;
mod fixture;
mod influxdb;
mod live;
mod peer;
mod process;
mod strict;
mod vantage;
mod victoria;
mod week;

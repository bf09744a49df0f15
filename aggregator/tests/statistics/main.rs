//! What the analysis promises of its margins and error rates, on simulated measurements of which the
//! truth is known, with fixed seeds.
#![expect(clippy::unwrap_used, reason = "in tests a panic is a failed test")]

mod compare_cases;
mod compare_rates;
mod coverage;
mod degenerate;
mod migrations;
mod properties;
mod ranking;
mod simulation;

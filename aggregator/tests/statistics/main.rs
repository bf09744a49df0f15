//! What the analysis promises of its margins and error rates, on simulated measurements of which the
//! truth is known. Seeds are fixed; `seeds` says how to take others.
#![expect(clippy::unwrap_used, reason = "in tests a panic is a failed test")]

mod compare_cases;
mod compare_rates;
mod coverage;
mod degenerate;
mod migrations;
mod properties;
mod ranking;
mod seeds;
mod simulation;

//! The catalogue as operators and agents know it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assignment;
mod load;
mod mistakes;
mod sample;

/// The sample that documents every key.
const SAMPLE: &str = include_str!("../../catalogue.toml");

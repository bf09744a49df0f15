//! The catalogue as operators and agents know it.

mod assignment;
mod load;
mod mistakes;
mod sample;

/// The sample that documents every key.
const SAMPLE: &str = include_str!("../../catalogue.toml");

//! The export to InfluxDB 2.

pub mod fields;

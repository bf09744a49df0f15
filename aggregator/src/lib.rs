//! The Vantage aggregator: takes in what agents report, keeps it, and answers where to host.

pub mod catalogue;
pub mod store;

//! Pieces shared by the benches that measure Vantage against its budgets.
//!
//! A bench prints a table of what it measured beside the budget. It never fails for being slow: a
//! busy machine must not turn a build red, and a person reads the figures.

mod clock;
mod rounds;
mod table;

pub use rounds::median_times;
pub use table::Table;

//! Pieces shared by the benches that measure Vantage against its budgets.
//!
//! A bench prints a table of what it measured beside the budget. It never fails for being slow: a
//! busy machine must not turn a build red, and a person reads the figures. What each bench does,
//! and what its columns mean, is in `tests/bench/README.md`.

pub mod agent;
mod arguments;
pub mod blackbox;
mod clock;
mod deviations;
pub mod fleet;
pub mod fping;
pub mod labelled;
mod matching;
pub mod packets;
pub mod pelt;
pub mod process;
mod rounds;
pub mod saturation;
pub mod service;
pub mod stage;
mod table;

pub use arguments::{folder, seconds};
pub use deviations::Deviations;
pub use matching::Matching;
pub use rounds::median_times;
pub use table::Table;

//! What is probed, from where, and for whom: `catalogue.toml`.
//!
//! Operators edit one file; the aggregator checks it as a whole and tells each agent what concerns
//! it. Nothing in it is guessed: an unknown key, a name that leads nowhere or an impossible value
//! is an error that shows its line and says what would be right, and all of them are shown at once.
//! `aggregator/catalogue.toml` documents every key.
//!
//! The text may be hostile: its size is bounded, and so are the messages about it.

mod address;
mod assign;
mod country;
pub mod keys;
mod load;
mod model;
mod names;
mod nearest;
mod problem;
mod quote;
mod rate;
mod read;
mod score;
mod section;
mod sources;
mod span;
mod summary;
mod value;

pub use load::{MAX_CA_FILE_BYTES, MAX_CATALOGUE_BYTES};
pub use model::{
    Catalogue, Defaults, Market, MeasuredBy, Migration, Objective, Probe, Residency, Service, Site,
    Target, TargetOf, Vantage, VantageClass,
};
pub(crate) use nearest::nearest;
pub use problem::{Problem, Problems};
pub use rate::ExceededCap;
pub use score::{NoScore, Score};
pub use sources::Sources;
pub(crate) use span::parse as parse_span;
pub use summary::Summary;

//! The four dashboards.

mod fleet;
mod market;
mod migration;
mod where_to_host;

use crate::dashboard::Dashboard;

pub use fleet::{SILENCE_LIMITS_S, fleet};
pub use market::market;
pub use migration::migration;
pub use where_to_host::where_to_host;

/// All of them, in the order of their use.
pub fn all() -> [Dashboard; 4] {
    [where_to_host(), market(), migration(), fleet()]
}

//! What time it is: by the machine's clock, and by the aggregator's.
//!
//! Spans are never measured with any of this; they come from the monotonic clock.

mod estimate;
mod system;

pub use estimate::{Estimate, Reading};
pub use system::{SystemClock, WallClock};

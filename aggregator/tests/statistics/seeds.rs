//! The seeds of the simulations whose error rates are counted, and how to count anew with others.
//!
//! `VANTAGE_STATISTICS_SEED=N` moves all of them to the N-th set, which has no seed in common with
//! any other; the usual set is number 0. A method or a bound that was chosen after the figures of
//! one set were seen is confirmed by another only.

use std::sync::LazyLock;

const VARIABLE: &str = "VANTAGE_STATISTICS_SEED";
/// More than any test counts through.
const SEEDS_IN_A_SET: u64 = 1 << 32;

static SET: LazyLock<u64> = LazyLock::new(|| {
    let Ok(text) = std::env::var(VARIABLE) else { return 0 };
    let set = text.parse().ok().filter(|set| *set < u64::from(u32::MAX));
    set.unwrap_or_else(|| panic!("{VARIABLE}={text:?} is no number below 4294967295"))
});

/// The seed with this number in the set.
pub fn seed(number: u64) -> u64 {
    *SET * SEEDS_IN_A_SET + number
}

/// How to have the same seeds again, for the message of a failure.
pub fn again() -> String {
    format!("seeds of {VARIABLE}={}", *SET)
}

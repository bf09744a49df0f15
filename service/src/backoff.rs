//! How long to wait before the next try.

use std::time::Duration;

use rand::{Rng, RngExt as _};

const SHORTEST: Duration = Duration::from_secs(1);

/// Waits that double from one failure to the next, from 1 s on, each cut by chance to between a half
/// and the whole of itself, so that a fleet does not come back in step.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// No failure yet. Waits grow up to `longest`.
    pub const fn up_to(longest: Duration) -> Self {
        Self { longest, failures: 0 }
    }

    /// The wait after one more failure; not shorter than `at_least`.
    pub fn next(&mut self, at_least: Option<Duration>, random: &mut impl Rng) -> Duration {
        let whole = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        let wait = whole.mul_f64(random.random_range(0.5..=1.0));
        // Those who were told the same must not come in step either.
        at_least.map_or(wait, |least| wait.max(least.mul_f64(random.random_range(1.0..=1.25))))
    }

    /// All is well again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether the last try failed.
    pub const fn is_failing(self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn waits_grow_within_their_bounds_and_begin_anew() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let longest = Duration::from_mins(5);
        let mut backoff = Backoff::up_to(longest);
        for failures in 0..40_u32 {
            let whole = Duration::from_secs(1 << failures.min(20)).min(longest);
            let wait = backoff.next(None, &mut random);
            assert!((whole / 2..=whole).contains(&wait), "{failures}: {wait:?}");
        }
        let asked = Duration::from_mins(10);
        let wait = backoff.next(Some(asked), &mut random);
        assert!((asked..=asked * 5 / 4).contains(&wait), "{wait:?}");
        backoff.reset();
        assert!(backoff.next(None, &mut random) <= SHORTEST);
    }
}

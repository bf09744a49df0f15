//! How long to wait before the next try.

use std::time::Duration;

use rand::{Rng, RngExt as _};

use super::answer::WriteError;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(2);
/// Between tries where only an operator can help.
const DENIED: Duration = Duration::from_mins(1);

/// Waits that double from one failure to the next, 1 s to 2 min, each cut by chance to between a
/// half and the whole of itself, so that several aggregators do not come back in step.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure. One that the server asked for is kept; where only an
    /// operator can help, it is a minute.
    pub fn after(&mut self, error: &WriteError, random: &mut impl Rng) -> Duration {
        let whole = SHORTEST.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let share: f64 = random.random_range(0.0..=1.0);
        let wait = whole.mul_f64(0.5 + share / 2.0);
        match error {
            WriteError::Busy { pause: Some(asked), .. } => {
                wait.max(asked.mul_f64(1.0 + share / 4.0))
            }
            WriteError::Denied { .. } | WriteError::Token(_) => DENIED.mul_f64(1.0 + share / 4.0),
            _ => wait,
        }
    }

    /// All is well again.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn busy(pause: Option<Duration>) -> WriteError {
        WriteError::Busy { status: 503, pause, saying: "".into() }
    }

    #[test]
    fn waits_grow_within_their_bounds_and_begin_anew() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut backoff = Backoff::default();
        for failures in 0..40_u32 {
            let whole = Duration::from_secs(1 << failures.min(20)).min(LONGEST);
            let wait = backoff.after(&busy(None), &mut random);
            assert!((whole / 2..=whole).contains(&wait), "{failures}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.after(&busy(None), &mut random) <= SHORTEST);
    }

    #[test]
    fn a_pause_that_was_asked_for_is_kept_and_operators_are_not_pressed() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut wait = |error| Backoff::default().after(&error, &mut random);
        let asked = Duration::from_mins(10);
        let kept = wait(busy(Some(asked)));
        assert!((asked..=asked * 5 / 4).contains(&kept), "{kept:?}");
        let denied = wait(WriteError::Denied { status: 401, saying: "".into() });
        assert!((DENIED..=DENIED * 5 / 4).contains(&denied), "{denied:?}");
    }
}

//! When the event loop stood still, by the slots that it came to late.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::schedule::LATEST_START;

/// Times remembered; attempts last a minute at most, and a stall is a tenth of a second at least.
const MOST_STALLS: usize = 1_024;

/// Times in which the event loop stood still for longer than [`LATEST_START`]. Told when slots were
/// due and come to; reads no clock.
#[derive(Debug, Default)]
pub struct Stalls {
    spans: VecDeque<(Instant, Instant)>,
}

impl Stalls {
    /// Takes note that a slot was come to `now`.
    pub fn note(&mut self, due: Instant, now: Instant) {
        if now.saturating_duration_since(due) <= LATEST_START {
            return;
        }
        // The slots that one stall has passed come one after the other, the earliest first.
        if self.spans.back().is_some_and(|(began, over)| *began <= due && due <= *over) {
            return;
        }
        if self.spans.len() == MOST_STALLS {
            self.spans.pop_front();
        }
        self.spans.push_back((due, now));
    }

    /// How long the longest lasted of those that fell between two moments, in whole or in part;
    /// zero where none did.
    pub fn longest(&self, from: Instant, to: Instant) -> Duration {
        self.spans
            .iter()
            .filter(|(began, over)| *began < to && *over > from)
            .map(|(began, over)| *over - *began)
            .max()
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_met_by_what_overlaps_it() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut stalls = Stalls::default();
        stalls.note(at(0), at(100));
        // The loop stands still from 1000 to 1400 ms, and three slots are due meanwhile.
        for due in [1_000, 1_200, 1_350] {
            stalls.note(at(due), at(1_400));
        }
        for (from, to, expected) in
            [(0, 1_000, 0), (500, 1_401, 400), (1_399, 2_000, 400), (1_400, 2_000, 0)]
        {
            let found = stalls.longest(at(from), at(to));
            assert_eq!(found, Duration::from_millis(expected), "{from} to {to}");
        }
        for number in 0..5_000 {
            stalls.note(at(2_000 + number * 1_000), at(2_200 + number * 1_000));
        }
        assert!(stalls.spans.len() <= MOST_STALLS);
    }
}

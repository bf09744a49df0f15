//! How far a clock is off, from the four times of an exchange (RFC 5905 §8).

use crate::report::ClockOffset;
use crate::units::{Micros, UtcMicros};

/// The four times of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// When the agent began to send its request, by its own clock.
    pub sent: UtcMicros,
    /// When the aggregator had the request, by the aggregator's clock.
    pub received: UtcMicros,
    /// When the aggregator began to answer, by the aggregator's clock.
    pub answered: UtcMicros,
    /// The time from sending to the arrival of the answer, by the agent's monotonic clock: a step
    /// of its UTC clock meanwhile does no harm.
    pub round_trip: Micros,
}

impl Exchange {
    /// What is to be added to the agent's clock at the time of sending, and how far that may be
    /// off: half of the time on the way, which is all that is known of how it divides between
    /// there and back.
    pub fn offset(&self) -> ClockOffset {
        let held = self.answered.get().saturating_sub(self.received.get()).max(0);
        let held = Micros::new(held.unsigned_abs());
        let on_the_way = self.round_trip.saturating_sub(held).get();
        let half = i64::try_from(on_the_way / 2).unwrap_or(i64::MAX);
        let arrived = self.sent.get().saturating_add(half);
        ClockOffset {
            offset_us: self.received.get().saturating_sub(arrived),
            bound: Micros::new(on_the_way.div_ceil(2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_truth_lies_within_the_bound(
            true_offset in -1_000_000_000_i64..1_000_000_000,
            there in 0_i64..2_000_000,
            held in 0_i64..60_000_000,
            back in 0_i64..2_000_000,
        ) {
            let sent = 1_700_000_000_000_000;
            let received = sent + true_offset + there;
            let exchange = Exchange {
                sent: UtcMicros::new(sent),
                received: UtcMicros::new(received),
                answered: UtcMicros::new(received + held),
                round_trip: Micros::new((there + held + back).unsigned_abs()),
            };
            let ClockOffset { offset_us, bound } = exchange.offset();
            prop_assert!(offset_us.abs_diff(true_offset) <= bound.get());
            prop_assert!(bound.get() <= (there + back).unsigned_abs() / 2 + 1);
        }
    }

    #[test]
    fn impossible_times_give_no_panic() {
        let extremes = [i64::MIN, -1, 0, i64::MAX].map(UtcMicros::new);
        for sent in extremes {
            for received in extremes {
                for answered in extremes {
                    let round_trip = Micros::MAX;
                    let _ = Exchange { sent, received, answered, round_trip }.offset();
                }
            }
        }
    }
}

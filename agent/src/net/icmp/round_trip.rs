//! How long an echo took, from the kernel's stamps.
//!
//! The kernel stamps packets by the wall clock, which may step at any time. A latency is therefore
//! the difference of two stamps only where the wall clock went along with the monotonic clock all
//! the while, which is found out by reading both before the echo is sent and after the answer was
//! received. (Both clocks are slewed alike, so a clock that is being disciplined is no obstacle.)
//! Where it did not, or a stamp lies outside of the two readings, the monotonic readings count.

use std::time::Duration;

use tokio::time::Instant;

use crate::net::sys::WallTime;

/// Both clocks, read next to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The clock that never steps.
    pub monotonic: Instant,
    /// The clock of the kernel's stamps.
    pub wall: WallTime,
}

impl Reading {
    /// Reads them, and again where something came between the readings.
    pub fn now() -> Self {
        let mut tries = 0;
        loop {
            let before = Instant::now();
            let wall = WallTime::now();
            let monotonic = Instant::now();
            tries += 1;
            if monotonic - before < UNDISTURBED || tries == MOST_TRIES {
                return Self { monotonic, wall };
            }
        }
    }
}

/// Nothing came between readings that took less than this.
const UNDISTURBED: Duration = Duration::from_micros(1);
/// How often the clocks are read, at most.
const MOST_TRIES: u32 = 4;

/// The kernel's stamps of an echo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamps {
    /// When the request was handed to the network.
    pub sent: Option<WallTime>,
    /// When the reply came from the network.
    pub received: Option<WallTime>,
}

/// How long an echo took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// From the request leaving to the reply arriving, never longer than what user space saw.
    pub took: Duration,
    /// Whether both ends are stamps of the kernel.
    pub stamped: bool,
}

/// The clocks may differ by this much before the wall clock counts as stepped, in nanoseconds: they
/// are read one after the other. A smaller step may falsify a latency by its size.
const TOLERANCE_NS: i128 = 5_000;

/// How long an echo took: between the kernel's stamps, and where one is missing, the reading next
/// to its system call. `before` was read right before the request was sent, `after` right after
/// the reply was received.
pub fn round_trip(before: Reading, after: Reading, stamps: Stamps) -> RoundTrip {
    let user_space = after.monotonic.saturating_duration_since(before.monotonic);
    match between_stamps(before, after, stamps, user_space) {
        Some(took) => {
            let stamped = stamps.sent.is_some() && stamps.received.is_some();
            RoundTrip { took: took.min(user_space), stamped }
        }
        None => RoundTrip { took: user_space, stamped: false },
    }
}

fn between_stamps(
    before: Reading,
    after: Reading,
    stamps: Stamps,
    user_space: Duration,
) -> Option<Duration> {
    let monotonic_ns = i128::try_from(user_space.as_nanos()).ok()?;
    let stepped_by = after.wall.nanos_since(before.wall) - monotonic_ns;
    let sent = stamps.sent.unwrap_or(before.wall);
    let received = stamps.received.unwrap_or(after.wall);
    let within = before.wall <= sent.moved(TOLERANCE_NS)
        && sent <= received
        && received <= after.wall.moved(TOLERANCE_NS);
    if stepped_by.abs() > TOLERANCE_NS || !within {
        return None;
    }
    u64::try_from(received.nanos_since(sent)).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn us(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    /// What the kernel's stamps of [`echo`] say.
    const KERNEL: RoundTrip = RoundTrip { took: us(20_000), stamped: true };
    /// What user space saw of it.
    const USER_SPACE: RoundTrip = RoundTrip { took: us(20_046), stamped: false };

    /// An echo of 20 ms, sent 6 µs after the reading before it, and received 40 µs before the
    /// reading after it. `steps` of the wall clock, in nanoseconds: before the request is sent, on
    /// the way, and after the reply is received.
    fn echo(steps: [i128; 3]) -> (Reading, Reading, Stamps) {
        let (monotonic, wall) = (Instant::now(), WallTime::now());
        let before = Reading { monotonic, wall };
        let sent = wall.moved(6_000 + steps[0]);
        let received = sent.moved(20_000_000 + steps[1]);
        let after = received.moved(40_000 + steps[2]);
        let after = Reading { monotonic: monotonic + us(20_046), wall: after };
        (before, after, Stamps { sent: Some(sent), received: Some(received) })
    }

    #[test]
    fn the_kernels_stamps_count() {
        let (before, after, stamps) = echo([0; 3]);
        assert_eq!(round_trip(before, after, stamps), KERNEL);
    }

    #[test]
    fn a_step_of_the_wall_clock_changes_nothing_but_the_precision() {
        for size in [10_000, 1_000_000, 19_999_000, 20_000_000, 3_600_000_000_000] {
            for size in [size, -size] {
                for when in 0..3 {
                    let mut steps = [0; 3];
                    steps[when] = size;
                    let (before, after, stamps) = echo(steps);
                    assert_eq!(round_trip(before, after, stamps), USER_SPACE, "{steps:?}");
                }
            }
        }
    }

    #[test]
    fn a_step_there_and_back_is_seen_by_the_stamps() {
        for steps in [[90_000_000, -90_000_000, 0], [0, 90_000_000, -90_000_000]] {
            let (before, after, stamps) = echo(steps);
            assert_eq!(round_trip(before, after, stamps), USER_SPACE, "{steps:?}");
        }
    }

    #[test]
    fn slewing_is_no_step() {
        // A clock that is half a thousandth fast gains 10 µs in 20 ms, on both clocks alike; what
        // is left is the time between the two readings.
        let (before, mut after, stamps) = echo([0; 3]);
        after.wall = after.wall.moved(1_000);
        assert_eq!(round_trip(before, after, stamps), KERNEL);
    }

    #[test]
    fn what_the_kernel_did_not_stamp_is_read_beside_the_system_call() {
        let (before, after, Stamps { sent, received }) = echo([0; 3]);
        let only = |sent, received| {
            let found = round_trip(before, after, Stamps { sent, received });
            assert!(!found.stamped);
            found.took
        };
        assert_eq!(only(None, received), us(20_006));
        assert_eq!(only(sent, None), us(20_040));
        assert_eq!(only(None, None), us(20_046));
    }

    #[test]
    fn a_stamp_of_another_packet_does_not_count() {
        let (before, after, stamps) = echo([0; 3]);
        let other = |nanos| stamps.sent.map(|stamp| stamp.moved(nanos));
        for sent in [other(-50_000_000), other(50_000_000)] {
            assert_eq!(round_trip(before, after, Stamps { sent, ..stamps }), USER_SPACE);
        }
    }
}

//! The one home of the clock: monotonic time, and the bridge to the kernel's packet stamps.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

/// A point on the monotonic clock of this machine, in nanoseconds.
///
/// Every namespace of a world shares it, so times taken in different hosts may be subtracted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub u64);

impl Nanos {
    /// Time since `earlier`; zero if `earlier` is in fact later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// Signed distance to `other` in nanoseconds: positive when `self` is the later of the two.
    pub fn minus(self, other: Self) -> i64 {
        self.0.cast_signed().wrapping_sub(other.0.cast_signed())
    }
}

impl Add<Duration> for Nanos {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Nanos {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }
}

fn read(clock: ClockId) -> u64 {
    // The clocks read here exist on every Linux kernel; the call has no other way to fail.
    let Ok(time) = clock_gettime(clock) else { return 0 };
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
    seconds * 1_000_000_000 + nanos
}

/// Reads the monotonic clock.
pub fn now() -> Nanos {
    Nanos(read(ClockId::CLOCK_MONOTONIC))
}

/// Reads the wall clock, for the dates of certificates only.
pub fn wall() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(read(ClockId::CLOCK_REALTIME))
}

/// CPU time that the calling thread has used since it started.
pub fn thread_cpu_time() -> Duration {
    Duration::from_nanos(read(ClockId::CLOCK_THREAD_CPUTIME_ID))
}

/// How often the clocks are read for a bridge, at most.
const READINGS: usize = 4;
/// Nothing came between two readings that took less than this.
const UNDISTURBED_NS: u64 = 500;

/// Translates the kernel's stamps, which are wall-clock times, to monotonic time.
///
/// Valid for stamps of the last moments only: a step of the wall clock between the stamp and the
/// reading of the bridge would shift the result, so the router takes a fresh one for every stamp.
#[derive(Debug, Clone, Copy)]
pub struct StampBridge {
    wall_minus_monotonic: i128,
    taken: Nanos,
}

impl StampBridge {
    /// Reads both clocks next to each other, anew where something came between the readings: the
    /// bridge is out by up to half of the time that they took.
    pub fn take() -> Self {
        let mut best: Option<(u64, Self)> = None;
        for _ in 0..READINGS {
            let before = read(ClockId::CLOCK_MONOTONIC);
            let wall = read(ClockId::CLOCK_REALTIME);
            let after = read(ClockId::CLOCK_MONOTONIC);
            let took = after - before;
            let wall_minus_monotonic = i128::from(wall) - i128::from(before + took / 2);
            let bridge = Self { wall_minus_monotonic, taken: Nanos(after) };
            if best.is_none_or(|(least, _)| took < least) {
                best = Some((took, bridge));
            }
            if took < UNDISTURBED_NS {
                break;
            }
        }
        // There was at least one reading.
        best.map_or(Self { wall_minus_monotonic: 0, taken: now() }, |(_, bridge)| bridge)
    }

    /// The monotonic time of a wall-clock stamp given in nanoseconds since the Unix epoch.
    ///
    /// Never later than the moment the bridge was taken: nothing can have arrived in the future.
    pub fn monotonic(&self, wall_ns: u64) -> Nanos {
        let monotonic = i128::from(wall_ns) - self.wall_minus_monotonic;
        Nanos(u64::try_from(monotonic.max(0)).unwrap_or(u64::MAX)).min(self.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_taken_now_bridges_to_now() {
        let earlier = now();
        let wall = read(ClockId::CLOCK_REALTIME);
        let bridge = StampBridge::take();
        let bridged = bridge.monotonic(wall);
        // The readings bracket the stamp; a slewing wall clock may move it by parts per million.
        assert!(bridged.minus(earlier) > -1_000 && bridged <= now());
    }

    #[test]
    fn a_stamp_from_the_future_is_held_at_the_reading() {
        let bridge = StampBridge::take();
        assert_eq!(bridge.monotonic(u64::MAX), bridge.taken);
    }

    #[test]
    fn distances_are_signed() {
        assert_eq!(Nanos(5).minus(Nanos(7)), -2);
        assert_eq!(Nanos(5).since(Nanos(7)), Duration::ZERO);
    }
}

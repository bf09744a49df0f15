//! When attempts are due: an open loop, which no answer and no silence holds up.
//!
//! Attempt *i* of a probe is due at `start + offset + i · interval`, whatever became of the ones
//! before it. A slot that cannot be kept is counted, never skipped in silence: a prober that waits
//! for answers measures least when there is most to measure ("coordinated omission", Tene 2013).
//!
//! The schedule is told the time and returns what to do; it holds no socket and reads no clock.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tokio::time::Instant;

/// The shortest interval between two attempts of a probe.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);
/// An attempt that would start this late, or so late that the next one is due as well, is not
/// started: what it measured would be about the agent.
pub const LATEST_START: Duration = Duration::from_millis(100);

/// A probe's place in the schedule, as given to [`Schedule::add`].
pub type ProbeIndex = usize;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Start an attempt now.
    Start {
        /// Of this probe.
        probe: ProbeIndex,
        /// When it was due.
        due: Instant,
    },
    /// A slot was missed.
    Missed {
        /// Of this probe.
        probe: ProbeIndex,
        /// When it was due.
        due: Instant,
    },
    /// Nothing before this moment.
    WaitUntil(Instant),
    /// No probe is scheduled any more.
    Nothing,
}

#[derive(Debug)]
struct Entry {
    interval: Duration,
    first: Instant,
    attempts_left: Option<u64>,
}

/// The slots of all probes.
#[derive(Debug, Default)]
pub struct Schedule {
    entries: Vec<Entry>,
    // The next slot of every probe: when, of which probe, which number.
    slots: BinaryHeap<Reverse<(Instant, ProbeIndex, u64)>>,
}

impl Schedule {
    /// Adds a probe whose first attempt is due at `first`, and which ends after `attempts` where
    /// that is given. An interval below [`SHORTEST_INTERVAL`] is a matter for the configuration:
    /// the schedule keeps any but zero, which it takes for a nanosecond.
    pub fn add(&mut self, first: Instant, interval: Duration, attempts: Option<u64>) -> ProbeIndex {
        let probe = self.entries.len();
        let interval = interval.max(Duration::from_nanos(1));
        self.entries.push(Entry { interval, first, attempts_left: attempts });
        if attempts != Some(0) {
            self.slots.push(Reverse((first, probe, 0)));
        }
        probe
    }

    /// What is to be done at `now`. To be asked again until it says to wait.
    pub fn next(&mut self, now: Instant) -> Next {
        let Some(&Reverse((due, probe, number))) = self.slots.peek() else { return Next::Nothing };
        if due > now {
            return Next::WaitUntil(due);
        }
        self.slots.pop();
        let entry = &mut self.entries[probe];
        entry.attempts_left = entry.attempts_left.map(|left| left - 1);
        if entry.attempts_left != Some(0) {
            let number = number + 1;
            self.slots.push(Reverse((entry.slot(number), probe, number)));
        }
        let latest = LATEST_START.min(entry.interval);
        if now.duration_since(due) < latest {
            Next::Start { probe, due }
        } else {
            Next::Missed { probe, due }
        }
    }
}

impl Entry {
    /// When a slot is due. Counted from the first, so that rounding never adds up.
    fn slot(&self, number: u64) -> Instant {
        let nanos = self.interval.as_nanos() * u128::from(number);
        self.first + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Where in its interval a probe's slots lie: spread by a hash of its name, so that the probes of
/// an agent, and the agents of a fleet, do not all start in the same instant, and always the same
/// for the same name.
pub fn spread(name: &str, interval: Duration) -> Duration {
    // FNV-1a (Fowler, Noll, Vo), 64 bits.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // It hardly stirs the last characters, in which the names of probes often differ; so
    // MurmurHash3's finalizer (Appleby) follows.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    let share = f64::from(u32::try_from(mixed >> 32).unwrap_or(0)) / 4_294_967_296.0;
    interval.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Everything the schedule wants done up to `now`, as (milliseconds due, whether it starts).
    fn until(schedule: &mut Schedule, start: Instant, now: Instant) -> Vec<(u128, bool)> {
        let mut done = Vec::new();
        loop {
            let (due, starts) = match schedule.next(now) {
                Next::Start { due, .. } => (due, true),
                Next::Missed { due, .. } => (due, false),
                Next::WaitUntil(_) | Next::Nothing => return done,
            };
            done.push((due.duration_since(start).as_millis(), starts));
        }
    }

    #[test]
    fn slots_do_not_wait_for_anything() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.add(start + 30 * MS, 100 * MS, None);
        assert_eq!(schedule.next(start), Next::WaitUntil(start + 30 * MS));
        assert_eq!(until(&mut schedule, start, start + 30 * MS), [(30, true)]);
        assert_eq!(until(&mut schedule, start, start + 229 * MS), [(130, true)]);
        assert_eq!(until(&mut schedule, start, start + 230 * MS), [(230, true)]);
    }

    #[test]
    fn an_agent_that_slept_counts_what_it_missed() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.add(start, 100 * MS, None);
        let woke = start + 350 * MS;
        let expected = [(0, false), (100, false), (200, false), (300, true)];
        assert_eq!(until(&mut schedule, start, woke), expected);
    }

    #[test]
    fn fast_probes_are_missed_when_the_next_slot_has_come() {
        let start = Instant::now();
        let mut schedule = Schedule::default();
        schedule.add(start, 10 * MS, None);
        let expected = [(0, false), (10, false), (20, true)];
        assert_eq!(until(&mut schedule, start, start + 25 * MS), expected);
    }

    #[test]
    fn every_slot_is_either_started_or_missed_and_intervals_never_drift() {
        let start = Instant::now();
        let interval = Duration::from_nanos(333_333_333);
        let mut schedule = Schedule::default();
        schedule.add(start, interval, Some(1_000));
        let mut slots = 0;
        let mut last = start;
        let mut now = start;
        while schedule.next(now) != Next::Nothing {
            // Every call took one slot or told when the next one is.
            slots += 1;
            match schedule.next(now) {
                Next::WaitUntil(at) => {
                    assert_eq!(at, start + interval * slots);
                    last = at;
                    now = at;
                }
                Next::Nothing => break,
                other => panic!("two slots at once: {other:?}"),
            }
        }
        assert_eq!((slots, last), (1_000, start + interval * 999));
    }

    #[test]
    fn probes_are_spread_over_the_interval_and_keep_their_place() {
        let interval = Duration::from_secs(1);
        let name = |n: usize| format!("hk-1/target-{n}/https");
        assert_eq!(spread(&name(7), interval), spread(&name(7), interval));
        // Names that differ in their midst, and names that differ at their end.
        for names in [(0..1_000).map(name).collect(), (0..1_000).map(|n| n.to_string()).collect()] {
            let names: Vec<String> = names;
            let mut offsets: Vec<_> = names.iter().map(|name| spread(name, interval)).collect();
            offsets.sort_unstable();
            assert!(offsets.iter().all(|offset| *offset < interval));
            // 1000 uniform offsets: the largest of the 1001 gaps exceeds 15 ms with probability 3e-4.
            let widest = offsets.windows(2).map(|pair| pair[1].abs_diff(pair[0])).max().unwrap();
            assert!(widest < 15 * MS, "{widest:?}");
        }
    }
}

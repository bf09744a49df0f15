//! Times several ways of doing the same work so that the times can be compared.

use std::time::Duration;

use crate::clock;

/// Odd, so that the median is a round that happened.
const ROUNDS: usize = 15;

/// The median time that each of the contenders takes for one round of its work.
///
/// Each does one round untimed, to warm caches and allocator. Then they take turns, so that
/// whatever else the machine does meanwhile hits all of them alike.
pub fn median_times<const N: usize>(mut contenders: [&mut dyn FnMut(); N]) -> [Duration; N] {
    for work in &mut contenders {
        work();
    }
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (work, times) in contenders.iter_mut().zip(&mut times) {
            times.push(clock::time(work));
        }
    }
    times.map(|mut times: Vec<Duration>| {
        times.sort_unstable();
        times[ROUNDS / 2]
    })
}

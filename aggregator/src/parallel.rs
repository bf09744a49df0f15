//! Work for all cores.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Does the same to each item, on as many cores as there are, and answers in the order of the items.
///
/// Threads take the next item as they have done with one, so that items may differ in size. For work
/// of milliseconds an item: a thread costs some ten microseconds. Where the work panics, so does this.
pub fn map<T: Send, U: Send>(items: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    if cores.min(items.len()) <= 1 {
        return items.into_iter().map(work).collect();
    }
    let threads = cores.min(items.len());
    let waiting = Mutex::new(items.into_iter().enumerate());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let taken = std::iter::from_fn(next);
        taken.map(|(place, item)| (place, work(item))).collect::<Vec<_>>()
    };
    let mut done: Vec<(usize, U)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let joined = workers.into_iter().map(|worker| match worker.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    });
    done.sort_unstable_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items() {
        for count in [0_u64, 1, 2, 7, 100] {
            let items: Vec<u64> = (0..count).collect();
            let expected: Vec<u64> = items.iter().map(|item| 3 * item).collect();
            // The first items take longest, so that later ones are done before them.
            let work = |item: u64| {
                (0..1000 * (count - item)).for_each(|step| _ = std::hint::black_box(step));
                3 * item
            };
            assert_eq!(map(items, work), expected);
        }
    }

    #[test]
    #[should_panic(expected = "of the work")]
    fn a_panic_of_the_work_is_one_of_the_whole() {
        map(vec![1, 2, 3], |item| assert_ne!(item, 2, "of the work"));
    }
}

//! What must be in the store, by the schedule: an open loop makes the same number of attempts in
//! every window, whatever happens to them, so a window that is lost or counted twice shows.

use std::collections::BTreeMap;

use vantage_aggregator::store::Store;
use vantage_wire::report::ProbeKey;
use vantage_wire::{FailureCode, UtcMicros, VantageId};

use crate::deployment::{DUE, WINDOW_S};

/// An agent that is killed loses at most the windows that were open: the one under way, and the one
/// whose last attempts have not settled (their timeout is half a second), and a moment for the disk.
const OPEN_US: i64 = WINDOW_S * 1_000_000 + 1_500_000;
/// A window that began before the agent probed again is short.
const BEGINNING_US: i64 = WINDOW_S * 1_000_000 + 3_000_000;

/// What the store says, by series and start of the window.
pub(crate) type Windows = BTreeMap<ProbeKey, BTreeMap<i64, u64>>;

/// Attempts due by series and window; what several reports say of one window adds up.
pub(crate) async fn windows(store: &Store, vantage: &VantageId) -> Windows {
    let mut due = Windows::new();
    let (from, to) = (UtcMicros::new(0), UtcMicros::new(i64::MAX));
    for window in store.windows(vantage, from, to).await.unwrap() {
        let start = window.report.window.start_unix_s();
        for (key, tally) in &window.report.tallies {
            *due.entry(key.clone()).or_default().entry(start).or_default() += tally.due();
            let failed = tally.failures.keys().map(|(code, _)| *code);
            let unexpected: Vec<_> = failed.filter(|code| !expected(key, *code)).collect();
            assert!(unexpected.is_empty(), "{vantage} {key:?}: {unexpected:?}");
        }
    }
    due
}

/// The codes that the world and a busy machine can cause.
fn expected(key: &ProbeKey, code: FailureCode) -> bool {
    match code {
        // A starved machine misses slots, and its router may hold a packet longer than the timeout.
        FailureCode::AgentMissedSlot
        | FailureCode::AgentCancelled
        | FailureCode::AgentResource
        | FailureCode::TcpTimeout => true,
        FailureCode::TcpRefused => key.probe.as_str() == "shut",
        _ => false,
    }
}

/// Holds every series of an agent to the schedule. Returns how many windows had to be, and were,
/// exactly whole.
pub(crate) fn check(vantage: &str, windows: &Windows, kills: &[(UtcMicros, UtcMicros)]) -> usize {
    let disturbed = |start: i64| {
        let start_us = start * 1_000_000;
        kills.iter().any(|(from, until)| {
            start_us > from.get() - OPEN_US - 1_000_000 * WINDOW_S
                && start_us < until.get() + BEGINNING_US
        })
    };
    let mut whole = 0;
    for (key, windows) in windows {
        let (Some(first), Some(last)) = (windows.keys().next(), windows.keys().next_back()) else {
            continue;
        };
        let mut carried = 0;
        for start in (*first..=*last).step_by(usize::try_from(WINDOW_S).unwrap()) {
            let due = windows.get(&start).copied().unwrap_or(0);
            // An attempt at the very edge may fall to either side, as the estimate of the clock
            // moves by microseconds: one more here is one less there.
            assert!(due <= DUE + 1, "{vantage} {key:?}: {due} attempts in the window from {start}");
            if start == *first || start == *last || disturbed(start) {
                carried = 0;
                continue;
            }
            let off = i64::try_from(due).unwrap() - i64::try_from(DUE).unwrap();
            carried += off;
            assert!(
                off.abs() <= 1 && carried.abs() <= 1,
                "{vantage} {key:?}: {due} attempts in the window from {start}, {carried} off in a row"
            );
            whole += 1;
        }
    }
    whole
}

//! What must be in the store, by the schedule and the world alone: an open loop makes the same number
//! of attempts in every window, and the world decides how each of them ends, so a window that is
//! lost or counted twice, or an attempt that is counted as another, shows.

use std::collections::BTreeMap;

use vantage_aggregator::store::Store;
use vantage_wire::report::ProbeKey;
use vantage_wire::{FailureCode, UtcMicros, VantageId};

use crate::places::{DUE, SUCCEEDS, WINDOW_S};

/// An agent that is killed loses at most the windows that were open: the one under way, and the one
/// whose last attempts have not settled (their timeout is half a second), and a moment for the disk.
const OPEN_US: i64 = WINDOW_S * 1_000_000 + 1_500_000;
/// A window that began before the agent probed again is short.
const BEGINNING_US: i64 = WINDOW_S * 1_000_000 + 3_000_000;

/// How attempts ended, `None` for a success, and how many did so.
pub(crate) type Ends = BTreeMap<Option<FailureCode>, u64>;

/// What the store says, by series and start of the window.
pub(crate) type Windows = BTreeMap<ProbeKey, BTreeMap<i64, Ends>>;

/// What is in the store; what several reports say of one window adds up.
pub(crate) async fn windows(store: &Store, vantage: &VantageId) -> Windows {
    let mut windows = Windows::new();
    let (from, to) = (UtcMicros::new(0), UtcMicros::new(i64::MAX));
    for window in store.windows(vantage, from, to).await.unwrap() {
        let start = window.report.window.start_unix_s();
        for (key, tally) in &window.report.tallies {
            let ends = windows.entry(key.clone()).or_default().entry(start).or_default();
            *ends.entry(None).or_default() += tally.ok;
            for ((code, _), row) in &tally.failures {
                *ends.entry(Some(*code)).or_default() += row.count;
            }
        }
    }
    windows
}

/// How every attempt of a series ends, as its probe's id says.
fn expected(key: &ProbeKey) -> Option<FailureCode> {
    let name = key.probe.as_str().replace('-', "_");
    let code = FailureCode::ALL.iter().copied().find(|code| code.name() == name);
    assert!(code.is_some() || key.probe.as_str() == SUCCEEDS, "{}", key.probe);
    code
}

/// How an attempt may end instead on a machine that is too busy to begin it, or to let its packets
/// through, in time.
fn is_starved(end: Option<FailureCode>) -> bool {
    matches!(
        end,
        Some(
            FailureCode::AgentMissedSlot
                | FailureCode::AgentResource
                | FailureCode::TcpTimeout
                | FailureCode::TlsTimeout
                | FailureCode::HttpSendTimeout
                | FailureCode::HttpFirstByteTimeout
        )
    )
}

/// What came of holding an agent to the schedule.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// Windows of series that had to be whole, and were.
    pub(crate) whole: usize,
    /// Attempts in them.
    pub(crate) attempts: u64,
    /// Those of them that a busy machine let end in another way.
    pub(crate) starved: u64,
}

/// Holds every series of an agent to the schedule, and every attempt to the one end that the world
/// has for it.
pub(crate) fn check(
    vantage: &str,
    windows: &Windows,
    kills: &[(UtcMicros, UtcMicros)],
) -> Judgement {
    let disturbed = |start: i64| {
        let start_us = start * 1_000_000;
        kills.iter().any(|(from, until)| {
            start_us > from.get() - OPEN_US - 1_000_000 * WINDOW_S
                && start_us < until.get() + BEGINNING_US
        })
    };
    let mut judgement = Judgement::default();
    for (key, windows) in windows {
        let (Some(first), Some(last)) = (windows.keys().next(), windows.keys().next_back()) else {
            continue;
        };
        let (expected, nothing) = (expected(key), Ends::new());
        let mut carried = 0;
        for start in (*first..=*last).step_by(usize::try_from(WINDOW_S).unwrap()) {
            let ends = windows.get(&start).unwrap_or(&nothing);
            let told = || format!("{vantage} {}/{} from {start}: {ends:?}", key.target, key.probe);
            let due: u64 = ends.values().sum();
            // An attempt at the very edge may fall to either side, as the estimate of the clock
            // moves by microseconds: one more here is one less there.
            assert!(due <= DUE + 1, "{}", told());
            let is_edge = start == *first || start == *last || disturbed(start);
            let mut starved = 0;
            for (end, count) in ends.iter().filter(|(end, count)| **count > 0 && **end != expected)
            {
                // Those under way when the agent was told to stop; they began at most half a second
                // before.
                let is_end = start + WINDOW_S >= *last;
                let cancelled = is_end && *end == Some(FailureCode::AgentCancelled);
                assert!(is_starved(*end) || cancelled, "{}", told());
                starved += count;
            }
            if is_edge {
                carried = 0;
                continue;
            }
            let off = i64::try_from(due).unwrap() - i64::try_from(DUE).unwrap();
            carried += off;
            assert!(off.abs() <= 1 && carried.abs() <= 1, "{}; {carried} off in a row", told());
            judgement.whole += 1;
            judgement.attempts += due;
            judgement.starved += starved;
        }
    }
    judgement
}

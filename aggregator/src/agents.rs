//! How the agents fare: what operators look at first.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::report::Health;
use vantage_wire::{MarketId, Micros, UtcMicros, VantageId};

use crate::store::{AgentStatus, Store, StoreError};

/// The time over which coverage is given.
pub const COVERAGE_OVER: Micros = Micros::from_secs(86_400);
/// An agent ships every minute; one of which nothing came for so long is silent.
const SILENT_AFTER: Micros = Micros::from_secs(300);

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Agent {
    /// Its name.
    pub vantage: VantageId,
    /// The market it measures from.
    pub market: MarketId,
    /// How it is.
    pub state: State,
    /// When its last report came in, RFC 3339; `null` where there has been none.
    pub last_seen: Option<Timestamp>,
    /// Share of the last day, or of the time since its enrolment, that its windows cover. (0 to 1)
    pub coverage: f64,
    /// How far its clock was off, in µs; `null` where it had no estimate.
    pub clock_offset_us: Option<i64>,
    /// How far that may be off, either way, in µs.
    pub clock_bound_us: Option<u64>,
    /// Name and version of its software.
    pub software: String,
    /// When its key was registered, RFC 3339.
    pub enrolled: Timestamp,
    /// Windows on its disk that waited to be shipped at its last report.
    pub waiting_windows: Option<u64>,
}

/// How an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Reports come in.
    Reporting,
    /// No report for five minutes.
    Silent,
    /// Enrolled, but no report yet.
    Waiting,
    /// Revoked: its reports are refused.
    Revoked,
}

impl State {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Reporting, Self::Silent, Self::Waiting, Self::Revoked];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reporting => "reporting",
            Self::Silent => "silent",
            Self::Waiting => "waiting",
            Self::Revoked => "revoked",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Every agent that was ever enrolled, by name.
///
/// # Errors
///
/// Where the store cannot be read.
pub async fn list(store: &Store, now: UtcMicros) -> Result<Vec<Agent>, StoreError> {
    let agents = list_with_health(store, now).await?;
    Ok(agents.into_iter().map(|(agent, _)| agent).collect())
}

/// As [`list`], and what each agent last said of its own health.
///
/// # Errors
///
/// Where the store cannot be read.
pub async fn list_with_health(
    store: &Store,
    now: UtcMicros,
) -> Result<Vec<(Agent, Option<Health>)>, StoreError> {
    let from = UtcMicros::new(now.get().saturating_sub(span(COVERAGE_OVER)));
    let covered = store.covered_seconds(from, now).await?;
    let statuses = store.vantages().await?;
    let agents = statuses.into_iter().map(|status| {
        let covered = covered
            .get(&status.registration.vantage)
            .copied()
            .map_or(Micros::ZERO, Micros::from_secs);
        let health = status.health.clone();
        (Agent::new(status, covered, now), health)
    });
    Ok(agents.collect())
}

impl Agent {
    fn new(status: AgentStatus, covered: Micros, now: UtcMicros) -> Self {
        let AgentStatus { registration, last_seen, software, health, clock, .. } = status;
        let since = |time: UtcMicros| {
            Micros::new(now.get().saturating_sub(time.get()).max(0).unsigned_abs())
        };
        let state = match last_seen {
            _ if registration.revoked.is_some() => State::Revoked,
            None => State::Waiting,
            Some(time) if since(time) > SILENT_AFTER => State::Silent,
            Some(_) => State::Reporting,
        };
        let expected = since(registration.enrolled).min(COVERAGE_OVER);
        Self {
            vantage: registration.vantage,
            market: registration.market,
            state,
            last_seen: last_seen.map(timestamp),
            coverage: (covered.get() as f64 / expected.get().max(1) as f64).min(1.0),
            clock_offset_us: clock.map(|clock| clock.offset_us),
            clock_bound_us: clock.map(|clock| clock.bound.get()),
            software: software.to_string(),
            enrolled: timestamp(registration.enrolled),
            waiting_windows: health.and_then(|health| health.spool_windows),
        }
    }
}

fn span(micros: Micros) -> i64 {
    i64::try_from(micros.get()).unwrap_or(i64::MAX)
}

/// A time beyond the year 9999 shows as the epoch.
fn timestamp(time: UtcMicros) -> Timestamp {
    Timestamp::from_microsecond(time.get()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::store::Registration;

    use super::*;

    fn status(last_seen: Option<UtcMicros>, revoked: Option<UtcMicros>) -> AgentStatus {
        AgentStatus {
            registration: Registration {
                vantage: "hk-1".parse().unwrap(),
                market: "hk".parse().unwrap(),
                public_key: [0; 32],
                enrolled: at(0),
                revoked,
            },
            last_seen,
            newest_window_end: None,
            software: "vantage-agent 0.1.0".into(),
            health: None,
            clock: None,
        }
    }

    fn at(second: i64) -> UtcMicros {
        UtcMicros::from_unix_seconds(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn the_state_follows_the_last_report() {
        let state = |last_seen, revoked| {
            Agent::new(status(last_seen, revoked), Micros::ZERO, at(1_000)).state
        };
        assert_eq!(state(None, None), State::Waiting);
        assert_eq!(state(Some(at(700)), None), State::Reporting);
        assert_eq!(state(Some(at(699)), None), State::Silent);
        assert_eq!(state(Some(at(1_000)), Some(at(900))), State::Revoked);
    }

    #[test]
    fn coverage_counts_from_the_enrolment_where_that_is_less_than_a_day_ago() {
        let coverage = |covered, now| {
            Agent::new(status(None, None), Micros::from_secs(covered), at(now)).coverage
        };
        assert!((coverage(300, 600) - 0.5).abs() < 1e-9);
        assert!((coverage(43_200, 10 * 86_400) - 0.5).abs() < 1e-9);
        // Windows that were measured before the agent was enrolled anew.
        assert!((coverage(900, 600) - 1.0).abs() < 1e-9);
        assert!(coverage(0, 0) < 1e-9);
    }
}

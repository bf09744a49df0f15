//! Agents and the store, as they were found last.

use vantage_service::metrics::{Exposition, Metric, Sample, Value};
use vantage_wire::UtcMicros;

use super::{names, seconds};
use crate::agents::{Agent, State};
use crate::store::StoreFigures;

/// What was found.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) agents: Vec<Agent>,
    pub(super) store: StoreFigures,
}

impl Fleet {
    pub(super) fn put(&self, now: UtcMicros, exposition: &mut Exposition) {
        let states = State::ALL.iter().map(|state| {
            let count = self.agents.iter().filter(|agent| agent.state == *state).count();
            Sample::new([state.name()], Value::Count(count as u64))
        });
        exposition.put(names::AGENTS, states);
        let mut of_agents = |metric: Metric, value: &dyn Fn(&Agent) -> Option<f64>| {
            // A revoked agent is silent for good, and should alarm nobody.
            let agents = self.agents.iter().filter(|agent| agent.state != State::Revoked);
            let samples = agents.filter_map(|agent| {
                let labels = [agent.market.as_str(), agent.vantage.as_str()].map(str::to_owned);
                Some(Sample::new(labels, Value::Number(value(agent)?)))
            });
            exposition.put(metric, samples);
        };
        of_agents(names::SILENCE, &|agent| {
            let silent_us = now.get().saturating_sub(agent.last_seen?.as_microsecond());
            Some(seconds(silent_us.max(0) as f64))
        });
        of_agents(names::COVERAGE, &|agent| Some(agent.coverage));
        of_agents(names::CLOCK_OFFSET, &|agent| Some(seconds(agent.clock_offset_us? as f64)));
        of_agents(names::CLOCK_BOUND, &|agent| Some(seconds(agent.clock_bound_us? as f64)));
        of_agents(names::SPOOL, &|agent| Some(agent.waiting_windows? as f64));

        let StoreFigures { hours_waiting, days_waiting, bytes } = self.store;
        let backlog = [("hour", hours_waiting), ("day", days_waiting)];
        let backlog = backlog.map(|(level, count)| Sample::new([level], Value::Count(count)));
        exposition.put(names::BACKLOG, backlog);
        exposition.put_one(names::STORE_SIZE, Value::Count(bytes));
    }
}

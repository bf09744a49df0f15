//! Points of [`AGENT`]: how agents fare.

use vantage_wire::Micros;
use vantage_wire::report::Health;

use super::fields::AGENT;
use super::line::{Point, Value};
use super::lines::Lines;
use crate::agents::{Agent, State};

/// The number of a state.
pub const fn state_code(state: State) -> i64 {
    match state {
        State::Reporting => 0,
        State::Silent => 1,
        State::Waiting => 2,
        State::Revoked => 3,
    }
}

/// Adds the point of an agent as it was found at `time_s`.
pub fn write(agent: &Agent, health: Option<&Health>, time_s: i64, lines: &mut Lines) {
    let state = agent.state.name();
    let mut fields = vec![
        ("coverage", Value::Float(agent.coverage)),
        ("state", Value::Text(state)),
        ("state_code", Value::Integer(state_code(agent.state))),
        ("software", Value::Text(&agent.software)),
    ];
    fields.extend(
        agent
            .last_seen
            .map(|last_seen| ("silent_s", Value::Integer((time_s - last_seen.as_second()).max(0)))),
    );
    let mut optional = |name, value: Option<Value<'static>>| {
        fields.extend(value.map(|value| (name, value)));
    };
    optional("clock_offset_us", agent.clock_offset_us.map(Value::Integer));
    optional("clock_bound_us", agent.clock_bound_us.map(Value::count));
    if let Some(health) = health {
        let narrow = |count: Option<u32>| count.map(|count| Value::Integer(count.into()));
        let lag = health.event_loop_lag_p99.map(Micros::get);
        optional("spool_windows", health.spool_windows.map(Value::count));
        optional("spool_bytes", health.spool_bytes.map(Value::count));
        optional("event_loop_lag_p99_us", lag.map(Value::count));
        optional("cpu_steal_permille", narrow(health.cpu_steal_permille));
        optional("open_files", health.open_files.map(Value::count));
        optional("open_files_limit", health.open_files_limit.map(Value::count));
        optional("resident_bytes", health.resident_bytes.map(Value::count));
        optional("anchors_reachable", narrow(health.anchors_reachable));
        optional("anchors_total", narrow(health.anchors_total));
    }
    let tags = vec![("market", agent.market.as_str()), ("vantage", agent.vantage.as_str())];
    lines.push(&Point { measurement: AGENT, tags, fields, time_s });
}

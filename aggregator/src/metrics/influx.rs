//! The export to InfluxDB.

use vantage_service::metrics::{Exposition, Sample, Value};
use vantage_wire::UtcMicros;

use super::{names, seconds};
use crate::export::influx::answer::Reason;
use crate::export::influx::status::{Condition, Status};

/// Adds how the export fares.
pub(super) fn put(status: &Status, now: UtcMicros, exposition: &mut Exposition) {
    let conditions = Condition::ALL.map(|condition| {
        let is = u64::from(condition == status.condition);
        Sample::new([condition.name()], Value::Count(is))
    });
    exposition.put(names::INFLUX_CONDITION, conditions);
    exposition.put_one(names::INFLUX_BACKLOG, Value::Count(status.backlog.notes));
    let lag_us = status.backlog.oldest.map_or(0, |oldest| now.get().saturating_sub(oldest.get()));
    exposition.put_one(names::INFLUX_LAG, Value::Number(seconds(lag_us.max(0) as f64)));
    exposition.put_one(names::INFLUX_POINTS, Value::Count(status.points_written));
    let aside = Reason::ALL.map(|reason| {
        let count = status.points_aside.get(&reason).copied().unwrap_or_default();
        Sample::new([reason.name()], Value::Count(count))
    });
    exposition.put(names::INFLUX_ASIDE, aside);
    exposition.put_one(names::INFLUX_LOST, Value::Count(status.windows_lost));
}

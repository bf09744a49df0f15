//! What dashboards, alert rules and provisioning agree on.

use serde_json::{Value, json};
use vantage_aggregator::export::influx::fields::Unit;

/// Version of the schema of dashboards: the one that Grafana 13 writes. Grafana 11 and later read it.
pub const SCHEMA_VERSION: u32 = 42;
/// Type of the data source.
pub const DATASOURCE_TYPE: &str = "influxdb";
/// Identity of the data source that is provisioned. Alert rules name it: they have no variables.
pub const DATASOURCE_UID: &str = "vantage-influxdb";
/// Folder that dashboards and alert rules are in.
pub const FOLDER: &str = "Vantage";
/// Tag of every dashboard, by which they link to each other.
pub const TAG: &str = "vantage";

/// The data source that is chosen at the top of a dashboard.
pub(crate) fn datasource() -> Value {
    json!({ "type": DATASOURCE_TYPE, "uid": "${datasource}" })
}

/// Grafana's name for a unit of the exporter.
pub(crate) const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Microseconds => "µs",
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Count => "short",
        Unit::Share => "percentunit",
        Unit::Permille => "suffix: ‰",
        Unit::Rank | Unit::Code => "none",
        Unit::Words => "string",
    }
}

/// Puts what `more` has into `into`, the deepest values one by one.
pub(crate) fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

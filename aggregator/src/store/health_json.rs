//! An agent's health as JSON, so that whoever looks into the database can read it.

use serde::{Deserialize, Serialize};
use vantage_wire::Micros;
use vantage_wire::report::Health;

/// The fields of [`Health`], with their units in their names. What is not known is left out; what a
/// newer version wrote is ignored.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct HealthJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_loop_lag_p99_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_steal_permille: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_files: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_files_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resident_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spool_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spool_windows: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchors_reachable: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anchors_total: Option<u32>,
}

pub(super) fn to_json(health: &Health) -> Result<String, serde_json::Error> {
    serde_json::to_string(&HealthJson {
        event_loop_lag_p99_us: health.event_loop_lag_p99.map(Micros::get),
        cpu_steal_permille: health.cpu_steal_permille,
        open_files: health.open_files,
        open_files_limit: health.open_files_limit,
        resident_bytes: health.resident_bytes,
        spool_bytes: health.spool_bytes,
        spool_windows: health.spool_windows,
        anchors_reachable: health.anchors_reachable,
        anchors_total: health.anchors_total,
    })
}

pub(super) fn from_json(text: &str) -> Result<Health, serde_json::Error> {
    let json: HealthJson = serde_json::from_str(text)?;
    Ok(Health {
        event_loop_lag_p99: json.event_loop_lag_p99_us.map(Micros::new),
        cpu_steal_permille: json.cpu_steal_permille,
        open_files: json.open_files,
        open_files_limit: json.open_files_limit,
        resident_bytes: json.resident_bytes,
        spool_bytes: json.spool_bytes,
        spool_windows: json.spool_windows,
        anchors_reachable: json.anchors_reachable,
        anchors_total: json.anchors_total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_survives() {
        let full = Health {
            event_loop_lag_p99: Some(Micros::new(u64::MAX)),
            cpu_steal_permille: Some(1),
            open_files: Some(2),
            open_files_limit: Some(3),
            resident_bytes: Some(4),
            spool_bytes: Some(5),
            spool_windows: Some(6),
            anchors_reachable: Some(7),
            anchors_total: Some(8),
        };
        for health in [full, Health::default()] {
            assert_eq!(from_json(&to_json(&health).unwrap()).unwrap(), health);
        }
        assert_eq!(to_json(&Health::default()).unwrap(), "{}");
    }
}

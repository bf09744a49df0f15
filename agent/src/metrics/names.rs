//! Every metric of the agent. `METRICS.md` is held to it.

use vantage_service::metrics::{Metric, PROCESS};

pub(super) const BUILD: Metric =
    Metric::gauge("vantage_agent_build_info", &["version"], "Always 1; the version is a label.");
pub(super) const ATTEMPTS: Metric = Metric::counter(
    "vantage_agent_attempts_total",
    &["kind", "outcome", "code"],
    "Attempts: ok with the code none, or whom the failure is laid to and its code.",
);
pub(super) const MISSED: Metric = Metric::counter(
    "vantage_agent_missed_slots_total",
    &["kind"],
    "Slots of the schedule that the agent could not start in time; these are no attempts.",
);
pub(super) const DURATION: Metric = Metric::histogram(
    "vantage_agent_phase_duration_seconds",
    &["target", "probe", "family", "phase"],
    "How long phases took that were completed.",
);
pub(super) const IN_FLIGHT: Metric =
    Metric::gauge("vantage_agent_in_flight_attempts", &[], "Attempts that are under way.");
pub(super) const LAG: Metric = Metric::gauge(
    "vantage_agent_event_loop_lag_p99_seconds",
    &[],
    "How late attempts began, 99th percentile of the last ten seconds.",
);
pub(super) const STEAL: Metric = Metric::gauge(
    "vantage_agent_cpu_steal_ratio",
    &[],
    "Share of processor time that the hypervisor took, in the last ten seconds.",
);
pub(super) const ANCHORS_REACHABLE: Metric = Metric::gauge(
    "vantage_agent_anchors_reachable",
    &[],
    "Anchors that answered when they were last asked.",
);
pub(super) const ANCHORS: Metric =
    Metric::gauge("vantage_agent_anchors", &[], "Anchors that are asked.");
pub(super) const SPOOL_WINDOWS: Metric =
    Metric::gauge("vantage_agent_spool_windows", &[], "Windows that wait to be shipped.");
pub(super) const SPOOL_BYTES: Metric =
    Metric::gauge("vantage_agent_spool_bytes", &[], "What they take on disk.");
pub(super) const DELIVERIES: Metric = Metric::counter(
    "vantage_agent_deliveries_total",
    &["outcome"],
    "Deliveries of reports that were tried: stored, duplicate, or why not.",
);
pub(super) const CLOCK_OFFSET: Metric = Metric::gauge(
    "vantage_agent_clock_offset_seconds",
    &[],
    "What is to be added to the machine's clock.",
);
pub(super) const CLOCK_BOUND: Metric = Metric::gauge(
    "vantage_agent_clock_bound_seconds",
    &[],
    "How far that offset may be off, either way.",
);
pub(super) const ASSIGNMENT: Metric = Metric::gauge(
    "vantage_agent_assignment_info",
    &["version"],
    "Always 1; the version of what is probed is a label.",
);
pub(super) const ASSIGNMENT_AGE: Metric = Metric::gauge(
    "vantage_agent_assignment_age_seconds",
    &[],
    "For how long that has been carried out.",
);

const OWN: &[Metric] = &[
    BUILD,
    ATTEMPTS,
    MISSED,
    DURATION,
    IN_FLIGHT,
    LAG,
    STEAL,
    ANCHORS_REACHABLE,
    ANCHORS,
    SPOOL_WINDOWS,
    SPOOL_BYTES,
    DELIVERIES,
    CLOCK_OFFSET,
    CLOCK_BOUND,
    ASSIGNMENT,
    ASSIGNMENT_AGE,
];

/// Every metric, those of any process among them.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    OWN.iter().chain(PROCESS)
}

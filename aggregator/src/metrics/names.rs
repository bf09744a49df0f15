//! Every metric of the aggregator. `METRICS.md` is held to it.

use vantage_service::metrics::{Metric, PROCESS};

const PLACE: &[&str] = &["market", "site"];
const SERIES: &[&str] = &["market", "site", "kind"];
const AGENT: &[&str] = &["market", "vantage"];

pub(super) const BUILD: Metric =
    Metric::gauge("vantage_build_info", &["version"], "Always 1; the version is a label.");

pub(super) const REPORTS: Metric = Metric::counter(
    "vantage_reports_total",
    &["outcome"],
    "Reports that were taken: stored, or duplicate where they had been stored before.",
);
pub(super) const REPORT_WINDOWS: Metric =
    Metric::counter("vantage_report_windows_total", &[], "Windows of reports that were stored.");
pub(super) const REPORT_BYTES: Metric = Metric::counter(
    "vantage_report_bytes_total",
    &[],
    "Bytes, as sent, of reports that were stored.",
);
pub(super) const ATTEMPTS: Metric = Metric::counter(
    "vantage_attempts_total",
    &["market", "site", "kind", "outcome"],
    "Attempts at sites that were stored: ok, or whom their failure is laid to.",
);
pub(super) const ATTEMPT_DURATION: Metric = Metric::histogram(
    "vantage_attempt_duration_seconds",
    SERIES,
    "How long successful attempts at sites took that were stored.",
);

pub(crate) const QUEUE_REPORTS: Metric =
    Metric::gauge("vantage_queue_reports", &[], "Reports that wait to be stored.");
pub(crate) const QUEUE_BYTES: Metric = Metric::gauge(
    "vantage_queue_bytes",
    &[],
    "Bytes, as sent and in whole KiB, of the reports that wait or are being stored.",
);
pub(crate) const WRITABLE: Metric = Metric::gauge(
    "vantage_store_writable",
    &[],
    "1 where the store could be written lately, 0 where it is full or fails.",
);
pub(super) const COMMITS: Metric = Metric::counter(
    "vantage_commits_total",
    &["outcome"],
    "Transactions that store reports: stored, or full, busy or failed.",
);
pub(super) const COMMIT_DURATION: Metric = Metric::histogram(
    "vantage_commit_duration_seconds",
    &[],
    "How long transactions that store reports took.",
);

pub(super) const REQUESTS: Metric = Metric::counter(
    "vantage_http_requests_total",
    &["page", "status"],
    "Requests by page and status; page is other where there is no such page.",
);
pub(super) const REFUSALS: Metric = Metric::counter(
    "vantage_http_refusals_total",
    &["page", "problem"],
    "Requests that were refused, by page and the name of the problem.",
);

pub(super) const BACKLOG: Metric = Metric::gauge(
    "vantage_rollup_backlog_spans",
    &["level"],
    "Hours and days of vantage points that wait to be rolled up.",
);
pub(super) const STORE_SIZE: Metric =
    Metric::gauge("vantage_store_size_bytes", &[], "Size of the database.");

pub(super) const AGENTS: Metric =
    Metric::gauge("vantage_fleet_agents", &["state"], "Agents by how they are.");
pub(super) const SILENCE: Metric = Metric::gauge(
    "vantage_fleet_silence_seconds",
    AGENT,
    "Time since the last report of an agent.",
);
pub(super) const COVERAGE: Metric = Metric::gauge(
    "vantage_fleet_coverage_ratio",
    AGENT,
    "Share of the last day that the windows of an agent cover.",
);
pub(super) const CLOCK_OFFSET: Metric = Metric::gauge(
    "vantage_fleet_clock_offset_seconds",
    AGENT,
    "How far the clock of an agent is off, by its last report.",
);
pub(super) const CLOCK_BOUND: Metric = Metric::gauge(
    "vantage_fleet_clock_bound_seconds",
    AGENT,
    "How far that offset may be off, either way.",
);
pub(super) const SPOOL: Metric = Metric::gauge(
    "vantage_fleet_spool_windows",
    AGENT,
    "Windows that waited on the disk of an agent at its last report.",
);

pub(super) const RANKING_TIME: Metric = Metric::gauge(
    "vantage_ranking_timestamp_seconds",
    &[],
    "When the sites were last ranked, in seconds since the Unix epoch.",
);
pub(super) const RANKING_TOOK: Metric =
    Metric::gauge("vantage_ranking_duration_seconds", &[], "How long that took.");
pub(super) const RANKING_FAILURES: Metric = Metric::counter(
    "vantage_ranking_failures_total",
    &[],
    "Rankings that failed; where there is not enough data, none is made and none fails.",
);
pub(super) const RANKING: Metric = Metric::gauge(
    "vantage_ranking_info",
    &["probe", "phase", "score", "blocks"],
    "Always 1; what the sites are ranked by is in the labels.",
);
pub(super) const SHARE: Metric =
    Metric::gauge("vantage_market_share_ratio", &["market"], "Share of the users of a market.");
pub(super) const SCORE: Metric = Metric::gauge(
    "vantage_site_score_seconds",
    PLACE,
    "Score of a site in a market, or in all; less is better, a failure counts as the timeout.",
);
pub(super) const SCORE_LOW: Metric =
    Metric::gauge("vantage_site_score_low_seconds", PLACE, "Lower end of its 95 % interval.");
pub(super) const SCORE_HIGH: Metric =
    Metric::gauge("vantage_site_score_high_seconds", PLACE, "Upper end of its 95 % interval.");
pub(super) const BEHIND: Metric = Metric::gauge(
    "vantage_site_behind_best_seconds",
    PLACE,
    "Score of a site less that of the best one; 0 of the best.",
);
pub(super) const RANK: Metric = Metric::gauge(
    "vantage_site_rank",
    PLACE,
    "Rank of a site, from 1; sites that cannot be told apart share it.",
);
pub(super) const VERDICT: Metric = Metric::gauge(
    "vantage_site_verdict",
    &["market", "site", "verdict"],
    "1 for what may be said of a site beside the best one, or of the best beside all others.",
);
pub(super) const SITE_ATTEMPTS: Metric = Metric::gauge(
    "vantage_site_attempts",
    PLACE,
    "Attempts that the score and the failure rate of a site are out of.",
);
pub(super) const FAILURES: Metric =
    Metric::gauge("vantage_site_failure_ratio", PLACE, "Share of these attempts that failed.");
pub(super) const FAILURES_LOW: Metric =
    Metric::gauge("vantage_site_failure_low_ratio", PLACE, "Lower end of its 95 % interval.");
pub(super) const FAILURES_HIGH: Metric =
    Metric::gauge("vantage_site_failure_high_ratio", PLACE, "Upper end of its 95 % interval.");

pub(super) const INFLUX_CONDITION: Metric = Metric::gauge(
    "vantage_influx_condition",
    &["condition"],
    "1 for how the export is: well, another (an aggregator writes), unreached, denied, store_fails or off.",
);
pub(super) const INFLUX_BACKLOG: Metric = Metric::gauge(
    "vantage_influx_backlog_notes",
    &[],
    "Notes of the store about windows that wait to be written.",
);
pub(super) const INFLUX_LAG: Metric = Metric::gauge(
    "vantage_influx_lag_seconds",
    &[],
    "Time since the report came in that waits the longest; 0 where none waits.",
);
pub(super) const INFLUX_POINTS: Metric = Metric::counter(
    "vantage_influx_points_total",
    &[],
    "Points that were written; one that was written again counts again.",
);
pub(super) const INFLUX_ASIDE: Metric = Metric::counter(
    "vantage_influx_points_aside_total",
    &["reason"],
    "Points that the server refuses for good, by why.",
);
pub(super) const INFLUX_LOST: Metric = Metric::counter(
    "vantage_influx_windows_lost_total",
    &[],
    "Windows that could not be written: too old to be kept, or counts that do not add up.",
);

const OWN: &[Metric] = &[
    BUILD,
    REPORTS,
    REPORT_WINDOWS,
    REPORT_BYTES,
    ATTEMPTS,
    ATTEMPT_DURATION,
    QUEUE_REPORTS,
    QUEUE_BYTES,
    WRITABLE,
    COMMITS,
    COMMIT_DURATION,
    REQUESTS,
    REFUSALS,
    BACKLOG,
    STORE_SIZE,
    AGENTS,
    SILENCE,
    COVERAGE,
    CLOCK_OFFSET,
    CLOCK_BOUND,
    SPOOL,
    RANKING_TIME,
    RANKING_TOOK,
    RANKING_FAILURES,
    RANKING,
    SHARE,
    SCORE,
    SCORE_LOW,
    SCORE_HIGH,
    BEHIND,
    RANK,
    VERDICT,
    SITE_ATTEMPTS,
    FAILURES,
    FAILURES_LOW,
    FAILURES_HIGH,
    INFLUX_CONDITION,
    INFLUX_BACKLOG,
    INFLUX_LAG,
    INFLUX_POINTS,
    INFLUX_ASIDE,
    INFLUX_LOST,
];

/// Every metric, of whatever part.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    OWN.iter().chain(PROCESS)
}

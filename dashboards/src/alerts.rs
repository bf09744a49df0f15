//! The alert rules: what an operator wants to be told without looking.

use serde_json::{Value, json};

use crate::alert::{NoData, Question, Rule, Severity};
use crate::dashboards::{SILENCE_LIMITS_S, fleet, market, where_to_host};
use crate::exported::Measurement::{Agent, Latency, Score};
use crate::grafana;
use crate::influxql::{Column, Query};
use crate::latency::{self, FAILURE_RATE_LIMITS};

const HOUR_S: u32 = 3_600;
const DAY_S: u32 = 24 * HOUR_S;
const WEEK_S: u32 = 7 * DAY_S;

/// Groups of rules, each looked at as often as it says.
///
/// # Panics
///
/// Where a dashboard that a rule names has no such panel.
pub fn groups() -> Value {
    let group = |name: &str, interval: &str, rules: &[Rule]| {
        json!({
            "orgId": 1,
            "name": name,
            "folder": grafana::FOLDER,
            "interval": interval,
            "rules": rules.iter().map(Rule::json).collect::<Vec<_>>(),
        })
    };
    json!([
        group("Vantage: by the minute", "1m", &[failure_rate(), agent_silent(), coverage_low()]),
        group("Vantage: by the hour", "10m", &[p95_shifted(), rank_flipped()]),
    ])
}

/// Every rule.
pub fn all() -> [Rule; 5] {
    [failure_rate(), p95_shifted(), agent_silent(), coverage_low(), rank_flipped()]
}

fn last_quarter_hour(name: &'static str, query: Query) -> Question {
    Question { name, query, from_s: 900, to_s: 0 }
}

fn failure_rate() -> Rule {
    let limit = FAILURE_RATE_LIMITS[1];
    let query =
        |column: Column| Query::of(Latency, [column]).with_attempts().by(["market", "target"]);
    Rule {
        uid: "vantage-failure-rate",
        title: "Vantage: many attempts fail",
        questions: vec![
            last_quarter_hour("rate", query(latency::failure_rate().named("rate"))),
            last_quarter_hour("failed", query(Latency.sum("failed").named("failed"))),
        ],
        // One failure of ten attempts is no rate: a handful must have failed.
        condition: format!("$rate > {limit} && $failed >= 5"),
        pending: "5m",
        no_data: NoData::IsFine,
        severity: Severity::Critical,
        summary: "{{ humanizePercentage $values.rate.Value }} of the attempts at {{ $labels.target }} from \
                  {{ $labels.market }} fail"
            .to_owned(),
        description: format!(
            "More than {} % of the attempts of the last 15 minutes (at least 5 of them) failed by the \
             fault of the target, the path or the resolver. Look at the failures by code and attribution: \
             where every market has them, it is the target; where one has, the path from there. Agents' own \
             faults are not counted.",
            limit * 100.0
        ),
        shown_on: (market(), "Failure rate"),
        chosen: "var-market={{ $labels.market }}&var-target={{ $labels.target }}",
    }
}

fn p95_shifted() -> Rule {
    // The same hours of the week: evenings and weekends are slower, and that is no news.
    let query = || {
        Query::of(Latency, [Latency.median("p95_inclusive_us").named("p95")])
            .with_attempts()
            .by(["market", "vantage", "target", "probe"])
    };
    let span_s = 3 * HOUR_S;
    Rule {
        uid: "vantage-p95-shift",
        title: "Vantage: p95 has shifted",
        questions: vec![
            Question { name: "now", query: query(), from_s: span_s, to_s: 0 },
            Question { name: "before", query: query(), from_s: WEEK_S + span_s, to_s: WEEK_S },
        ],
        // Half as much again, and more than what nobody notices.
        condition: "$now > 1.5 * $before && $now - $before > 20000".to_owned(),
        pending: "30m",
        no_data: NoData::IsFine,
        severity: Severity::Warning,
        summary: "p95 from {{ $labels.vantage }} to {{ $labels.target }} ({{ $labels.probe }}) has shifted"
            .to_owned(),
        description: "The p95 of all attempts (of the median minute; a failed attempt counts as the timeout) \
                      of the last 3 hours is more than half as much again as in the same hours a week before, \
                      and more than 20 ms above it. `vantage changes --market {{ $labels.market }}` tells \
                      when it moved, and whether the address moved with it or only the route."
            .to_owned(),
        shown_on: (market(), "p95_inclusive of each"),
        chosen: "var-market={{ $labels.market }}&var-vantage={{ $labels.vantage }}&var-target={{ $labels.target }}",
    }
}

fn agent_silent() -> Rule {
    let limit = SILENCE_LIMITS_S[1];
    let query =
        Query::of(Agent, [Agent.last("silent_s").named("silence")]).by(["market", "vantage"]);
    let state =
        Query::of(Agent, [Agent.last("state_code").named("state")]).by(["market", "vantage"]);
    Rule {
        uid: "vantage-agent-silent",
        title: "Vantage: an agent is silent",
        questions: vec![last_quarter_hour("silence", query), last_quarter_hour("state", state)],
        // Revoked agents (3) are to be silent.
        condition: format!("$silence > {limit} && $state != 3"),
        pending: "5m",
        no_data: NoData::Alarms,
        severity: Severity::Critical,
        summary: "{{ $labels.vantage }} has been silent for {{ humanizeDuration $values.silence.Value }}"
            .to_owned(),
        description: "No report from this agent. Is its machine up, does `vantage-agent run` run there (its log \
                      says why a report is refused), can it reach the aggregator? What it measures meanwhile \
                      waits on its disk and is not lost. Nothing found at all (DatasourceNoData) means that the \
                      aggregator does not export: look at its log and at its [influx] settings."
            .to_owned(),
        shown_on: (fleet(), "Silence"),
        chosen: "var-vantage={{ $labels.vantage }}",
    }
}

fn coverage_low() -> Rule {
    let query =
        Query::of(Agent, [Agent.last("coverage").named("coverage")]).by(["market", "vantage"]);
    let state =
        Query::of(Agent, [Agent.last("state_code").named("state")]).by(["market", "vantage"]);
    Rule {
        uid: "vantage-coverage-low",
        title: "Vantage: coverage is low",
        questions: vec![last_quarter_hour("coverage", query), last_quarter_hour("state", state)],
        // Of agents that report (0): the silent have an alert of their own.
        condition: "$coverage < 0.6 && $state == 0".to_owned(),
        pending: "1h",
        no_data: NoData::IsFine,
        severity: Severity::Warning,
        summary: "{{ $labels.vantage }} covers only {{ humanizePercentage $values.coverage.Value }} of the last \
                  day"
            .to_owned(),
        description: "An agent that reports covers less than 60 % of the last day: rankings that rest on it are \
                      undersampled. An agent that was enrolled, or came back, less than a day ago needs only \
                      time. Otherwise look for attempts that do not count (market) and at its timers, steal \
                      and anchors (fleet); `vantage-agent check` on its machine says what is wrong there."
            .to_owned(),
        shown_on: (fleet(), "Coverage"),
        chosen: "var-vantage={{ $labels.vantage }}",
    }
}

fn rank_flipped() -> Rule {
    let query = || {
        Query::of(Score, [Score.last("rank").named("rank")])
            .by(["market", "site", "probe", "phase"])
    };
    let span_s = 3 * HOUR_S;
    Rule {
        uid: "vantage-rank-flipped",
        title: "Vantage: the best site has changed",
        questions: vec![
            Question { name: "now", query: query(), from_s: span_s, to_s: 0 },
            Question { name: "before", query: query(), from_s: DAY_S + span_s, to_s: DAY_S },
        ],
        condition: "($now == 1) != ($before == 1)".to_owned(),
        pending: "2h",
        no_data: NoData::IsFine,
        severity: Severity::Notice,
        summary: "{{ $labels.site }} has entered or left the best group of {{ $labels.market }}".to_owned(),
        description: "A site is in the best group of this market that was not a day before, or the other way \
                      round (rank {{ $values.before.Value }} → {{ $values.now.Value }}). Ranks come with their \
                      margins, so this is not chance alone: look at when the scores parted, and ask \
                      `vantage rank --market {{ $labels.market }}` and `vantage changes` what moved."
            .to_owned(),
        shown_on: (where_to_host(), "Rank over time"),
        chosen: "var-market={{ $labels.market }}",
    }
}

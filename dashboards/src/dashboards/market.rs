//! What a market's vantage points see: latencies, phases, failures, and how much was measured.

use serde_json::json;
use vantage_aggregator::export::influx::fields::Unit;

use crate::dashboard::{Dashboard, Row};
use crate::exported::Measurement::{Agent, Latency};
use crate::influxql::{Expression, Query};
use crate::latency::{self, FAILURE_RATE_LIMITS, WINDOW};
use crate::panel::{Panel, Target, Threshold, matching, named};
use crate::variable::Variable;

/// Coverage below which a ranking is undersampled, and below which it is worth a look.
const COVERAGE_LIMITS: [f64; 2] = [0.6, 0.9];

struct Chosen {
    datasource: Variable,
    market: Variable,
    vantage: Variable,
    site: Variable,
    service: Variable,
    target: Variable,
    probe: Variable,
    phase: Variable,
}

impl Chosen {
    fn new() -> Self {
        let market = Variable::of_tag(Latency, "market", "Market", "Where the users are.", &[]);
        let vantage = Variable::of_tag(
            Latency,
            "vantage",
            "Vantage point",
            "Agents in the markets chosen.",
            &[&market],
        );
        // A target belongs to a site or to a service: "all" must match those that have none.
        let site = Variable::of_tag(
            Latency,
            "site",
            "Site",
            "Narrows down the targets to those of these sites.",
            &[&market],
        )
        .also_without();
        let service = Variable::of_tag(
            Latency,
            "service",
            "Service",
            "Narrows down the targets to those of these services.",
            &[&market],
        )
        .also_without();
        let target = Variable::of_tag(
            Latency,
            "target",
            "Target",
            "What is probed, of the sites and services chosen.",
            &[&market, &site, &service],
        )
        .of_those_offered();
        let probe = Variable::of_tag(
            Latency,
            "probe",
            "Probe",
            "Probes of the targets chosen.",
            &[&target],
        );
        let phase = Variable::of_tag(
            Latency,
            "phase",
            "Phase",
            "Phase whose latencies are shown; `total` is the whole attempt. Of icmp the whole is `rtt`.",
            &[&probe],
        )
        .single(Some("total"));
        let datasource = Variable::datasource();
        Self { datasource, market, vantage, site, service, target, probe, phase }
    }

    /// Of every phase.
    fn attempts(&self) -> [&Variable; 4] {
        [&self.market, &self.vantage, &self.target, &self.probe]
    }

    /// Of the phase chosen.
    fn samples(&self) -> [&Variable; 5] {
        [&self.market, &self.vantage, &self.target, &self.probe, &self.phase]
    }
}

/// The dashboard.
pub fn market() -> Dashboard {
    let chosen = Chosen::new();
    Dashboard {
        uid: "vantage-market",
        title: "Vantage: market",
        description: "What the vantage points of a market see of sites and services: how long attempts \
                      take, phase by phase, how many fail and why, and how much was measured.",
        from: "now-24h",
        refresh: "1m",
        rows: vec![
            Row::new("At a glance", glance(&chosen)),
            Row::new("Latencies", latencies(&chosen)),
            Row::new("Phases", phases(&chosen)),
            Row::new("Failures", failures(&chosen)),
            Row::new("Coverage", coverage(&chosen)),
        ],
        variables: vec![
            chosen.datasource,
            chosen.market,
            chosen.vantage,
            chosen.site,
            chosen.service,
            chosen.target,
            chosen.probe,
            chosen.phase,
        ],
        annotations: Vec::new(),
    }
}

fn glance(chosen: &Chosen) -> Vec<Panel> {
    let attempts = chosen.attempts();
    let [middling, bad] = FAILURE_RATE_LIMITS;
    let sums = |columns| Query::of(Latency, columns).chosen(&attempts).with_attempts();
    let lines = |query| Target::lines(query, "$col");
    vec![
        Panel::figure(
            "Attempts",
            "Attempts that a failure rate is out of, of everything chosen.",
            Unit::Count,
        )
        .asking(lines(sums(vec![Latency.sum("attempts").named("attempts")])))
        .reduced("sum"),
        Panel::figure(
            "Failed",
            "Share of the attempts that failed by the fault of the target, the path or the resolver.",
            Unit::Share,
        )
        .asking(lines(sums(vec![latency::failure_rate().named("failed")])))
        .reduced("lastNotNull")
        .coloured(&Threshold::rising(middling, bad)),
        Panel::figure(
            "Answered within 300 ms",
            "Share of all attempts that succeeded within 300 ms: counts of buckets, summed.",
            Unit::Share,
        )
        .asking(lines(sums(vec![latency::share_within(300_000)])))
        .reduced("lastNotNull"),
        worst_coverage(&[&chosen.market, &chosen.vantage]),
    ]
}

fn latencies(chosen: &Chosen) -> Vec<Panel> {
    let samples = chosen.samples();
    vec![
        latency::worst_percentiles(
            "Percentiles of the worst series",
            "Of the phase chosen. For each interval and percentile: the largest that any of the vantage \
             points, targets and probes chosen has; over intervals longer than a window its median \
             window. Nothing is averaged over vantage points. Longest: the longest sample of all.",
            &samples,
        ),
        latency::heat_map(&samples),
        latency::percentile_of_each("p50_us", &samples),
        latency::percentile_of_each("p95_us", &samples),
        latency::shares_within(&chosen.attempts()),
        latency::percentile_of_each("p95_inclusive_us", &chosen.attempts()),
    ]
}

fn phases(chosen: &Chosen) -> Vec<Panel> {
    let attempts = chosen.attempts();
    let phase = Latency.tag("phase");
    // A mean by its count is a sum, and sums add up over phases and vantage points.
    let (sum, count) = (Expression::column("took"), Expression::column("samples"));
    let sums = Query::of(
        Latency,
        [
            (Latency.value("mean_us") * Latency.value("count")).named("took"),
            Latency.value("count").named("samples"),
        ],
    )
    .chosen(&attempts)
    .without(&phase, &["total", "rtt"])
    .by(["phase"]);
    let means =
        Query::over(sums, [(sum.sum() / count.sum()).named("mean")]).by_interval().by(["phase"]);
    let worst = Query::of(Latency, [Latency.median("p95_us").named("p95")])
        .chosen(&attempts)
        .by_interval()
        .by(["phase", "vantage", "target", "probe"]);
    let worst = Query::over(worst, [Expression::column("p95").max().named("p95")])
        .by_interval()
        .by(["phase"]);
    vec![
        Panel::time_series(
            "Mean of each phase",
            "Arithmetic mean of all samples of each phase, of everything chosen, on top of each other: \
             means, unlike percentiles, add up. A phase that an attempt did not reach is not in it.",
            Unit::Microseconds,
        )
        .asking(Target::lines(means, "$tag_phase"))
        .every(WINDOW)
        .from_zero()
        .stacked_areas(),
        Panel::time_series(
            "p95 of each phase, of the worst series",
            "For each interval and phase: the largest p95 (of its median window) that any of the vantage \
             points, targets and probes chosen has. Percentiles of phases do not add up to that of the \
             total. `rtt` is the kernel's own figure.",
            Unit::Microseconds,
        )
        .asking(Target::lines(worst, "$tag_phase"))
        .every(WINDOW)
        .from_zero(),
    ]
}

fn failures(chosen: &Chosen) -> Vec<Panel> {
    let attempts = chosen.attempts();
    let columns = [
        Latency.sum("attempts").named("attempts"),
        Latency.sum("failed").named("failed"),
        latency::failure_rate().named("failure rate"),
        Latency.median("p50_us").named("p50"),
        Latency.median("p95_us").named("p95"),
        Latency.median("p95_inclusive_us").named("p95 with failures"),
        Latency.max("max_us").named("longest"),
        Latency.max("timeout_us").named("timeout"),
    ];
    let tags = ["market", "vantage", "target", "probe"];
    let names: Vec<_> = tags
        .into_iter()
        .chain(columns.iter().map(|column| column.name.as_str()))
        .map(str::to_owned)
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let table = Query::of(Latency, columns).chosen(&attempts).with_attempts().by(tags);
    let [middling, bad] = FAILURE_RATE_LIMITS;
    let limits = Threshold::steps(&Threshold::rising(middling, bad));
    vec![
        latency::failure_rates(
            "Share of the attempts that failed by the fault of the target, the path or the resolver: one \
             line for each market and target, over its vantage points and probes chosen. The dashed line \
             is where the alert is.",
            &attempts,
            ["market", "target"],
            "$tag_market → $tag_target",
        ),
        latency::failures_by_code(&attempts),
        latency::failures_by_attribution(&attempts),
        Panel::table(
            "Series",
            "Every vantage point, target and probe chosen, over the whole time chosen. Percentiles are \
             those of the median window of the whole attempt; \"with failures\" counts a failed attempt \
             as one that took the timeout.",
            Unit::Microseconds,
        )
        .asking(Target::table(table))
        .with_columns(&names)
        .except(matching("^(market|vantage|target|probe)$", &[("unit", "string".into())]))
        .except(matching("^(attempts|failed)$", &[("unit", "short".into())]))
        .except(named(
            "failure rate",
            &[
                ("unit", "percentunit".into()),
                ("thresholds", limits),
                ("color", json!({ "mode": "thresholds" })),
                ("custom.cellOptions", json!({ "type": "color-text" })),
            ],
        ))
        .sized(12, 9),
    ]
}

fn coverage(chosen: &Chosen) -> Vec<Panel> {
    let attempts = chosen.attempts();
    let lost = [
        Latency.sum("missed").named("not started when due"),
        Latency.sum("failed_agent").named("fault of the agent"),
        Latency.sum("failed_config").named("configuration or rate limits"),
        Latency.sum("degraded").named("made while the agent was at fault"),
    ];
    let lost = Query::of(Latency, lost).chosen(&attempts).by_interval();
    let made = Query::of(Latency, [Latency.sum("attempts").named("attempts")])
        .chosen(&attempts)
        .by_interval()
        .by(["vantage"]);
    vec![
        coverage_over_time(&[&chosen.market, &chosen.vantage]),
        Panel::time_series(
            "Attempts by vantage point",
            "Attempts that count, of everything chosen. A line that ends is a vantage point that fell \
             silent: failed attempts count, too.",
            Unit::Count,
        )
        .asking(Target::lines(made, "$tag_vantage"))
        .every(WINDOW)
        .from_zero(),
        Panel::time_series(
            "Attempts that do not count",
            "Attempts lost to coverage, of everything chosen: they never count against a site. The first \
             are among the second.",
            Unit::Count,
        )
        .asking(Target::lines(lost, "$col"))
        .every(WINDOW)
        .from_zero(),
    ]
}

/// The least of the agents' latest coverages.
pub(super) fn worst_coverage(chosen: &[&Variable]) -> Panel {
    let each =
        Query::of(Agent, [Agent.last("coverage").named("coverage")]).chosen(chosen).by(["vantage"]);
    let least = Query::over(each, [Expression::column("coverage").min().named("coverage")]);
    Panel::figure(
        "Worst coverage",
        "Coverage of the last day, of the agent that has least of it.",
        Unit::Share,
    )
    .asking(Target::lines(least, "$col"))
    .reduced("lastNotNull")
    .coloured(&Threshold::falling(COVERAGE_LIMITS[0], COVERAGE_LIMITS[1]))
}

/// Coverage of each agent over time.
pub(super) fn coverage_over_time(chosen: &[&Variable]) -> Panel {
    let [least, good] = COVERAGE_LIMITS;
    let query = Query::of(Agent, [Agent.last("coverage").named("coverage")])
        .chosen(chosen)
        .by_interval()
        .by(["market", "vantage"]);
    Panel::time_series(
        "Coverage",
        "Share of the day before that the windows of each agent cover. Below 60 % a ranking calls sites \
         undersampled.",
        Unit::Share,
    )
    .asking(Target::lines(query, "$tag_vantage"))
    .every(WINDOW)
    .between(0.0, 1.0)
    .coloured(&Threshold::falling(least, good))
    .with_limits()
}

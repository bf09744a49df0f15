//! The agents: who reports, how much, and who has trouble.

use serde_json::json;
use vantage_aggregator::export::influx::fields::Unit;

use super::market::{coverage_over_time, worst_coverage};
use crate::dashboard::{Dashboard, Row};
use crate::exported::Measurement::Agent;
use crate::influxql::{Expression, Query};
use crate::latency::WINDOW;
use crate::panel::{Panel, Target, Threshold, Words, matching, named};
use crate::variable::Variable;

/// Seconds of silence from which on an agent is worth a look, and from which on the alert is.
pub const SILENCE_LIMITS_S: [f64; 2] = [300.0, 900.0];
/// Half a window: a clock that is known no better than that puts samples into the wrong one.
const CLOCK_LIMITS_US: [f64; 2] = [1_000_000.0, 30_000_000.0];
/// Lateness of timers from which on an agent calls itself degraded is in the tens of milliseconds.
const LAG_LIMITS_US: [f64; 2] = [10_000.0, 50_000.0];

struct Chosen {
    market: Variable,
    vantage: Variable,
}

impl Chosen {
    fn query(&self, columns: impl IntoIterator<Item = crate::influxql::Column>) -> Query {
        Query::of(Agent, columns).chosen(&[&self.market, &self.vantage])
    }

    /// A field of each agent over time.
    fn lines(&self, field: &str, name: &str) -> Target {
        let query =
            self.query([Agent.last(field).named(name)]).by_interval().by(["market", "vantage"]);
        Target::lines(query, "$tag_vantage")
    }

    /// The latest value of a field of each agent, put together.
    fn latest(&self, field: &str, name: &str, all: impl Fn(Expression) -> Expression) -> Target {
        let each = self.query([Agent.last(field).named("latest")]).by(["vantage"]);
        Target::lines(Query::over(each, [all(Expression::column("latest")).named(name)]), "$col")
    }
}

/// The dashboard.
pub fn fleet() -> Dashboard {
    let market = Variable::of_tag(Agent, "market", "Market", "Where the agents are.", &[]);
    let vantage = Variable::of_tag(
        Agent,
        "vantage",
        "Vantage point",
        "Agents in the markets chosen.",
        &[&market],
    );
    let chosen = Chosen { market, vantage };
    Dashboard {
        uid: "vantage-fleet",
        title: "Vantage: fleet",
        description: "The agents: who reports, how much of the time is covered, and who has trouble with \
                      clock, disk, memory or processor.",
        from: "now-24h",
        refresh: "1m",
        rows: vec![
            Row::new("Now", now(&chosen)),
            Row::new("Reporting", reporting(&chosen)),
            Row::new("Clock and spool", clock_and_spool(&chosen)),
            Row::new("The machine", machine(&chosen)),
        ],
        variables: vec![Variable::datasource(), chosen.market, chosen.vantage],
        annotations: Vec::new(),
    }
}

fn states() -> Words {
    Words::new(&[
        ("reporting", "reporting", "green"),
        ("silent", "silent", "red"),
        ("waiting", "waiting", "yellow"),
        ("revoked", "revoked", "text"),
    ])
}

fn now(chosen: &Chosen) -> Vec<Panel> {
    let [unusual, silent] = SILENCE_LIMITS_S;
    let states_now = chosen.query([Agent.last("state_code").named("state")]).by(["vantage"]);
    let reporting = Query::over(states_now, [Expression::column("state").count().named("agents")])
        .whose("state", 0);
    vec![
        Panel::figure("Reporting", "Agents whose latest state is reporting.", Unit::Count)
            .asking(Target::lines(reporting, "$col"))
            .reduced("lastNotNull"),
        Panel::figure(
            "Longest silence",
            "Time since the last report, of the agent that was silent longest.",
            Unit::Seconds,
        )
        .asking(chosen.latest("silent_s", "silence", Expression::max))
        .reduced("lastNotNull")
        .coloured(&Threshold::rising(unusual, silent)),
        Panel::figure(
            "Windows waiting",
            "Windows on the disks of all agents chosen that are not delivered yet.",
            Unit::Count,
        )
        .asking(chosen.latest("spool_windows", "windows", Expression::sum))
        .reduced("lastNotNull"),
        worst_coverage(&[&chosen.market, &chosen.vantage]),
        agents(chosen),
    ]
}

fn agents(chosen: &Chosen) -> Panel {
    let columns = [
        ("state", "state"),
        ("silent_s", "silent for"),
        ("coverage", "coverage"),
        ("clock_offset_us", "clock corrected by"),
        ("clock_bound_us", "clock known to ±"),
        ("spool_windows", "windows waiting"),
        ("spool_bytes", "on disk"),
        ("event_loop_lag_p99_us", "timers late by (p99)"),
        ("cpu_steal_permille", "CPU steal"),
        ("resident_bytes", "memory"),
        ("open_files", "open files"),
        ("open_files_limit", "of"),
        ("anchors_reachable", "anchors reached"),
        ("anchors_total", "of them"),
        ("software", "software"),
    ];
    let names: Vec<_> =
        ["market", "vantage"].into_iter().chain(columns.map(|(_, name)| name)).collect();
    let query = chosen
        .query(columns.map(|(field, name)| Agent.last(field).named(name)))
        .by(["market", "vantage"]);
    let words = [
        ("unit", json!("string")),
        ("mappings", states().json()),
        ("custom.cellOptions", json!({ "type": "color-text" })),
    ];
    Panel::table(
        "Agents",
        "The latest that is known of each agent. Clock: how the aggregator corrected it, and how far that \
         may be off.",
        Unit::Count,
    )
    .asking(Target::table(query))
    .with_columns(&names)
    .leading_to(
        "Latencies and failures that it sees",
        "/d/vantage-market?var-vantage=${__data.fields.vantage}&${datasource:queryparam}&${__url_time_range}",
    )
    .except(matching("^(market|vantage|software)$", &[("unit", json!("string"))]))
    .except(named("state", &words))
    .except(named("silent for", &[("unit", json!("s"))]))
    .except(named("coverage", &[("unit", json!("percentunit"))]))
    .except(matching("^(clock|timers)", &[("unit", json!("µs"))]))
    .except(matching("^(on disk|memory)$", &[("unit", json!("bytes"))]))
    .except(named("CPU steal", &[("unit", json!("suffix: ‰"))]))
    .sized(24, 9)
}

fn reporting(chosen: &Chosen) -> Vec<Panel> {
    let [unusual, silent] = SILENCE_LIMITS_S;
    vec![
        Panel::timeline(
            "State",
            "reporting, silent (no report for longer than it should), waiting (enrolled, no report yet), \
             revoked. The word is in the bar.",
        )
        .asking(chosen.lines("state", "state"))
        .every(WINDOW)
        .worded(&states()),
        Panel::time_series(
            "Silence",
            "Time since the last report of each agent. A healthy one reports every minute; the dashed \
             line is where the alert is.",
            Unit::Seconds,
        )
        .asking(chosen.lines("silent_s", "silent for"))
        .every(WINDOW)
        .from_zero()
        .coloured(&Threshold::rising(unusual, silent))
        .with_limits(),
        coverage_over_time(&[&chosen.market, &chosen.vantage]),
    ]
}

fn clock_and_spool(chosen: &Chosen) -> Vec<Panel> {
    let [unusual, bad] = CLOCK_LIMITS_US;
    let clock = [
        Agent.last("clock_offset_us").named("offset"),
        Agent.last("clock_bound_us").named("bound"),
    ];
    let clock = chosen.query(clock).by_interval().by(["market", "vantage"]);
    vec![
        Panel::time_series(
            "Clock",
            "By how much the aggregator corrected the clock of each agent, and the bound within which \
             that is known. A bound of half a window (30 s) or more puts samples into wrong windows.",
            Unit::Microseconds,
        )
        .asking(Target::lines(clock, "$tag_vantage $col"))
        .every(WINDOW)
        .coloured(&Threshold::rising(unusual, bad))
        .with_limits()
        .except(matching(" bound$", &[("custom.lineStyle", json!({ "fill": "dash", "dash": [6, 4] }))])),
        Panel::time_series(
            "Windows waiting",
            "Windows on each agent's disk that are not delivered. They grow while the aggregator is out \
             of reach, and shrink when it is back: nothing is lost.",
            Unit::Count,
        )
        .asking(chosen.lines("spool_windows", "windows"))
        .every(WINDOW)
        .from_zero(),
        Panel::time_series("Spool", "Bytes on each agent's disk that are not delivered.", Unit::Bytes)
            .asking(chosen.lines("spool_bytes", "bytes"))
            .every(WINDOW)
            .from_zero(),
    ]
}

fn machine(chosen: &Chosen) -> Vec<Panel> {
    let [unusual, bad] = LAG_LIMITS_US;
    let share = |part: &str, whole: &str, name: &str| {
        let share = Agent.last(part) / Agent.last(whole);
        let query = chosen.query([share.named(name)]).by_interval().by(["market", "vantage"]);
        Target::lines(query, "$tag_vantage")
    };
    vec![
        Panel::time_series(
            "Timers late by",
            "How late timers of each agent's event loop fired, 99th percentile between two reports: \
             attempts start late by as much.",
            Unit::Microseconds,
        )
        .asking(chosen.lines("event_loop_lag_p99_us", "late by"))
        .every(WINDOW)
        .from_zero()
        .coloured(&Threshold::rising(unusual, bad))
        .with_limits(),
        Panel::time_series(
            "CPU steal",
            "Processor time that the hypervisor gave to others, in thousandths.",
            Unit::Permille,
        )
        .asking(chosen.lines("cpu_steal_permille", "steal"))
        .every(WINDOW)
        .from_zero(),
        Panel::time_series("Memory", "Resident memory of each agent.", Unit::Bytes)
            .asking(chosen.lines("resident_bytes", "memory"))
            .every(WINDOW)
            .from_zero(),
        Panel::time_series(
            "File descriptors",
            "Share of the file descriptors that each agent may use which is in use.",
            Unit::Share,
        )
        .asking(share("open_files", "open_files_limit", "in use"))
        .every(WINDOW)
        .between(0.0, 1.0),
        Panel::time_series(
            "Anchors reached",
            "Share of the anchors (well-known hosts) that answered: at zero the agent has no network, \
             and its failures are laid to itself.",
            Unit::Share,
        )
        .asking(share("anchors_reachable", "anchors_total", "reached"))
        .every(WINDOW)
        .between(0.0, 1.0),
    ]
}

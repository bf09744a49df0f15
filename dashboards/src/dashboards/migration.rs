//! Before and after: what moving a service did to its users.

use serde_json::{Value, json};
use vantage_aggregator::export::influx::fields::Unit;

use crate::dashboard::{Annotation, Dashboard, Row};
use crate::exported::Measurement::Latency;
use crate::influxql::{Column, Expression, Query, Span};
use crate::latency::{self, FAILURE_RATE_LIMITS, WINDOW};
use crate::panel::{Panel, Target, Threshold, matching, named};
use crate::variable::Variable;

struct Chosen {
    datasource: Variable,
    service: Variable,
    probe: Variable,
    phase: Variable,
    market: Variable,
    vantage: Variable,
    site: Variable,
    cutover: Variable,
    span: Variable,
}

/// Which side of the cutover.
#[derive(Clone, Copy)]
enum Side {
    Before,
    After,
}

impl Side {
    const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl Chosen {
    fn new() -> Self {
        let service =
            Variable::of_tag(Latency, "service", "Service", "The service that moved.", &[])
                .single(None);
        let probe =
            Variable::of_tag(Latency, "probe", "Probe", "Probe of the service.", &[&service])
                .single(None);
        let phase = Variable::of_tag(
            Latency,
            "phase",
            "Phase",
            "Phase whose latencies are shown; `total` is the whole attempt.",
            &[&service, &probe],
        )
        .single(Some("total"));
        let market =
            Variable::of_tag(Latency, "market", "Market", "Where the users are.", &[&service]);
        let vantage = Variable::of_tag(
            Latency,
            "vantage",
            "Vantage point",
            "Agents in the markets chosen.",
            &[&service, &market],
        );
        let site = Variable::of_tag(
            Latency,
            "site",
            "Sites beside it",
            "Sites whose own targets are drawn beside the service: where it was, where it is, and \
             controls that did not move.",
            &[&market],
        );
        let cutover = Variable::text(
            "cutover",
            "Cutover (UTC)",
            "When the service moved, such as 2026-03-30T00:00:00Z.",
            "2026-01-01T00:00:00Z",
        );
        let span = Variable::choice(
            "span",
            "On either side",
            "How long before and after is compared. Whole weeks have the same hours of the week on both \
             sides.",
            &["7d", "14d", "28d", "1d"],
        );
        let datasource = Variable::datasource();
        Self { datasource, service, probe, phase, market, vantage, site, cutover, span }
    }

    /// The service's attempts.
    fn attempts(&self) -> [&Variable; 4] {
        [&self.service, &self.probe, &self.market, &self.vantage]
    }

    /// Its samples of the phase chosen.
    fn samples(&self) -> [&Variable; 5] {
        [&self.service, &self.probe, &self.phase, &self.market, &self.vantage]
    }

    fn span(&self, side: Side) -> Span {
        let (cutover, span) = (self.cutover.raw(), self.span.raw());
        Span::Fixed(match side {
            Side::Before => {
                format!("time >= '{cutover}' - {span} AND time < '{cutover}'")
            }
            Side::After => format!("time >= '{cutover}' AND time < '{cutover}' + {span}"),
        })
    }
}

/// The dashboard.
pub fn migration() -> Dashboard {
    let chosen = Chosen::new();
    let moved = Query::of(
        Latency,
        [
            Latency.value("window_s").named("window"),
            Expression::tag(&Latency.tag("service")).named("text"),
        ],
    )
    .chosen(&[&chosen.service])
    .during(Span::Fixed(format!("time >= '{}'", chosen.cutover.raw())))
    .first(1);
    Dashboard {
        uid: "vantage-migration",
        title: "Vantage: migration",
        description: "What moving a service did to its users: before and after the cutover, market by \
                      market.",
        from: "now-30d",
        refresh: "15m",
        rows: vec![
            Row::new("Before and after", comparison(&chosen)),
            Row::new("Bands", bands(&chosen)),
            Row::new("The service and the sites", beside_sites(&chosen)),
            Row::new("Failures", failures(&chosen)),
        ],
        annotations: vec![Annotation { name: "Cutover", query: moved }],
        variables: vec![
            chosen.datasource,
            chosen.service,
            chosen.probe,
            chosen.phase,
            chosen.market,
            chosen.vantage,
            chosen.site,
            chosen.cutover,
            chosen.span,
        ],
    }
}

fn comparison(chosen: &Chosen) -> Vec<Panel> {
    let words = "Set **cutover** and **service** above. The tables compare as much time before as after; the \
                 graphs show the time chosen at the top right, with the cutover marked. These are raw \
                 figures: `vantage compare --migration ID` takes the same hours of the week, subtracts what \
                 control sites changed meanwhile, and says how sure the change is.";
    vec![Panel::words("Reading this", words), changes(chosen)]
}

fn changes(chosen: &Chosen) -> Panel {
    let columns = |side: Side| -> Vec<Column> {
        let name = |what: &str| format!("{what} {}", side.name());
        vec![
            Latency.median("p50_us").named(&name("p50")),
            Latency.median("p95_us").named(&name("p95")),
            Latency.median("p95_inclusive_us").named(&name("p95 with failures")),
            Latency.sum("attempts").named(&name("attempts")),
            latency::failure_rate().named(&name("failed")),
            latency::share_within(300_000).called(&name("within 300 ms")),
        ]
    };
    let query = |side| {
        Query::of(Latency, columns(side))
            .chosen(&chosen.attempts())
            .with_attempts()
            .during(chosen.span(side))
            .by(["market", "vantage"])
    };
    let (before, after) = (query(Side::Before), query(Side::After));
    let pairs = before.column_names().zip(after.column_names());
    let names: Vec<_> =
        pairs.flat_map(|(before, after)| [before.to_owned(), after.to_owned()]).collect();
    let names: Vec<_> =
        ["market", "vantage"].into_iter().chain(names.iter().map(String::as_str)).collect();
    let share: Value = json!("percentunit");
    Panel::table(
        "Change",
        "Each vantage point by itself, as much time before the cutover as after it. Percentiles are those \
         of the median window of the whole attempt; \"with failures\" counts a failed attempt as one that \
         took the timeout. The shares are exact.",
        Unit::Microseconds,
    )
    .asking(Target::table(before.clone()))
    .asking(Target::table(after.clone()))
    .transformed("filterFieldsByName", &json!({ "exclude": { "names": ["Time"] } }))
    .transformed("merge", &json!({}))
    .with_columns(&names)
    .except(matching("^(market|vantage)$", &[("unit", json!("string"))]))
    .except(matching("^attempts", &[("unit", json!("short"))]))
    .except(matching("^(failed|within)", &[("unit", share)]))
    .sized(24, 8)
}

fn bands(chosen: &Chosen) -> Vec<Panel> {
    // The inner query keeps targets apart; of several the worst is drawn.
    let inner = Query::of(
        Latency,
        [Latency.median("p50_us").named("p50"), Latency.median("p95_us").named("p95")],
    )
    .chosen(&chosen.samples())
    .by_interval()
    .by(["target", "family", "warm"]);
    let query =
        Query::over(inner, ["p50", "p95"].map(|name| Expression::column(name).max().named(name)))
            .by_interval();
    vec![
        Panel::time_series(
            "p50 to p95 at $vantage",
            "The band between the median and the p95 of the phase chosen, at one vantage point: over \
             intervals longer than a window of the median window; of several targets of the service the \
             worst. Failed attempts have no latency: see the failures below.",
            Unit::Microseconds,
        )
        .asking(Target::lines(query, "$col"))
        .every(WINDOW)
        .from_zero()
        .except(named(
            "p95",
            &[("custom.fillBelowTo", json!("p50")), ("custom.fillOpacity", json!(25))],
        ))
        .for_each(&chosen.vantage, 3)
        .sized(8, 9),
        latency::shares_within(&chosen.attempts()).sized(24, 9),
    ]
}

fn beside_sites(chosen: &Chosen) -> Vec<Panel> {
    let worst = |query: Query, tag: [&str; 1]| {
        let each = query.by_interval();
        Query::over(each, [Expression::column("p50").max().named("p50")]).by_interval().by(tag)
    };
    let p50 = || [Latency.median("p50_us").named("p50")];
    let service =
        Query::of(Latency, p50()).chosen(&chosen.samples()).by(["service", "vantage", "target"]);
    let sites = Query::of(Latency, p50())
        .chosen(&[&chosen.site, &chosen.probe, &chosen.phase, &chosen.market, &chosen.vantage])
        .by(["site", "vantage", "target"]);
    let shown = json!({ "fill": "solid" });
    vec![
        Panel::time_series(
            "$market: the service and the sites",
            "Median of the service (thick) and of the sites' own targets, as one market sees them: over \
             intervals longer than a window of the median window, of several vantage points the worst. \
             At the cutover the service leaves the line of its old site and joins that of its new one.",
            Unit::Microseconds,
        )
        .asking(Target::lines(worst(service, ["service"]), "service $tag_service"))
        .asking(Target::lines(worst(sites, ["site"]), "$tag_site"))
        .every(WINDOW)
        .from_zero()
        .except(matching(
            "^service ",
            &[("custom.lineWidth", json!(3)), ("custom.lineStyle", shown)],
        ))
        .for_each(&chosen.market, 2)
        .sized(12, 10),
    ]
}

fn failures(chosen: &Chosen) -> Vec<Panel> {
    let attempts = chosen.attempts();
    vec![
        latency::failure_rates(
            "Share of the service's attempts that failed by the fault of the target, the path or the \
             resolver, by market, over its vantage points chosen.",
            &attempts,
            ["market"],
            "$tag_market",
        ),
        latency::failures_by_code(&attempts),
        failures_on(chosen, Side::Before),
        failures_on(chosen, Side::After),
    ]
}

/// What failed on one side of the cutover: a code to each row.
fn failures_on(chosen: &Chosen, side: Side) -> Panel {
    let [middling, bad] = FAILURE_RATE_LIMITS;
    let attempts = || Latency.sum("attempts");
    let columns = latency::codes(|code| code.sum() / attempts());
    let query = Query::of(Latency, columns)
        .chosen(&chosen.attempts())
        .with_attempts()
        .during(chosen.span(side));
    let some = json!({ "id": "greater", "options": { "value": 0 } });
    Panel::table(
        &format!("Failures {} the cutover", side.name()),
        "Failed attempts of each code, as a share of the attempts that count, over all markets and vantage \
         points chosen.",
        Unit::Share,
    )
    .asking(Target::table(query))
    .transformed("filterFieldsByName", &json!({ "exclude": { "names": ["Time"] } }))
    .transformed("reduce", &json!({ "mode": "seriesToRows", "reducers": ["sum"] }))
    .transformed(
        "filterByValue",
        &json!({
            "type": "include",
            "match": "all",
            "filters": [{ "fieldName": "Total", "config": some }],
        }),
    )
    .transformed("sortBy", &json!({ "fields": {}, "sort": [{ "field": "Total", "desc": true }] }))
    .transformed(
        "organize",
        &json!({
            "excludeByName": {},
            "indexByName": {},
            "renameByName": { "Field": "failure", "Total": "share of attempts" },
        }),
    )
    .coloured(&Threshold::rising(middling, bad))
    .except(named("failure", &[("unit", json!("string"))]))
    .except(named(
        "share of attempts",
        &[("custom.cellOptions", json!({ "type": "color-text" })), ("decimals", json!(2))],
    ))
}

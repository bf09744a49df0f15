//! Which site for which market: the ranking as the aggregator computes it, and how it came about.

use serde_json::json;
use vantage_aggregator::export::influx::fields::{ALL_MARKETS, Unit};

use crate::dashboard::{Dashboard, Row};
use crate::exported::Measurement::Score;
use crate::influxql::{Column, Query};
use crate::latency::FAILURE_RATE_LIMITS;
use crate::panel::{Panel, Target, Threshold, Words, matching, named, verdicts};
use crate::variable::Variable;

/// Scores are written once an hour unless the aggregator is told otherwise.
const TICK: &str = "1h";
/// Scores from which on a cell is yellow, and red, in microseconds.
const SCORE_LIMITS_US: [f64; 2] = [300_000.0, 1_000_000.0];

struct Chosen {
    datasource: Variable,
    probe: Variable,
    phase: Variable,
    market: Variable,
    site: Variable,
}

impl Chosen {
    fn new() -> Self {
        let probe = Variable::of_tag(
            Score,
            "probe",
            "Ranked by probe",
            "Kind or name of the probes that the ranking was made by.",
            &[],
        )
        .single(None);
        let phase = Variable::of_tag(
            Score,
            "phase",
            "Phase",
            "Phase that the ranking was made by.",
            &[&probe],
        )
        .single(None);
        let market = Variable::of_tag(
            Score,
            "market",
            "Market",
            "Markets; `all` is the ranking over all of them by their weights.",
            &[&probe],
        );
        let site = Variable::of_tag(Score, "site", "Site", "Candidate sites.", &[&probe]);
        Self { datasource: Variable::datasource(), probe, phase, market, site }
    }

    fn query(&self, columns: impl IntoIterator<Item = Column>) -> Query {
        let variables = [&self.probe, &self.phase, &self.market, &self.site];
        Query::of(Score, columns).chosen(&variables)
    }

    /// The latest value of a field for each market and site.
    fn latest(&self, field: &str) -> Query {
        self.query([Score.last(field).named("value")]).by(["market", "site"])
    }

    /// A field over time for each market and site.
    fn over_time(&self, field: &str, name: &str) -> Query {
        self.query([Score.last(field).named(name)]).by_interval().by(["market", "site"])
    }
}

/// The dashboard.
pub fn where_to_host() -> Dashboard {
    let chosen = Chosen::new();
    Dashboard {
        uid: "vantage-where-to-host",
        title: "Vantage: where to host",
        description: "Which site serves which market best, by how much, how sure, and since when.",
        from: "now-7d",
        refresh: "5m",
        rows: vec![
            Row::new("Now", matrices(&chosen)),
            Row::new("How sure", [overall(&chosen), standings(&chosen)]),
            Row::new("Over time", over_time(&chosen)),
        ],
        variables: vec![chosen.datasource, chosen.probe, chosen.phase, chosen.market, chosen.site],
        annotations: Vec::new(),
    }
}

fn to_market(panel: Panel, market: &str, site: &str) -> Panel {
    let url = format!(
        "/d/vantage-market?var-market={market}&var-site={site}&${{datasource:queryparam}}&${{__url_time_range}}"
    );
    panel.leading_to("Latencies and failures of this market", &url)
}

fn matrices(chosen: &Chosen) -> Vec<Panel> {
    let [middling, bad] = SCORE_LIMITS_US;
    let [some_failures, many_failures] = FAILURE_RATE_LIMITS;
    let matrix = |title, description, unit, field| {
        let panel = Panel::matrix(title, description, unit, chosen.latest(field));
        to_market(panel, "${__data.fields[0]}", "${__field.name}")
    };
    vec![
        matrix(
            "Score",
            "The latest score of each site for each market, over all vantage points there, as \
             `vantage rank` computes it: unless the objective says otherwise the p95 of all attempts, \
             where a failed one counts as the probe's timeout. Less is better; yellow from 300 ms, red \
             from 1 s.",
            Unit::Microseconds,
            "score_us",
        )
        .coloured(&Threshold::rising(middling, bad)),
        matrix(
            "Rank",
            "The latest rank. Sites that cannot be told apart share one; 1 is the best group. A site \
             without a rank is not ranked: too few attempts, or ruled out.",
            Unit::Rank,
            "rank",
        )
        .worded(&ranks())
        .coloured(&Threshold::rising(2.0, 3.0)),
        matrix(
            "Verdict",
            "Against the best site of the market, at 95 % confidence: better (than every other), \
             equivalent, worse, inconclusive, or undersampled (too few attempts to say anything).",
            Unit::Words,
            "verdict",
        )
        .worded(&verdicts()),
        matrix(
            "Failure rate",
            "Share of the attempts that failed by the fault of the target, the path or the resolver, \
             over the days that the score looked at and all vantage points of the market.",
            Unit::Share,
            "failure_rate",
        )
        .coloured(&Threshold::rising(some_failures, many_failures)),
    ]
}

/// The best group stands out without its colour, too.
fn ranks() -> Words {
    Words::new(&[("1", "1 ◀ best group", "green")])
}

/// Columns of a standing after market and site.
fn standing() -> Vec<Column> {
    let columns = [
        ("rank", "rank"),
        ("score_us", "score"),
        ("score_low_us", "from"),
        ("score_high_us", "to"),
        ("behind_us", "behind the best"),
        ("behind_low_us", "behind from"),
        ("behind_high_us", "behind to"),
        ("failure_rate", "failure rate"),
        ("failure_rate_low", "failures from"),
        ("failure_rate_high", "failures to"),
        ("attempts", "attempts"),
        ("coverage", "coverage"),
        ("blocks", "blocks"),
        ("weight", "weight"),
        ("verdict", "verdict"),
    ];
    columns.map(|(field, name)| Score.last(field).named(name)).into()
}

fn standing_table(title: &str, description: &str, query: Query, first: &[&str]) -> Panel {
    let names: Vec<_> = query.column_names().map(str::to_owned).collect();
    let columns: Vec<_> = first.iter().copied().chain(names.iter().map(String::as_str)).collect();
    // By market where there are several, then by rank.
    let order: Vec<_> =
        first.iter().copied().filter(|tag| *tag != "site").chain(["rank"]).collect();
    let share = json!("percentunit");
    let plain = json!("none");
    let verdict = [
        ("unit", json!("string")),
        ("mappings", verdicts().json()),
        ("custom.cellOptions", json!({ "type": "color-text" })),
    ];
    Panel::table(title, description, Unit::Microseconds)
        .asking(Target::table(query))
        .with_columns(&columns)
        .sorted_by(&order)
        .except(matching("^(market|site)$", &[("unit", json!("string"))]))
        .except(matching("^(rank|blocks)$", &[("unit", plain)]))
        .except(named("attempts", &[("unit", json!("short"))]))
        .except(matching("^(failure|coverage|weight)", &[("unit", share)]))
        .except(named("verdict", &verdict))
}

fn overall(chosen: &Chosen) -> Panel {
    let all = Score.tag("market");
    let query = Query::of(Score, standing())
        .chosen(&[&chosen.probe, &chosen.phase, &chosen.site])
        .tagged(&all, ALL_MARKETS)
        .by(["site"]);
    standing_table(
        "Over all markets",
        "The latest ranking over all markets by their weights. From … to is the 95 % interval; where \
         \"behind from\" is above zero the site is behind beyond doubt.",
        query,
        &["site"],
    )
    .sized(24, 7)
}

fn standings(chosen: &Chosen) -> Panel {
    let query = chosen.query(standing()).by(["market", "site"]);
    let panel = standing_table(
        "By market",
        "The latest ranking of each market. From … to is the 95 % interval; \"behind the best\" is \
         taken on the blocks (days of the market) that both sites have. Fewer than three days of \
         blocks, or a coverage below 60 %, say little.",
        query,
        &["market", "site"],
    )
    .sized(24, 11);
    to_market(panel, "${__data.fields.market}", "${__data.fields.site}")
}

fn over_time(chosen: &Chosen) -> Vec<Panel> {
    let called = "$tag_market · $tag_site";
    let [some_failures, many_failures] = FAILURE_RATE_LIMITS;
    let margins = ["score_us", "score_low_us", "score_high_us"];
    let margins = margins.map(|field| {
        Score.last(field).named(match field {
            "score_us" => "score",
            "score_low_us" => "from",
            _ => "to",
        })
    });
    let scores = chosen.query(margins).by_interval().by(["market", "site"]);
    let dotted = json!({ "fill": "dot", "dash": [1, 4] });
    let margin = [
        ("custom.lineStyle", dotted),
        ("custom.hideFrom", json!({ "legend": true, "tooltip": false, "viz": false })),
    ];
    vec![
        Panel::timeline(
            "Rank over time",
            "The rank of each site in each market at every tick; the figure is in the bar. Where a bar \
             changes its figure, the ranking flipped.",
        )
        .asking(Target::lines(chosen.over_time("rank", "rank"), called))
        .every(TICK)
        .coloured(&Threshold::rising(2.0, 3.0))
        .sized(24, 11),
        Panel::time_series(
            "Score over time",
            "The score of each site at every tick, over the days before it, with the ends of its 95 % \
             interval dotted. Where intervals overlap, the ranks tell which sites differ.",
            Unit::Microseconds,
        )
        .asking(Target::lines(scores, "$tag_market · $tag_site $col"))
        .every(TICK)
        .from_zero()
        .except(matching(" (from|to)$", &margin))
        .sized(24, 11),
        Panel::time_series(
            "Behind the best",
            "How far each site's score is above the best one's of its market, on the blocks that both \
             have. The best site itself has no line.",
            Unit::Microseconds,
        )
        .asking(Target::lines(chosen.over_time("behind_us", "behind"), called))
        .every(TICK)
        .from_zero(),
        Panel::time_series(
            "Failure rate over time",
            "Share of attempts that failed, over the days that the score looked at: it moves slowly. \
             The dashboard of the market has it by the minute.",
            Unit::Share,
        )
        .asking(Target::lines(chosen.over_time("failure_rate", "failure rate"), called))
        .every(TICK)
        .from_zero()
        .coloured(&Threshold::rising(some_failures, many_failures))
        .with_limits(),
    ]
}

//! `GET /api/v1/openapi.json`: what readers may ask, described for programs (`OpenAPI` 3.1).
//!
//! The table of pages below is also what the router is made of, so a page cannot be served and not
//! described. The documents' schemas come from their types.

use std::sync::OnceLock;

use axum::Json;
use axum::routing::{MethodRouter, get};
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::rows::{self, JSON_LINES};
use super::{App, agents, questions};
use vantage_wire::exchange::ProblemDocument;

/// A page for readers.
pub(super) struct Page {
    pub(super) path: &'static str,
    summary: &'static str,
    /// Names of its parameters, which [`PARAMETERS`] describes.
    parameters: &'static [&'static [&'static str]],
    media_type: &'static str,
    answer: fn(&mut SchemaGenerator) -> Schema,
    pub(super) handler: fn() -> MethodRouter<App>,
}

const JSON: &str = "application/json";

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// What most questions take.
const SCOPE: &[&str] = &["last", "from", "to", "probe", "phase", "quantile", "market", "site"];

/// Every parameter, with what it means.
const PARAMETERS: &[(&str, &str)] = &[
    (
        "last",
        "The time up to now: 12h, 30d. Goes without `from` and `to`; 30d where none is given.",
    ),
    ("from", "The first date, which begins at midnight in each market, or an instant, RFC 3339."),
    ("to", "The end, not included: a date or an instant; now where it is not given."),
    ("probe", "A kind (icmp, tcp, tls, http, dns, quic) or the id of a probe."),
    ("phase", "dns, connect, tls, request, transfer, total or rtt."),
    ("quantile", "What sites are ordered by: p95 or another percentile, or mean."),
    ("market", "Only these markets, divided by commas."),
    ("site", "Only these sites, divided by commas."),
    ("migration", "A migration of the catalogue; or `service` with `before` and `after`."),
    ("service", "A service; of series and histograms, instead of sites."),
    ("before", "The stretch to compare with: FROM..TO, dates or instants."),
    ("after", "The stretch that is compared with it."),
    (
        "smallest",
        "The least change that is told: 5ms; the threshold of the objective if not given.",
    ),
    ("cursor", "The `next` of the page before."),
    (
        "controls",
        "Sites that did not move, divided by commas; those of the migration if not given.",
    ),
    ("sites", "Most sites to choose."),
    ("require", "Sites that must be chosen, divided by commas."),
    ("forbid", "Sites that must not be chosen, divided by commas."),
    ("max_cost", "Most that the sites may cost per month."),
    ("worst_market", "The score that no market may exceed: 300ms."),
    ("second_choice", "The score that no market may exceed when its best site is down: 400ms."),
    ("ignore_residency", "true: let the data of every market be anywhere."),
    ("blocks", "hour or day."),
];

/// Every page for readers.
pub(super) const PAGES: &[Page] = &[
    Page {
        path: super::AGENTS,
        summary: "Every agent and how it fares",
        parameters: &[],
        media_type: JSON,
        answer: schema::<agents::Agents>,
        handler: || get(agents::list),
    },
    Page {
        path: super::MARKETS,
        summary: "The catalogue's markets",
        parameters: &[],
        media_type: JSON,
        answer: schema::<questions::Markets>,
        handler: || get(questions::list_markets),
    },
    Page {
        path: super::SITES,
        summary: "The catalogue's sites",
        parameters: &[],
        media_type: JSON,
        answer: schema::<questions::Sites>,
        handler: || get(questions::list_sites),
    },
    Page {
        path: super::MIGRATIONS,
        summary: "The catalogue's migrations",
        parameters: &[],
        media_type: JSON,
        answer: schema::<questions::Migrations>,
        handler: || get(questions::list_migrations),
    },
    Page {
        path: super::RANKINGS,
        summary: "The sites in order, for each market and for all together",
        parameters: &[SCOPE],
        media_type: JSON,
        answer: schema::<crate::answers::RankingsAnswer>,
        handler: || get(questions::get_rankings),
    },
    Page {
        path: super::COMPARISONS,
        summary: "What a migration changed, or a service between two stretches of time",
        parameters: &[&[
            "migration",
            "service",
            "before",
            "after",
            "controls",
            "probe",
            "phase",
            "quantile",
            "market",
        ]],
        media_type: JSON,
        answer: schema::<crate::answers::ComparisonAnswer>,
        handler: || get(questions::get_comparison),
    },
    Page {
        path: super::PLANS,
        summary: "The sites to host at, under the rules of the objective",
        parameters: &[
            SCOPE,
            &[
                "sites",
                "require",
                "forbid",
                "max_cost",
                "worst_market",
                "second_choice",
                "ignore_residency",
            ],
        ],
        media_type: JSON,
        answer: schema::<crate::answers::PlanAnswer>,
        handler: || get(questions::get_plan),
    },
    Page {
        path: super::CHANGES,
        summary: "When latencies moved to another level, and whether the address moved with them",
        parameters: &[SCOPE, &["service", "smallest"]],
        media_type: JSON,
        answer: schema::<crate::answers::ChangesAnswer>,
        handler: || get(questions::list_changes),
    },
    Page {
        path: super::SERIES,
        summary: "Latencies and failures over time, by market and site or service",
        parameters: &[SCOPE, &["service", "blocks", "cursor"]],
        media_type: JSON,
        answer: schema::<crate::answers::SeriesAnswer>,
        handler: || get(questions::list_series),
    },
    Page {
        path: super::HISTOGRAMS,
        summary: "Latencies and failures of a range in one histogram, by market and site or service",
        parameters: &[SCOPE, &["service", "blocks"]],
        media_type: JSON,
        answer: schema::<crate::answers::HistogramsAnswer>,
        handler: || get(questions::list_histograms),
    },
    Page {
        path: super::ROWS,
        summary: "What was measured, row by row: one document a line, complete where the last is \
                  the end",
        parameters: &[SCOPE, &["service", "blocks"]],
        media_type: JSON_LINES,
        answer: schema::<crate::answers::RowsLine>,
        handler: || get(rows::list),
    },
];

pub(super) async fn describe() -> Json<&'static Value> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Json(DOCUMENT.get_or_init(document))
}

/// The description as a document.
pub fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let problem = generator.subschema_for::<Refusal>();
    let paths: Map<String, Value> = PAGES
        .iter()
        .map(|page| {
            let parameters: Vec<Value> =
                page.parameters.iter().copied().flatten().map(|name| parameter(name)).collect();
            let answer = (page.answer)(&mut generator);
            let operation = json!({
                "summary": page.summary,
                "parameters": parameters,
                "responses": {
                    "200": {
                        "description": "The answer",
                        "content": { (page.media_type): { "schema": answer } },
                    },
                    "default": {
                        "description": "A refusal (RFC 9457)",
                        "content": { (ProblemDocument::MEDIA_TYPE): { "schema": problem } },
                    },
                },
            });
            (page.path.to_owned(), json!({ "get": operation }))
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Vantage",
            "version": "1",
            "description": "What readers may ask the aggregator. Conventions are in API.md.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "read token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{}, { "read token": [] }],
    })
}

fn parameter(name: &str) -> Value {
    let known = PARAMETERS.iter().find(|(known, _)| *known == name);
    json!({
        "name": name,
        "in": "query",
        "required": false,
        "description": known.map(|(_, meaning)| meaning),
        "schema": { "type": "string" },
    })
}

/// A problem document (RFC 9457).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used; the document itself is in the wire crate")]
struct Refusal {
    /// `/problems/` and a stable name.
    r#type: String,
    /// The same for people.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time, for people.
    detail: String,
}

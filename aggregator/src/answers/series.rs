//! What was measured, hour by hour or day by day, and altogether.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use vantage_wire::{
    Attribution, FailureCode, LatencyHistogram, MarketId, Phase, ServiceId, SiteId,
};

use super::error::AnswerError;
use super::probes::Probed;
use super::question::Question;
use super::rollups::{Blocks, Reading, Subject, date_of};
use super::scope::{Scope, Settled};
use super::sites;
use crate::analysis::{Block, BlockLength, Sample, View, failure_rate, quantile_us};
use crate::catalogue::Catalogue;
use crate::store::{Level, Store};

/// Most series that one page has.
pub const MOST_SERIES: usize = 50;

/// Which series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesQuery {
    /// When, which probes, markets and sites.
    pub scope: Scope,
    /// A service instead of sites.
    pub service: Option<ServiceId>,
    /// Hours or days.
    pub blocks: Option<BlockLength>,
    /// Goes on after this series: the `next` of the page before.
    pub cursor: Option<String>,
}

/// Whose series it is: of a site, or of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Whose {
    /// Seen from this market.
    pub market: MarketId,
    /// The site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
}

/// Latencies of attempts that completed the phase, and failures of those that did not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Attempts that speak about the site: completed, or failed by its fault or that of the way.
    pub attempts: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// `failed / attempts`, 0 to 1; `null` without attempts.
    pub failure_rate: Option<f64>,
    /// Attempts that say nothing, by the fault of agents or configuration.
    pub excused: u64,
    /// Share of the time that was measured, 0 to 1.
    pub coverage: Option<f64>,
    /// Median latency of the completed, in µs; `null` where there is none.
    pub p50_us: Option<f64>,
    /// 90th percentile, in µs.
    pub p90_us: Option<f64>,
    /// 95th percentile, in µs.
    pub p95_us: Option<f64>,
    /// 99th percentile, in µs.
    pub p99_us: Option<f64>,
    /// 95th percentile of all attempts in µs, a failed one counted as its timeout.
    pub p95_with_failures_us: Option<f64>,
}

impl From<&Sample> for Summary {
    fn from(sample: &Sample) -> Self {
        let quantile = |quantile| quantile_us([sample.latencies()], quantile);
        Self {
            attempts: sample.attempts(),
            failed: sample.failed(),
            failure_rate: failure_rate(sample),
            excused: sample.excused(),
            coverage: sample.coverage(),
            p50_us: quantile(0.5),
            p90_us: quantile(0.9),
            p95_us: quantile(0.95),
            p99_us: quantile(0.99),
            p95_with_failures_us: quantile_us([sample.latencies(), sample.penalties()], 0.95),
        }
    }
}

/// One hour or one local day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    /// When it starts.
    pub start: Timestamp,
    /// What was measured in it.
    #[serde(flatten)]
    pub summary: Summary,
}

/// One series over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Whose it is.
    #[serde(flatten)]
    pub whose: Whose,
    /// Hours or days that have data, in their order.
    pub points: Vec<Point>,
}

/// A page of series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesAnswer {
    /// What was asked.
    pub question: Question,
    /// By market, then site or service.
    pub series: Vec<Series>,
    /// The `cursor` of the next page; `null` on the last page.
    pub next: Option<String>,
}

/// The attempts that failed in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureTotal {
    /// In which phase.
    pub phase: Phase,
    /// Why.
    pub code: FailureCode,
    /// Whom it is laid to: `target`, `path`, `resolver`, `agent`, `config`, `unknown`.
    pub attribution: String,
    /// How many.
    pub count: u64,
}

/// All of a range in one histogram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistogramDocument {
    /// Whose it is.
    #[serde(flatten)]
    pub whose: Whose,
    /// Its main figures.
    #[serde(flatten)]
    pub summary: Summary,
    /// Every failure, by phase and code.
    pub failures: Vec<FailureTotal>,
    /// Latencies of the completed attempts: `HdrHistogram` V2 encoding (µs, 3 digits) in base64.
    pub histogram: String,
}

/// The histograms of a range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HistogramsAnswer {
    /// What was asked.
    pub question: Question,
    /// By market, then site or service.
    pub histograms: Vec<HistogramDocument>,
}

/// What was read for a query.
struct Measured {
    question: Question,
    subjects: BTreeMap<(MarketId, Subject), Blocks>,
}

async fn measure(
    store: &Store,
    catalogue: &Catalogue,
    query: &SeriesQuery,
    now: Timestamp,
    level: Level,
) -> Result<Measured, AnswerError> {
    let settled: Settled = query.scope.settle(catalogue, now)?;
    let targets = sites::targets_of_service_or(catalogue, query.service.as_ref(), &settled.sites)?;
    let probed = Probed::choose(catalogue, &targets, settled.probe.as_ref(), settled.phase)?;
    let reading =
        Reading::read(store, catalogue, level, &settled.range, &probed, &settled.markets).await?;
    let wanted: BTreeSet<_> = targets.into_values().collect();
    let subjects = reading.blocks.into_iter().flat_map(|(market, subjects)| {
        subjects.into_iter().map(move |(subject, blocks)| ((market.clone(), subject), blocks))
    });
    Ok(Measured {
        question: Question::new(&settled, &probed, level),
        subjects: subjects.filter(|((_, subject), _)| wanted.contains(subject)).collect(),
    })
}

fn whose(market: &MarketId, subject: &Subject) -> Whose {
    let (site, service) = match subject {
        Subject::Site(site) => (Some(site.clone()), None),
        Subject::Service(service) => (None, Some(service.clone())),
    };
    Whose { market: market.clone(), site, service }
}

fn cursor(market: &MarketId, subject: &Subject) -> String {
    match subject {
        Subject::Site(site) => format!("{market}/site/{site}"),
        Subject::Service(service) => format!("{market}/service/{service}"),
    }
}

fn parse_cursor(text: &str) -> Result<(MarketId, Subject), AnswerError> {
    let parse = || {
        let (market, rest) = text.split_once('/')?;
        let subject = match rest.split_once('/')? {
            ("site", id) => Subject::Site(id.parse().ok()?),
            ("service", id) => Subject::Service(id.parse().ok()?),
            _ => return None,
        };
        Some((market.parse().ok()?, subject))
    };
    let message = || format!("cursor={text:?} is not the `next` of a page");
    parse().ok_or_else(|| AnswerError::Senseless(message()))
}

/// When a block starts.
fn start_of(block: Block, length: BlockLength, zone: &TimeZone) -> Timestamp {
    let start = match length {
        BlockLength::Hour => Timestamp::from_second(block.0.saturating_mul(3600)).ok(),
        BlockLength::Day => {
            date_of(block.0).to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
        }
    };
    // Roll-ups are within the years that have a calendar.
    start.unwrap_or_default()
}

/// Series over time, at most [`MOST_SERIES`] at once.
///
/// # Errors
///
/// [`AnswerError`] where the query makes no sense or the store cannot be read.
pub async fn series(
    store: &Store,
    catalogue: &Catalogue,
    query: &SeriesQuery,
    now: Timestamp,
) -> Result<SeriesAnswer, AnswerError> {
    let length = query.blocks.unwrap_or(BlockLength::Hour);
    let level = match length {
        BlockLength::Hour => Level::Hour,
        BlockLength::Day => Level::Day,
    };
    let Measured { question, subjects } = measure(store, catalogue, query, now, level).await?;
    let after = query.cursor.as_deref().map(parse_cursor).transpose()?;
    let begin = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = subjects.range((begin, Bound::Unbounded));
    let mut page = Vec::new();
    let mut last = String::new();
    for ((market, subject), blocks) in rest.by_ref().take(MOST_SERIES) {
        let zone = catalogue.markets.get(market).map_or(TimeZone::UTC, |m| m.time_zone.clone());
        let point = |(block, sample): (&Block, &Sample)| Point {
            start: start_of(*block, length, &zone),
            summary: sample.into(),
        };
        let points = blocks.iter().map(point).collect();
        page.push(Series { whose: whose(market, subject), points });
        last = cursor(market, subject);
    }
    let next = rest.next().map(|_| last);
    Ok(SeriesAnswer { question, series: page, next })
}

/// All of a range in one histogram for each market and site, or service.
///
/// # Errors
///
/// [`AnswerError`] where the query makes no sense or the store cannot be read.
pub async fn histograms(
    store: &Store,
    catalogue: &Catalogue,
    query: &SeriesQuery,
    now: Timestamp,
) -> Result<HistogramsAnswer, AnswerError> {
    let level = match query.blocks.unwrap_or(BlockLength::Day) {
        BlockLength::Hour => Level::Hour,
        BlockLength::Day => Level::Day,
    };
    let Measured { question, subjects } = measure(store, catalogue, query, now, level).await?;
    let histograms = subjects
        .into_iter()
        .map(|((market, subject), blocks)| {
            let view = View::new(blocks)?;
            Ok(document(whose(&market, &subject), view.total()))
        })
        .collect::<Result<_, AnswerError>>()?;
    Ok(HistogramsAnswer { question, histograms })
}

fn document(whose: Whose, total: &Sample) -> HistogramDocument {
    let failures = total.failures().iter().map(|((phase, code), count)| FailureTotal {
        phase: *phase,
        code: *code,
        attribution: Attribution::name(code.attribution()).to_owned(),
        count: *count,
    });
    HistogramDocument {
        whose,
        summary: total.into(),
        failures: failures.collect(),
        histogram: STANDARD.encode(LatencyHistogram::encode(total.latencies())),
    }
}

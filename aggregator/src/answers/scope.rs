//! What a question is about: time, probes, markets, sites.

use std::time::Duration;

use jiff::Timestamp;
use vantage_wire::{MarketId, Phase, SiteId};

use super::error::{AnswerError, unknown};
use super::moment::{Moment, Range};
use super::names::Names;
use super::parameters::Parameters;
use super::probes::ProbeChoice;
use crate::catalogue::{Catalogue, Score, parse_span};

/// What a question is about, as arguments of a command or as the query of a URL.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct Scope {
    /// The time up to now: 12h, 30d. In whole days of each market, or in hours where there are fewer
    /// than three of them. [default: 30d]
    #[arg(long, value_name = "SPAN", conflicts_with_all = ["from", "to"])]
    pub last: Option<String>,
    /// The first date, 2026-03-01, which begins at midnight in each market, or an instant,
    /// 2026-03-01T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub from: Option<Moment>,
    /// The end, not included: a date or an instant. [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<Moment>,
    /// Which probes: a kind (icmp, tcp, tls, http, dns, quic), or the id of a probe. [default: the
    /// kind that most sites have, http first]
    #[arg(long, value_name = "PROBE")]
    pub probe: Option<ProbeChoice>,
    /// Which phase: dns, connect, tls, request, transfer, total, rtt. [default: total, or rtt of icmp]
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<Phase>,
    /// What sites are ordered by: p95 or another percentile, or mean. [default: that of the
    /// catalogue's objective]
    #[arg(long, value_name = "SCORE", visible_alias = "score")]
    pub quantile: Option<Score>,
    /// Only these markets, divided by commas.
    #[arg(long, value_name = "MARKETS")]
    pub market: Option<Names<MarketId>>,
    /// Only these sites, divided by commas.
    #[arg(long, value_name = "SITES")]
    pub site: Option<Names<SiteId>>,
}

/// A scope with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// When.
    pub range: Range,
    /// Which probes; `None`: to be chosen among those of the targets asked about.
    pub probe: Option<ProbeChoice>,
    /// Which phase; `None`: that of the outcome.
    pub phase: Option<Phase>,
    /// What sites are ordered by.
    pub score: Score,
    /// The markets, all of which the catalogue has.
    pub markets: Vec<MarketId>,
    /// The sites, all of which the catalogue has.
    pub sites: Vec<SiteId>,
}

/// How much is looked at where nothing is said.
const USUAL_SPAN: Duration = Duration::from_hours(30 * 24);

impl Scope {
    /// Takes its parameters out of a query.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Senseless`] for a value that does not parse.
    pub fn take_from(parameters: &mut Parameters) -> Result<Self, AnswerError> {
        Ok(Self {
            last: parameters.take("last")?,
            from: parameters.take("from")?,
            to: parameters.take("to")?,
            probe: parameters.take("probe")?,
            phase: parameters.take("phase")?,
            quantile: parameters.take("quantile")?,
            market: parameters.take("market")?,
            site: parameters.take("site")?,
        })
    }

    /// Puts its parameters into a query.
    pub fn put_into(&self, parameters: &mut Parameters) {
        parameters.put("last", self.last.as_ref());
        parameters.put("from", self.from.as_ref());
        parameters.put("to", self.to.as_ref());
        parameters.put("probe", self.probe.as_ref());
        parameters.put("phase", self.phase.as_ref());
        parameters.put("quantile", self.quantile.as_ref());
        parameters.put("market", self.market.as_ref());
        parameters.put("site", self.site.as_ref());
    }

    /// With the defaults of a catalogue.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Unknown`] for names that the catalogue does not have,
    /// [`AnswerError::Senseless`] for times that make no range.
    pub fn settle(&self, catalogue: &Catalogue, now: Timestamp) -> Result<Settled, AnswerError> {
        let range = match (&self.last, self.from, self.to) {
            (None, None, None) => Range::last(USUAL_SPAN, now),
            (Some(last), None, None) => Range::last(positive_span(last)?, now),
            (None, Some(from), to) => Range::between(from, to.unwrap_or(Moment::Instant(now)))?,
            (Some(_), ..) => {
                let message = "`last` goes without `from` and `to`".to_owned();
                return Err(AnswerError::Senseless(message));
            }
            (None, None, Some(_)) => {
                return Err(AnswerError::Senseless("`to` needs `from`".to_owned()));
            }
        };
        let markets = chosen("market", self.market.as_ref(), &catalogue.markets)?;
        let sites = chosen("site", self.site.as_ref(), &catalogue.sites)?;
        let score = self.quantile.unwrap_or(catalogue.objective.score);
        Ok(Settled { range, probe: self.probe.clone(), phase: self.phase, score, markets, sites })
    }
}

fn positive_span(text: &str) -> Result<Duration, AnswerError> {
    parse_span(text).filter(|span| !span.is_zero()).ok_or_else(|| {
        let message = format!("{text:?} is no span; write a whole number and m, h or d: 30d");
        AnswerError::Senseless(message)
    })
}

/// The names that are asked for, which must be known, or all.
fn chosen<T, V>(
    what: &'static str,
    asked: Option<&Names<T>>,
    known: &std::collections::BTreeMap<T, V>,
) -> Result<Vec<T>, AnswerError>
where
    T: Ord + Clone + AsRef<str>,
{
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else {
        return Ok(known.keys().cloned().collect());
    };
    for name in &asked.0 {
        if !known.contains_key(name) {
            return Err(unknown(what, name.as_ref(), known.keys().map(AsRef::as_ref)));
        }
    }
    Ok(asked.0.iter().cloned().collect())
}

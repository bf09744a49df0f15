//! What fails where, and how.

use serde::Serialize;
use vantage_aggregator::answers::HistogramsAnswer;
use vantage_wire::{FailureCode, MarketId, Phase, SiteId};

use super::paint::Paint;

/// Less is not worth a line: one attempt in two hundred.
const LEAST: f64 = 0.005;

/// A kind of failure at a site, as seen from a market.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failing {
    /// Seen from here.
    pub market: MarketId,
    /// When asked of there.
    pub site: SiteId,
    /// In which phase.
    pub phase: Phase,
    /// Why.
    pub code: FailureCode,
    /// Share of the attempts, 0 to 1.
    pub share: f64,
}

impl Failing {
    /// All that are worth a line.
    pub fn of(answer: &HistogramsAnswer) -> Vec<Self> {
        let mut failing = Vec::new();
        for document in &answer.histograms {
            let Some(site) = &document.whose.site else { continue };
            for failure in &document.failures {
                let share = failure.count as f64 / document.summary.attempts.max(1) as f64;
                if share >= LEAST && failure.code.attribution().counts_against_site() {
                    failing.push(Self {
                        market: document.whose.market.clone(),
                        site: site.clone(),
                        phase: failure.phase,
                        code: failure.code,
                        share,
                    });
                }
            }
        }
        failing
    }
}

/// In lines; nothing where nothing fails.
pub fn failing(all: &[Failing], paint: Paint) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut text = "\nwhat fails, of all attempts\n".to_owned();
    for Failing { market, site, phase, code, share } in all {
        let percent = share * 100.0;
        let code = paint.bad(&code.to_string());
        text += &format!("  {market} to {site}: {percent:.1} % {code} in {phase}\n");
    }
    text
}

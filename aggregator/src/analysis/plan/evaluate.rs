//! What a given set of sites comes to, with margins.

use vantage_wire::{MarketId, SiteId};

use super::document::{Difference, Figure, SecondChoice, Served, WorstServed};
use super::question::{Question, Rules};
use crate::analysis::{CONFIDENCE, Replicates, Verdict};

/// A question with its rules, to evaluate sets by.
pub(super) struct Evaluation<'a> {
    pub question: Question<'a>,
    pub rules: &'a Rules,
}

impl<'a> Evaluation<'a> {
    /// The sites of a set that can serve a market, best first; among equals by id.
    pub(super) fn choices(
        &self,
        market: &MarketId,
        set: &[SiteId],
    ) -> Vec<(&'a SiteId, &'a Replicates)> {
        let question: Question<'a> = self.question;
        let scores = question.scores.get(market).into_iter().flatten();
        let mut choices: Vec<_> = scores
            .filter(|(site, score)| {
                set.contains(site)
                    && self.rules.serves(&question, market, site)
                    && super::question::is_score(score.all)
            })
            .collect();
        choices.sort_by(|a, b| a.1.all.total_cmp(&b.1.all).then(a.0.cmp(b.0)));
        choices
    }

    /// `Σ weight · score`, weights adding up to 1, with each market at its best site of the set in
    /// each replicate.
    pub(super) fn objective(&self, set: &[SiteId]) -> Replicates {
        let parts: Vec<(f64, Replicates)> = self
            .question
            .markets
            .iter()
            .filter_map(|(id, market)| {
                let best = self
                    .choices(id, set)
                    .into_iter()
                    .map(|(_, score)| score.clone())
                    .reduce(|best, score| best.combine(&score, f64::min))?;
                Some((self.question.share(market), best))
            })
            .collect();
        Replicates::sum(parts.iter().map(|(share, score)| (*share, score)))
    }

    /// What the sites cost per month; `None` where a cost is not known.
    pub(super) fn cost(&self, set: &[SiteId]) -> Option<f64> {
        set.iter().map(|site| self.question.cost(site)).sum()
    }

    /// From where a market is served; `None` where nothing can serve it.
    pub(super) fn served(&self, market: &MarketId, set: &[SiteId]) -> Option<Served> {
        let choices = self.choices(market, set);
        let ((site, best), others) = choices.split_first()?;
        let second = others.first();
        let alike = others
            .iter()
            .filter(|(_, other)| self.difference(other, best).verdict != Verdict::Worse);
        Some(Served {
            share: self.question.share(self.question.markets.get(market)?),
            site: (*site).clone(),
            score: figure(best),
            second: second
                .map(|(site, score)| SecondChoice { site: (*site).clone(), score: figure(score) }),
            not_distinguishable: alike.map(|(site, _)| (*site).clone()).collect(),
        })
    }

    /// The market that a set serves worst; among equals the first by id.
    pub(super) fn worst(&self, set: &[SiteId]) -> Option<WorstServed> {
        let markets = self.question.markets.keys();
        let served = markets.filter_map(|market| {
            let (site, score) = self.choices(market, set).into_iter().next()?;
            Some((market, site, score.all))
        });
        let worst = served.reduce(|worst, next| if next.2 > worst.2 { next } else { worst })?;
        let (market, site, score_us) = worst;
        Some(WorstServed { market: market.clone(), site: site.clone(), score_us })
    }

    /// One beside another, date by date.
    pub(super) fn difference(&self, one: &Replicates, other: &Replicates) -> Difference {
        let difference = one.combine(other, |one, other| one - other);
        let threshold = self.question.threshold().beside(other.all.min(one.all));
        Difference {
            value_us: difference.all,
            interval_us: figure(&difference).interval_us,
            verdict: difference
                .estimate()
                .map_or(Verdict::Undersampled, |estimate| Verdict::of(&estimate, threshold)),
        }
    }
}

pub(super) fn figure(replicates: &Replicates) -> Figure {
    Figure {
        value_us: replicates.all,
        interval_us: replicates.estimate().map(|estimate| estimate.interval(CONFIDENCE)),
    }
}

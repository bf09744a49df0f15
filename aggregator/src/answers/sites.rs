//! The samples of sites that most questions begin with.

use std::collections::BTreeMap;

use vantage_wire::histogram::CountOverflow;
use vantage_wire::{MarketId, SiteId, TargetId};

use super::error::AnswerError;
use super::probes::Probed;
use super::rollups::{Reading, Subject};
use super::scope::Settled;
use crate::analysis::{Threshold, View};
use crate::catalogue::Catalogue;
use crate::store::{Level, Store};

/// Fewer whole days than this, and a question is answered by hours.
const FEWEST_DAYS: usize = 3;

/// What was measured at sites.
#[derive(Clone, Debug)]
pub(super) struct SiteReading {
    pub(super) probed: Probed,
    /// Days, or hours where no market asked about has three days.
    pub(super) level: Level,
    pub(super) reading: Reading,
}

/// The targets that tell about sites.
pub(super) fn targets(catalogue: &Catalogue, sites: &[SiteId]) -> BTreeMap<TargetId, Subject> {
    let subjects = catalogue.targets.iter().map(|(id, target)| (id.clone(), (&target.of).into()));
    subjects
        .filter(|(_, subject)| matches!(subject, Subject::Site(site) if sites.contains(site)))
        .collect()
}

impl SiteReading {
    /// Reads what the settled question is about.
    pub(super) async fn read(
        store: &Store,
        catalogue: &Catalogue,
        settled: &Settled,
    ) -> Result<Self, AnswerError> {
        let targets = targets(catalogue, &settled.sites);
        let probed = Probed::choose(catalogue, &targets, settled.probe.as_ref(), settled.phase)?;
        let read = async |level| {
            Reading::read(store, catalogue, level, &settled.range, &probed, &settled.markets).await
        };
        let days = read(Level::Day).await?;
        let enough = settled.markets.iter().any(|market| days.count_blocks(market) >= FEWEST_DAYS);
        let (level, reading) =
            if enough { (Level::Day, days) } else { (Level::Hour, read(Level::Hour).await?) };
        Ok(Self { probed, level, reading })
    }

    /// By market and site, as far as there is anything.
    pub(super) fn into_views(
        self,
    ) -> Result<BTreeMap<MarketId, BTreeMap<SiteId, View>>, CountOverflow> {
        let markets = self.reading.blocks.into_iter();
        markets
            .map(|(market, subjects)| {
                let sites = subjects.into_iter().filter_map(|(subject, blocks)| match subject {
                    Subject::Site(site) => Some(View::new(blocks).map(|view| (site, view))),
                    Subject::Service(_) => None,
                });
                Ok((market, sites.collect::<Result<_, _>>()?))
            })
            .collect()
    }
}

/// From what on a difference of scores matters.
pub(super) fn threshold(catalogue: &Catalogue) -> Threshold {
    let objective = &catalogue.objective;
    Threshold {
        absolute_us: objective.threshold.as_secs_f64() * 1e6,
        relative: objective.threshold_percent / 100.0,
    }
}

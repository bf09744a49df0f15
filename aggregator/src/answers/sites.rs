//! The samples of sites that most questions begin with.

use std::collections::BTreeMap;

use vantage_wire::histogram::CountOverflow;
use vantage_wire::{MarketId, ServiceId, SiteId, TargetId};

use super::error::{AnswerError, unknown};
use super::probes::Probed;
use super::rollups::{Reading, Subject};
use super::scope::Settled;
use crate::analysis::{Threshold, View};
use crate::catalogue::Catalogue;
use crate::parallel;
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

/// By market and site, as far as there is anything.
pub(super) type Views = BTreeMap<MarketId, BTreeMap<SiteId, View>>;

/// The targets that tell about sites.
pub(super) fn targets(catalogue: &Catalogue, sites: &[SiteId]) -> BTreeMap<TargetId, Subject> {
    targets_of(catalogue, |subject| matches!(subject, Subject::Site(site) if sites.contains(site)))
}

/// The targets that tell about a service, or about sites where none is named.
///
/// # Errors
///
/// [`AnswerError::Unknown`] for a service that the catalogue does not have.
pub(super) fn targets_of_service_or(
    catalogue: &Catalogue,
    service: Option<&ServiceId>,
    sites: &[SiteId],
) -> Result<BTreeMap<TargetId, Subject>, AnswerError> {
    let Some(service) = service else { return Ok(targets(catalogue, sites)) };
    known_service(catalogue, service)?;
    Ok(service_targets(catalogue, service))
}

/// The targets that tell about a service.
pub(super) fn service_targets(
    catalogue: &Catalogue,
    service: &ServiceId,
) -> BTreeMap<TargetId, Subject> {
    targets_of(catalogue, |subject| matches!(subject, Subject::Service(of) if of == service))
}

/// Whether the catalogue has a service.
///
/// # Errors
///
/// [`AnswerError::Unknown`] where it has not.
pub(super) fn known_service(catalogue: &Catalogue, service: &ServiceId) -> Result<(), AnswerError> {
    if catalogue.services.contains_key(service) {
        return Ok(());
    }
    let known = catalogue.services.keys().map(ServiceId::as_str);
    Err(unknown("service", service.as_str(), known))
}

fn targets_of(
    catalogue: &Catalogue,
    wanted: impl Fn(&Subject) -> bool,
) -> BTreeMap<TargetId, Subject> {
    let subjects = catalogue.targets.iter().map(|(id, target)| (id.clone(), (&target.of).into()));
    subjects.filter(|(_, subject)| wanted(subject)).collect()
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

    /// Does something with what was measured, by market and site, beside the event loop: adding up a
    /// year takes long enough to be in the way of other tasks.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where counts do not fit.
    pub(super) async fn with_views<T: Send + 'static>(
        self,
        work: impl FnOnce(Views) -> T + Send + 'static,
    ) -> Result<T, AnswerError> {
        let working = tokio::task::spawn_blocking(move || Ok(work(self.into_views()?)));
        working.await.map_err(AnswerError::stopped)?
    }

    fn into_views(self) -> Result<Views, CountOverflow> {
        let markets = self.reading.blocks.into_iter().collect();
        let viewed = parallel::map(markets, |(market, subjects): (_, BTreeMap<_, _>)| {
            let sites = subjects.into_iter().filter_map(|(subject, blocks)| match subject {
                Subject::Site(site) => Some(View::new(blocks).map(|view| (site, view))),
                Subject::Service(_) => None,
            });
            Ok((market, sites.collect::<Result<_, _>>()?))
        });
        viewed.into_iter().collect()
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

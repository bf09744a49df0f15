//! The series of one market that are compared, over the same hours.

use vantage_wire::SiteId;
use vantage_wire::histogram::CountOverflow;

use super::measure::Measure;
use super::paired::{Paired, SideViews};
use super::settings::{ComparisonSettings, Hours, MarketHours};
use super::sufficiency::is_well_measured;
use crate::catalogue::Score;

/// The service and the controls of one market, on both sides.
pub(super) struct Compared<'a> {
    pub service: &'a Hours,
    pub controls: Vec<(&'a SiteId, &'a Hours)>,
    pub paired: Paired,
    pub before: SideViews,
    pub after: SideViews,
}

impl<'a> Compared<'a> {
    /// Chooses the controls that were measured well enough, and matches the hours that the service
    /// and all of them have.
    pub fn new(
        market: &'a MarketHours,
        settings: &ComparisonSettings,
        caveats: &mut Vec<String>,
    ) -> Result<Self, CountOverflow> {
        let service = &market.service;
        let pair = |controls: &[(&SiteId, &'a Hours)]| {
            let mut series = vec![service];
            series.extend(controls.iter().map(|(_, hours)| *hours));
            Paired::new(&series, &series, &settings.periods, &market.time_zone)
        };
        let possible = pair(&[]).hours.before.len();
        let mut controls = Vec::new();
        for (site, hours) in &market.controls {
            match unfit(hours, &pair(&[(site, hours)]), possible, settings.score)? {
                None => controls.push((site, hours)),
                Some(reason) => caveats.push(format!("{site} is no control: {reason}")),
            }
        }
        if controls.is_empty() {
            caveats.push(
                "no control site was measured: a change that all sites saw would be taken for the \
                 migration's"
                    .to_owned(),
            );
        }
        let paired = pair(&controls);
        let series: Vec<_> = controls.iter().map(|(_, hours)| *hours).collect();
        let before = paired.views(service, &series, &paired.hours.before)?;
        let after = paired.views(service, &series, &paired.hours.after)?;
        Ok(Self { service, controls, paired, before, after })
    }
}

/// Why a site is not fit to be a control, if it is not.
fn unfit(
    control: &Hours,
    with_service: &Paired,
    possible: usize,
    score: Score,
) -> Result<Option<String>, CountOverflow> {
    let hours = &with_service.hours;
    let measured = hours.before.len();
    if measured == 0 || !is_well_measured(measured, possible) {
        return Ok(Some(format!(
            "it was measured in {measured} of the {possible} hours that are compared on each side"
        )));
    }
    for (name, side) in [("before", &hours.before), ("after", &hours.after)] {
        if Measure::Score(score).of(&with_service.view(control, side)?).is_none() {
            return Ok(Some(format!("{name}, its score hangs on a single day, or it has none")));
        }
    }
    Ok(None)
}

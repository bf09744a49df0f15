//! Reading roll-ups as samples by market, subject and block.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use vantage_wire::report::Family;
use vantage_wire::{
    LatencyHistogram, MarketId, ProbeId, ServiceId, SiteId, TargetId, UtcMicros, VantageId,
};

use super::error::AnswerError;
use super::moment::Range;
use super::probes::Probed;
use crate::analysis::{Block, Sample, concerns};
use crate::catalogue::{Catalogue, TargetOf};
use crate::parallel;
use crate::store::{Level, Rollup, RollupQuery, Store, StoreError};

/// What a target tells about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A hosting location.
    Site(SiteId),
    /// A service, wherever it is.
    Service(ServiceId),
}

impl From<&TargetOf> for Subject {
    fn from(of: &TargetOf) -> Self {
        match of {
            TargetOf::Site(site) => Self::Site(site.clone()),
            TargetOf::Service(service) => Self::Service(service.clone()),
        }
    }
}

/// Samples by block, as far as there are any.
pub type Blocks = BTreeMap<Block, Sample>;

/// What was read: samples, and who measured them.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// By market and subject.
    pub blocks: BTreeMap<MarketId, BTreeMap<Subject, Blocks>>,
    /// The vantage points that contributed, by market.
    pub vantages: BTreeMap<MarketId, BTreeSet<VantageId>>,
    /// The longest window of each market that has one longer than an hour, in seconds.
    pub coarse_s: BTreeMap<MarketId, u64>,
}

const DAY_S: u64 = 86_400;
const HOUR_S: u64 = 3_600;

/// Which blocks of a market are read, and how long each is.
struct Grid {
    level: Level,
    zone: TimeZone,
    /// The numbers of the blocks in the range.
    blocks: std::ops::Range<i64>,
}

impl Grid {
    fn new(level: Level, range: &Range, zone: &TimeZone) -> Self {
        let blocks = match level {
            Level::Hour => range.hours(zone),
            Level::Day => {
                let dates = range.dates(zone);
                day_number(dates.start)..day_number(dates.end)
            }
        };
        Self { level, zone: zone.clone(), blocks }
    }

    /// The block that starts at this second, where it is in the range.
    fn block(&self, start_unix_s: i64) -> Option<i64> {
        let number = match self.level {
            Level::Hour => start_unix_s.div_euclid(3600),
            Level::Day => {
                let start = Timestamp::from_second(start_unix_s).ok()?;
                day_number(start.to_zoned(self.zone.clone()).date())
            }
        };
        self.blocks.contains(&number).then_some(number)
    }

    const fn block_s(&self) -> u64 {
        match self.level {
            Level::Hour => HOUR_S,
            Level::Day => DAY_S,
        }
    }

    /// When the range begins and ends, generously: what lies outside is left out by its block.
    fn seconds(&self) -> std::ops::Range<i64> {
        let length = self.block_s().cast_signed();
        let slack = 2 * DAY_S.cast_signed();
        self.blocks.start.saturating_mul(length).saturating_sub(slack)
            ..self.blocks.end.saturating_mul(length).saturating_add(slack)
    }
}

/// The number of a date, counted from 1970-01-01.
pub(super) fn day_number(date: Date) -> i64 {
    // Of two dates, the span is in days.
    (date - EPOCH).get_days().into()
}

/// The date with a number; far dates are the last there is.
pub(super) fn date_of(number: i64) -> Date {
    i32::try_from(number).map_or(Date::MAX, |days| EPOCH.saturating_add(days.days()))
}

const EPOCH: Date = Date::constant(1970, 1, 1);

impl Reading {
    /// Reads one level of the probes chosen, of the markets named, by local days or by hours.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] where the store cannot be read, or counts do not fit.
    pub async fn read(
        store: &Store,
        catalogue: &Catalogue,
        level: Level,
        range: &Range,
        probed: &Probed,
        markets: &[MarketId],
    ) -> Result<Self, AnswerError> {
        let grids: BTreeMap<MarketId, Grid> = catalogue
            .markets
            .iter()
            .filter(|(id, _)| markets.contains(id))
            .map(|(id, market)| (id.clone(), Grid::new(level, range, &market.time_zone)))
            .collect();
        let market_of: BTreeMap<VantageId, MarketId> = store
            .vantages()
            .await?
            .into_iter()
            .map(|agent| (agent.registration.vantage, agent.registration.market))
            .filter(|(_, market)| grids.contains_key(market))
            .collect();
        let spans = grids.values().map(Grid::seconds);
        let bounds = spans.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end));
        let Some(bounds) = bounds.filter(|_| !market_of.is_empty() && !probed.probes.is_empty())
        else {
            return Ok(Self::default());
        };
        let time = |second, otherwise| UtcMicros::from_unix_seconds(second).unwrap_or(otherwise);
        let query = RollupQuery {
            vantages: market_of.keys().cloned().collect(),
            targets: unique(probed.probes.iter().map(|(target, _)| target)),
            probes: unique(probed.probes.iter().map(|(_, probe)| probe)),
            phase: Some(probed.phase),
            from: time(bounds.start, UtcMicros::new(i64::MIN)),
            to: time(bounds.end, UtcMicros::new(i64::MAX)),
        };
        let rollups = store.rollups(level, &query).await?;
        let subjects = catalogue.targets.iter();
        let gathering = Gathering {
            probed: probed.clone(),
            subjects: subjects.map(|(id, target)| (id.clone(), (&target.of).into())).collect(),
            grids,
            market_of,
        };
        // Decoding a year of histograms takes long enough to be in the way of other tasks.
        let gathered = tokio::task::spawn_blocking(move || gathering.gather(&rollups));
        gathered.await.map_err(AnswerError::stopped)?
    }

    /// How many blocks a market has, of whatever subject.
    pub fn count_blocks(&self, market: &MarketId) -> usize {
        let blocks = self.blocks.get(market).into_iter().flat_map(BTreeMap::values);
        blocks.flat_map(BTreeMap::keys).collect::<BTreeSet<_>>().len()
    }
}

fn unique<'a, T: Ord + Clone + 'a>(names: impl Iterator<Item = &'a T>) -> Vec<T> {
    names.collect::<BTreeSet<_>>().into_iter().cloned().collect()
}

/// What is needed to turn roll-ups into samples.
struct Gathering {
    probed: Probed,
    subjects: BTreeMap<TargetId, Subject>,
    grids: BTreeMap<MarketId, Grid>,
    market_of: BTreeMap<VantageId, MarketId>,
}

/// What is one series to the reader, though its interval or timeout may have changed on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeriesName<'a> {
    pub(super) vantage: &'a VantageId,
    pub(super) target: &'a TargetId,
    pub(super) probe: &'a ProbeId,
    family: Family,
    warm: bool,
}

/// Roll-ups of several series.
type SeriesOf<'a> = Vec<(SeriesName<'a>, Vec<&'a Rollup>)>;

/// What the series of one market tell.
#[derive(Default)]
struct Gathered {
    subjects: BTreeMap<Subject, Blocks>,
    vantages: BTreeSet<VantageId>,
    /// Of a window.
    longest_s: u64,
}

/// Roll-ups of the probes chosen, by series.
pub(super) fn series_of<'a>(
    rollups: &'a [Rollup],
    probed: &Probed,
) -> BTreeMap<SeriesName<'a>, Vec<&'a Rollup>> {
    let mut series: BTreeMap<SeriesName<'_>, Vec<&Rollup>> = BTreeMap::new();
    for rollup in rollups {
        let key = &rollup.probe;
        let (target, probe, family, warm) = (&key.target, &key.probe, key.family, key.warm);
        let name = SeriesName { vantage: &rollup.vantage, target, probe, family, warm };
        series.entry(name).or_default().push(rollup);
    }
    series.retain(|name, _| probed.probes.contains(&(name.target.clone(), name.probe.clone())));
    series
}

/// The latencies of a roll-up; `None` where the phase that was read has no sample.
///
/// # Errors
///
/// [`StoreError::Corrupt`] for bytes that are no histogram.
pub(super) fn latencies(rollup: &Rollup) -> Result<Option<LatencyHistogram>, StoreError> {
    let corrupt = |_| StoreError::Corrupt { table: "rollup_phases", column: "histogram" };
    let bytes = rollup.histogram.as_deref();
    bytes.map(|bytes| LatencyHistogram::decode(bytes).map_err(corrupt)).transpose()
}

impl Gathering {
    fn gather(&self, rollups: &[Rollup]) -> Result<Reading, AnswerError> {
        let mut markets: BTreeMap<&MarketId, SeriesOf<'_>> = BTreeMap::new();
        for (series, rollups) in series_of(rollups, &self.probed) {
            let Some(market) = self.market_of.get(series.vantage) else { continue };
            markets.entry(market).or_default().push((series, rollups));
        }
        let gathered = parallel::map(markets.into_iter().collect(), |(market, series)| {
            self.gather_market(market, series).map(|gathered| (market, gathered))
        });
        let mut reading = Reading::default();
        for gathered in gathered {
            let (market, Gathered { subjects, vantages, longest_s }) = gathered?;
            reading.blocks.insert(market.clone(), subjects);
            if !vantages.is_empty() {
                reading.vantages.insert(market.clone(), vantages);
            }
            if longest_s > HOUR_S {
                reading.coarse_s.insert(market.clone(), longest_s);
            }
        }
        Ok(reading)
    }

    fn gather_market(
        &self,
        market: &MarketId,
        series: SeriesOf<'_>,
    ) -> Result<Gathered, AnswerError> {
        let mut gathered = Gathered::default();
        let Some(grid) = self.grids.get(market) else { return Ok(gathered) };
        for (SeriesName { vantage, target, .. }, rollups) in series {
            let Some(subject) = self.subjects.get(target) else { continue };
            let blocks = gathered.subjects.entry(subject.clone()).or_default();
            let Some(longest_s) = self.add(grid, &rollups, blocks)? else { continue };
            gathered.vantages.insert(vantage.clone());
            gathered.longest_s = gathered.longest_s.max(longest_s);
        }
        Ok(gathered)
    }

    /// Adds the roll-ups of one series; answers how long their longest window was, in seconds, or
    /// `None` where no roll-up was in the range.
    fn add(
        &self,
        grid: &Grid,
        rollups: &[&Rollup],
        blocks: &mut Blocks,
    ) -> Result<Option<u64>, AnswerError> {
        let mut present = BTreeSet::new();
        let mut longest_s = None;
        for rollup in rollups {
            let Some(block) = grid.block(rollup.start_unix_s) else { continue };
            let sample = blocks.entry(Block(block)).or_default();
            self.add_rollup(rollup, sample)?;
            present.insert(block);
            longest_s = longest_s.max(Some(rollup.longest_window_s));
        }
        // From the first block on, each should have been measured: a block without any window has
        // a sample, too, which says so.
        for block in present.first().map_or(0..0, |first| *first..grid.blocks.end) {
            blocks.entry(Block(block)).or_default().expected_s += grid.block_s();
        }
        Ok(longest_s)
    }

    fn add_rollup(&self, rollup: &Rollup, sample: &mut Sample) -> Result<(), AnswerError> {
        if let Some(latencies) = latencies(rollup)? {
            sample.add_latencies(&latencies)?;
        }
        for ((code, phase), row) in &rollup.failures {
            if concerns(*phase, self.probed.phase) {
                sample.add_failures(*phase, *code, row.count, rollup.probe.timeout)?;
            }
        }
        sample.covered_s = sample.covered_s.saturating_add(rollup.covered_s);
        Ok(())
    }
}

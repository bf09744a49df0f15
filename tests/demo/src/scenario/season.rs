//! The simulated weeks around the cutover.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use vantage_wire::report::{Family, ProbeKey, ProbeKind};
use vantage_wire::{
    FailureCode, MarketId, Micros, Phase, ProbeId, SiteId, TargetId, VantageId, WindowLength,
};
use vantage_world::season::{Leg, SeasonPath, SeasonSeries, SeasonVantage};

use super::{Probed, Scenario};

/// Seconds of a window.
pub const WINDOW: u32 = 600;
const DAY_S: i64 = 86_400;
/// Five attempts in each window.
const INTERVAL: Micros = Micros::from_secs(120);
const TIMEOUT: Micros = Micros::from_secs(5);
/// How much days, and attempts, differ: standard deviations of logarithms.
const DAY_SIGMA: f64 = 0.1;
const ATTEMPT_SIGMA: f64 = 0.3;
/// As the share of failures, whatever the weather: all.
const ALWAYS: f64 = 1e3;

/// When the weeks begin, when the services move, when the weeks end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Season {
    /// The first date.
    pub from: Date,
    /// The date of the cutover.
    pub cutover: Date,
    /// The date after the last.
    pub to: Date,
}

impl Season {
    /// What is simulated, in Unix seconds: a day more at each end, as the first and the last date of a
    /// market begin and end earlier or later than those of UTC.
    pub fn seconds(self) -> std::ops::Range<i64> {
        let start = |date: Date| {
            date.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_second())
        };
        start(self.from) - DAY_S..start(self.to) + DAY_S
    }

    /// The length of every window; `None` only where [`WINDOW`] is none.
    pub fn window() -> Option<WindowLength> {
        WindowLength::from_seconds(WINDOW).ok()
    }

    /// How many reports of a day each vantage point makes.
    pub fn days(self) -> u64 {
        let seconds = self.seconds();
        u64::try_from((seconds.end - seconds.start) / DAY_S).unwrap_or_default()
    }
}

impl Scenario {
    /// So many weeks, half of them before the cutover.
    ///
    /// # Errors
    /// Where the dates are out of what calendars have.
    pub fn season(&self, weeks: u16) -> Result<Season, jiff::Error> {
        let cutover = self.cutover().to_zoned(TimeZone::UTC).date();
        let half = jiff::Span::new().try_days(i64::from(weeks) * 7 / 2)?;
        Ok(Season { from: cutover.checked_sub(half)?, cutover, to: cutover.checked_add(half)? })
    }

    /// What a vantage point measures in the weeks.
    pub fn simulated(&self, vantage: &VantageId) -> Option<SeasonVantage> {
        let place = self.catalogue.vantages.keys().position(|id| id == vantage)?;
        let market = self.market_of(vantage)?;
        let mut series = Vec::new();
        for (target, probed) in self.targets() {
            match probed {
                Probed::Site(site) => {
                    let leg = |kind| self.leg(vantage, market, &site, kind);
                    let always = |kind| vec![(i64::MIN, leg(kind))];
                    let kinds =
                        [Some(ProbeKind::Http), self.file.probe_dns.then_some(ProbeKind::Dns)];
                    for kind in kinds.into_iter().flatten() {
                        series.push(SeasonSeries {
                            probe: probe(&target, kind)?,
                            legs: always(kind),
                        });
                    }
                }
                Probed::Service(service) => {
                    let [before, after] = self.served_from(&service, market)?;
                    let leg = |site| self.leg(vantage, market, site, ProbeKind::Http);
                    let cutover = self.cutover().as_second();
                    let legs = vec![(i64::MIN, leg(&before)), (cutover, leg(&after))];
                    series.push(SeasonSeries { probe: probe(&target, ProbeKind::Http)?, legs });
                }
            }
        }
        let seed = self.file.seed.wrapping_mul(1_000).wrapping_add(place as u64);
        Some(SeasonVantage { local_offset_s: self.ahead_of_utc_s(market), series, seed })
    }

    fn leg(&self, vantage: &VantageId, market: &MarketId, site: &SiteId, kind: ProbeKind) -> Leg {
        let (way, trouble) = (self.way(vantage, site.as_str()), self.trouble(site));
        let blocked = self.is_blocked(market, site);
        let failures = match kind {
            ProbeKind::Dns if blocked => vec![((Phase::Dns, FailureCode::DnsBogus), ALWAYS)],
            ProbeKind::Dns => Vec::new(),
            _ if blocked => vec![((Phase::Tls, FailureCode::TlsReset), ALWAYS)],
            _ => vec![((Phase::Tls, FailureCode::TlsReset), trouble.resets)],
        };
        let path = SeasonPath {
            floor_ms: way.least_ms,
            excess_ms: way.excess_ms(),
            evening: way.evening(),
            day_sigma: DAY_SIGMA,
            attempt_sigma: ATTEMPT_SIGMA,
            loss: trouble.loss,
            failures,
        };
        Leg { address: self.address(site.as_str()).into(), path }
    }
}

fn probe(target: &TargetId, kind: ProbeKind) -> Option<ProbeKey> {
    Some(ProbeKey {
        target: target.clone(),
        probe: ProbeId::new(&kind.to_string()).ok()?,
        kind,
        family: Family::Any,
        warm: false,
        interval: INTERVAL,
        timeout: TIMEOUT,
    })
}

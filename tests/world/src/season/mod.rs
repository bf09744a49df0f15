//! Simulated measurements of weeks: what agents would have reported, without the wait.
//!
//! A season knows paths, not packets: latencies around a level with better and worse days, busy
//! evenings and noise in which one window resembles the next, so that statistics meet what makes
//! them hard. The reports are in the agents' own format and go through the aggregator's own ingest.
//! Everything follows from the seed.

mod path;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use vantage_wire::failure::Detail;
use vantage_wire::report::{
    ClockOffset, EncodedHistogram, FailureCount, Health, ProbeKey, ProbeKind, Report, Software,
    Tally, WindowReport,
};
use vantage_wire::{
    BootId, FailureCode, LatencyHistogram, Micros, Phase, Sequence, VantageId, Window, WindowLength,
};

pub use path::SeasonPath;
use path::Weather;

/// What one vantage point measures of one target.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonSeries {
    /// The probe: `http`, whose `total` is made of `connect`, `tls` and `request`, one round trip each,
    /// or `dns`, which is one round trip.
    pub probe: ProbeKey,
    /// Where it leads to, from which second (Unix time) on, in their order: a service moves. What
    /// lies before the first is not measured.
    pub legs: Vec<(i64, Leg)>,
}

/// A way and where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Leg {
    /// The address that is probed.
    pub address: IpAddr,
    /// The way there.
    pub path: SeasonPath,
}

/// What one vantage point measures in a season.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonVantage {
    /// How far its local time is ahead of UTC, in seconds: tells when evenings are.
    pub local_offset_s: i64,
    /// Everything it measures.
    pub series: Vec<SeasonSeries>,
    /// Of all randomness in it.
    pub seed: u64,
}

/// How well the simulated agents know the time.
const CLOCK: ClockOffset = ClockOffset { offset_us: 0, bound: Micros::from_millis(5) };
/// What a server needs to answer, in µs.
const SERVER_US: f64 = 2_000.0;

impl SeasonVantage {
    /// The windows from one second (Unix time) up to another, both aligned to `length`.
    pub fn windows(
        &self,
        from_unix_s: i64,
        to_unix_s: i64,
        length: WindowLength,
    ) -> impl Iterator<Item = WindowReport> + '_ {
        let mut states: Vec<_> = (0_u64..)
            .zip(&self.series)
            .map(|(number, series)| {
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(number);
                (series, Weather::default(), rng)
            })
            .collect();
        let step = usize::try_from(length.seconds()).unwrap_or(usize::MAX);
        (from_unix_s..to_unix_s).step_by(step).filter_map(move |start| {
            let window = Window::new(start, length).ok()?;
            let tallies = states.iter_mut().filter_map(|(series, weather, rng)| {
                let leg = series.leg(start)?;
                let factor = weather.advance(&leg.path, start + self.local_offset_s, rng);
                let due = series.due(length);
                Some((series.probe.clone(), tally(&series.probe, leg, factor, due, rng)))
            });
            Some(WindowReport { window, clock: Some(CLOCK), tallies: tallies.collect() })
        })
    }
}

impl SeasonVantage {
    /// The same windows as the reports of one run of an agent, one for each day.
    pub fn reports(
        &self,
        vantage: &VantageId,
        boot: BootId,
        from_unix_s: i64,
        to_unix_s: i64,
        length: WindowLength,
    ) -> impl Iterator<Item = Report> + '_ {
        let per_day = usize::try_from(DAY_S / length.seconds()).unwrap_or(1);
        let mut windows = self.windows(from_unix_s, to_unix_s, length);
        let (vantage, mut number) = (vantage.clone(), 0);
        std::iter::from_fn(move || {
            let windows: Vec<_> = windows.by_ref().take(per_day).collect();
            number += 1;
            Some(Report {
                vantage: vantage.clone(),
                boot,
                sequence: Sequence::new(number)?,
                software: Software::new("season"),
                windows: Some(windows).filter(|windows| !windows.is_empty())?,
                health: Health::default(),
            })
        })
    }
}

const DAY_S: u32 = 86_400;

impl SeasonSeries {
    fn leg(&self, second: i64) -> Option<&Leg> {
        let begun = self.legs.iter().take_while(|(from, _)| *from <= second);
        begun.last().map(|(_, leg)| leg)
    }

    /// Attempts that are due in a window.
    fn due(&self, length: WindowLength) -> u64 {
        length.span().get() / self.probe.interval.get().max(1)
    }
}

/// The phases of an attempt in their order, each one round trip.
fn phases(kind: ProbeKind) -> &'static [Phase] {
    match kind {
        ProbeKind::Dns => &[Phase::Dns],
        _ => &[Phase::Connect, Phase::Tls, Phase::Request],
    }
}

/// What an attempt is called that was not over in time.
fn timed_out(phase: Phase) -> FailureCode {
    match phase {
        Phase::Dns => FailureCode::DnsTimeout,
        Phase::Connect => FailureCode::TcpTimeout,
        Phase::Tls => FailureCode::TlsTimeout,
        _ => FailureCode::HttpFirstByteTimeout,
    }
}

fn tally(probe: &ProbeKey, leg: &Leg, weather: f64, due: u64, rng: &mut ChaCha8Rng) -> Tally {
    let mut samples: BTreeMap<Phase, Vec<Micros>> = BTreeMap::new();
    let mut failures: BTreeMap<_, FailureCount> = BTreeMap::new();
    let mut ok = 0;
    let phases = phases(probe.kind);
    for _ in 0..due {
        let mut failure = leg.path.failure(weather, rng);
        let mut total_us = 0.0;
        for &phase in phases {
            if failure.is_some_and(|(failed, _)| failed <= phase) {
                break;
            }
            let server_us = if phase == Phase::Request { SERVER_US } else { 0.0 };
            let round_trip_us = leg.path.round_trip_us(weather, rng);
            let waits_us = leg.path.waits_us(phase, round_trip_us, weather, rng);
            let took_us = round_trip_us + waits_us + server_us;
            total_us += took_us;
            if total_us > probe.timeout.get() as f64 {
                failure = Some((phase, timed_out(phase)));
                break;
            }
            samples.entry(phase).or_default().push(micros(took_us));
        }
        if let Some((phase, code)) = failure {
            let row = FailureCount { count: 0, last_detail: Detail::new("simulated") };
            failures.entry((code, phase)).or_insert(row).count += 1;
        } else {
            ok += 1;
            samples.entry(probe.kind.outcome_phase()).or_default().push(micros(total_us));
        }
    }
    let phases = samples.into_iter().map(|(phase, samples)| {
        (phase, EncodedHistogram::from(&LatencyHistogram::from_samples(samples)))
    });
    Tally {
        ok,
        degraded: 0,
        failures,
        phases: phases.collect(),
        addresses: BTreeSet::from([leg.address]),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency in µs")]
fn micros(us: f64) -> Micros {
    Micros::new(us.round().max(1.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vantage_wire::report::{Family, ProbeKind};
    use vantage_wire::{FailureCode, ProbeId, TargetId};

    fn path(floor_ms: f64, failing: f64) -> SeasonPath {
        SeasonPath {
            floor_ms,
            excess_ms: 5.0,
            evening: 1.0,
            day_sigma: 0.2,
            attempt_sigma: 0.4,
            loss: 0.0,
            failures: vec![((Phase::Connect, FailureCode::TcpTimeout), failing)],
        }
    }

    fn vantage() -> SeasonVantage {
        let leg = |floor, failing| Leg {
            address: IpAddr::from([192, 0, 2, 1]),
            path: path(floor, failing),
        };
        let probe = ProbeKey {
            target: TargetId::new("web").unwrap(),
            probe: ProbeId::new("http").unwrap(),
            kind: ProbeKind::Http,
            family: Family::Any,
            warm: false,
            interval: Micros::from_secs(30),
            timeout: Micros::from_secs(5),
        };
        let legs = vec![(0, leg(100.0, 0.05)), (86_400, leg(30.0, 0.0))];
        SeasonVantage { local_offset_s: 0, series: vec![SeasonSeries { probe, legs }], seed: 7 }
    }

    fn day(number: i64) -> (Vec<u64>, u64, f64) {
        let length = WindowLength::from_seconds(600).unwrap();
        let vantage = vantage();
        let windows = vantage.windows(number * 86_400, (number + 1) * 86_400, length);
        let mut merged = LatencyHistogram::new();
        let (mut due, mut failed) = (Vec::new(), 0);
        for window in windows {
            let tally = window.tallies.values().next().unwrap();
            due.push(tally.due());
            failed += tally.due() - tally.ok;
            merged.merge(&tally.phases[&Phase::Total].decode().unwrap()).unwrap();
        }
        (due, failed, merged.quantile(0.5).unwrap().get() as f64)
    }

    #[test]
    fn a_service_that_moves_is_measured_where_it_is() {
        let (due, failed, before_us) = day(0);
        assert_eq!(due, vec![20; 144]);
        // 5 % of 2880, more in the evening.
        assert!((144..320).contains(&failed), "{failed}");
        let (_, failed, after_us) = day(1);
        assert_eq!(failed, 0);
        assert!((300e3..340e3).contains(&before_us), "{before_us}");
        assert!((90e3..130e3).contains(&after_us), "{after_us}");
    }

    #[test]
    fn the_same_seed_gives_the_same_season() {
        let length = WindowLength::from_seconds(3600).unwrap();
        let season = || vantage().windows(0, 172_800, length).collect::<Vec<_>>();
        assert_eq!(season(), season());
    }
}

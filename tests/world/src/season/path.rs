//! How long a round trip takes at some time of a simulated season, and what fails.

use rand::{Rng, RngExt as _};
use rand_distr::{Distribution as _, StandardNormal};
use vantage_wire::{FailureCode, Phase};

/// The way from a vantage point to a server.
#[derive(Clone, Debug, PartialEq)]
pub struct SeasonPath {
    /// The shortest round trip, in ms: distance and nothing else.
    pub floor_ms: f64,
    /// What a usual round trip takes beyond it, in ms.
    pub excess_ms: f64,
    /// By how much more the excess is at the busiest time, at nine in the evening: 1 doubles it.
    pub evening: f64,
    /// How much days differ: the standard deviation of the logarithm of the excess.
    pub day_sigma: f64,
    /// How much successive attempts differ, likewise.
    pub attempt_sigma: f64,
    /// Share of the packets that are lost, each way. More in the evening, as the excess is. What is
    /// lost is sent again, so that most of it is a longer wait and not a failure.
    pub loss: f64,
    /// Share of the attempts that fail, by where and why. More in the evening, as the excess is.
    pub failures: Vec<((Phase, FailureCode), f64)>,
}

/// How long a client waits before it opens a connection again (RFC 6298 §2.1).
const FIRST_WAIT_US: f64 = 1e6;
/// How much longer than a round trip it waits before it sends data again: the least that Linux takes.
const LEAST_WAIT_US: f64 = 200e3;
/// However busy the evening, half of the packets get through.
const MOST_LOSS: f64 = 0.5;

/// No attempt takes longer.
const LONGEST_US: f64 = 60e6;

/// How much windows differ within a day, as [`SeasonPath::day_sigma`] is for days. One window
/// resembles the next: see [`Weather`].
const WINDOW_SIGMA: f64 = 0.15;
/// What one window keeps of the one before.
const WINDOW_MEMORY: f64 = 0.9;

/// The state of a path: what days and windows have in common with themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Weather {
    day: Option<i64>,
    of_day: f64,
    of_window: f64,
}

impl Weather {
    /// Goes on to a window that starts at this second of local time; answers by what the usual excess
    /// is multiplied in it.
    pub(super) fn advance(&mut self, path: &SeasonPath, local_s: i64, rng: &mut impl Rng) -> f64 {
        let day = local_s.div_euclid(86_400);
        if self.day != Some(day) {
            self.day = Some(day);
            let noise: f64 = StandardNormal.sample(rng);
            self.of_day = noise * path.day_sigma;
        }
        let noise: f64 = StandardNormal.sample(rng);
        // An AR(1) process whose variance stays WINDOW_SIGMA².
        self.of_window = WINDOW_MEMORY * self.of_window
            + (1.0 - WINDOW_MEMORY * WINDOW_MEMORY).sqrt() * WINDOW_SIGMA * noise;
        let hour = local_s.rem_euclid(86_400) as f64 / 3600.0;
        (self.of_day + self.of_window).exp() * (1.0 + path.evening * busy(hour))
    }
}

/// From 0 to 1: most at nine in the evening, gone four hours before and after.
fn busy(hour: f64) -> f64 {
    const BUSIEST: f64 = 21.0;
    let distance = (hour - BUSIEST).abs().min(24.0 - (hour - BUSIEST).abs());
    if distance >= 4.0 {
        0.0
    } else {
        f64::midpoint(1.0, (distance / 4.0 * std::f64::consts::PI).cos())
    }
}

impl SeasonPath {
    /// One round trip, in µs.
    pub(super) fn round_trip_us(&self, weather: f64, rng: &mut impl Rng) -> f64 {
        let noise: f64 = StandardNormal.sample(rng);
        1e3 * (self.floor_ms + self.excess_ms * weather * (noise * self.attempt_sigma).exp())
    }

    /// How much longer a round trip takes because of packets that are lost, in µs: each wait is twice
    /// the one before (RFC 6298 §5.5).
    pub(super) fn waits_us(
        &self,
        phase: Phase,
        round_trip_us: f64,
        weather: f64,
        rng: &mut impl Rng,
    ) -> f64 {
        if self.loss <= 0.0 {
            return 0.0;
        }
        let kept = 1.0 - (self.loss * weather).min(MOST_LOSS);
        let mut wait_us =
            if phase == Phase::Connect { FIRST_WAIT_US } else { round_trip_us + LEAST_WAIT_US };
        let mut waited_us = 0.0;
        while rng.random::<f64>() >= kept * kept && waited_us < LONGEST_US {
            waited_us += wait_us;
            wait_us *= 2.0;
        }
        waited_us
    }

    /// How an attempt fails, if it does.
    pub(super) fn failure(&self, weather: f64, rng: &mut impl Rng) -> Option<(Phase, FailureCode)> {
        let mut drawn: f64 = rng.random();
        for (kind, share) in &self.failures {
            drawn -= share * weather;
            if drawn < 0.0 {
                return Some(*kind);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_are_busy_and_mornings_are_not() {
        assert!((busy(21.0) - 1.0).abs() < 1e-9);
        assert!((busy(19.0) - 0.5).abs() < 1e-9);
        assert!((busy(0.0) - busy(18.0)).abs() < 1e-9);
        assert!(busy(9.0) < 1e-9);
    }
}

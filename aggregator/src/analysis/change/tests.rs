//! What the detection of level shifts promises, on made-up series with known changes.
//!
//! Seeds are fixed. A series is 30 days of hourly medians around 80 ms: lognormal noise that lasts
//! from hour to hour, a rise by a share every evening, and spikes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use statrs::distribution::{ContinuousCDF as _, Normal};
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase};

use super::*;
use crate::analysis::{Block, Sample, Threshold, View};

const HOURS: i64 = 720;
const BASE_US: f64 = 80_000.0;
const HOUR_S: i64 = 3600;

/// How a series is made.
struct World {
    /// Standard deviation of the logarithm.
    noise: f64,
    /// How much of an hour's deviation lasts until the next.
    persistence: f64,
    /// By what share the evening is slower.
    evening: f64,
    /// The share of hours with a spike, of up to six times the level.
    spikes: f64,
    /// The share of hours without a value.
    missing: f64,
}

const NOISY: World =
    World { noise: 0.03, persistence: 0.5, evening: 0.05, spikes: 0.02, missing: 0.03 };

impl World {
    fn series(&self, seed: u64, level_us: impl Fn(i64) -> f64) -> Vec<Point> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut deviation = 0.0;
        let mut next = |hour: i64| {
            let fresh = Normal::standard().inverse_cdf(random.random_range(1e-9..1.0 - 1e-9));
            let kept = (1.0 - self.persistence * self.persistence).sqrt();
            deviation = self.persistence * deviation + kept * fresh;
            let angle = std::f64::consts::TAU * (hour - 20) as f64 / 24.0;
            let evening = 1.0 + self.evening * angle.cos().max(0.0);
            let spike =
                if random.random_bool(self.spikes) { random.random_range(1.2..6.0) } else { 1.0 };
            let value = level_us(hour) * (self.noise * deviation).exp() * evening * spike;
            Point {
                unix_s: hour * HOUR_S,
                value_us: (!random.random_bool(self.missing)).then_some(value),
            }
        };
        (0..HOURS).map(&mut next).collect()
    }
}

fn found(series: &[Point]) -> Vec<LevelShift> {
    level_shifts(series, &Settings::default())
}

fn constant(values: impl IntoIterator<Item = Option<f64>>) -> Vec<Point> {
    let hours = (0_i64..).zip(values);
    hours.map(|(hour, value_us)| Point { unix_s: hour * HOUR_S, value_us }).collect()
}

#[test]
fn steps_of_a_fifth_are_found_within_two_points_in_noise_spikes_and_evenings_in_19_of_20() {
    let (mut right, mut exact) = (0, 0);
    for seed in 0_u64..100 {
        // Up by 20 %, and down again to where it was.
        let (up, down) = (200 + seed.cast_signed() % 48, 500 + seed.cast_signed() % 24);
        let series = NOISY
            .series(seed, |hour| if (up..down).contains(&hour) { BASE_US * 1.2 } else { BASE_US });
        let shifts = found(&series);
        let near = |step: i64| {
            shifts.iter().filter(|shift| (shift.at_unix_s / HOUR_S - step).abs() <= 2).count()
        };
        right += near(up) + near(down);
        exact += usize::from(shifts.len() == 2);
    }
    assert!(right >= 190, "{right} of 200 steps found");
    assert!(exact >= 95, "{exact} of 100 series with two shifts and no other");
}

#[test]
fn nothing_is_found_where_nothing_changed_in_19_of_20() {
    let quiet = (0..200).filter(|seed| found(&NOISY.series(1000 + seed, |_| BASE_US)).is_empty());
    let quiet = quiet.count();
    assert!(quiet >= 190, "{quiet} of 200 stationary series without a shift");
}

#[test]
fn the_levels_are_medians_and_the_gap_in_which_it_happened_is_told() {
    let values = (0..60).map(|hour| match hour {
        28..33 => None,
        ..28 => Some(80_000.0),
        _ => Some(120_000.0),
    });
    let shifts = found(&constant(values));
    let expected = LevelShift {
        last_before_unix_s: 27 * HOUR_S,
        at_unix_s: 33 * HOUR_S,
        before_us: 80_000.0,
        after_us: 120_000.0,
        points_before: 28,
        points_after: 27,
        separation: 1.0,
    };
    assert_eq!(shifts, [expected]);
}

#[test]
fn two_spikes_in_a_row_are_no_shift_and_three_points_far_off_are_two() {
    let with_spikes =
        |count: i64| {
            found(&constant((0..100).map(|hour| {
                Some(if (50..50 + count).contains(&hour) { 900_000.0 } else { BASE_US })
            })))
        };
    assert!(with_spikes(2).is_empty());
    assert_eq!(with_spikes(3).len(), 2);
}

#[test]
fn a_change_too_small_to_matter_is_none() {
    let settings = Settings {
        smallest: Threshold { absolute_us: 5_000.0, relative: 0.02 },
        ..Settings::default()
    };
    let step = |size: f64| {
        let values = (0..200).map(|hour| Some(if hour < 100 { BASE_US } else { BASE_US + size }));
        level_shifts(&constant(values), &settings).len()
    };
    assert_eq!((step(4_000.0), step(6_000.0)), (0, 1));
}

#[test]
fn the_order_of_the_points_does_not_matter() {
    let mut series = NOISY.series(7, |hour| if hour < 300 { BASE_US } else { 1.5 * BASE_US });
    let shifts = found(&series);
    series.reverse();
    assert_eq!((found(&series), shifts.len()), (shifts, 1));
}

#[test]
fn degenerate_series_have_no_shift() {
    let none = [f64::NAN, f64::INFINITY, 0.0, -1.0];
    for series in [
        constant([]),
        constant([Some(BASE_US)]),
        constant([Some(BASE_US), Some(2.0 * BASE_US)]),
        constant([None; 100]),
        constant([Some(BASE_US); 100]),
        constant(none.map(Some)),
        constant([Some(f64::MAX); 10]),
    ] {
        assert_eq!(found(&series), [], "{series:?}");
    }
    let zeros = Settings { noise_multiple: 0.0, noise_floor: 0.0, ..Settings::default() };
    assert_eq!(level_shifts(&constant([Some(BASE_US); 9]), &zeros), []);
}

#[test]
fn hours_of_a_view_become_their_medians_and_gaps_stay_gaps() {
    let hour = |median: u64, successes: usize| {
        let mut sample = Sample::default();
        let latencies = std::iter::repeat_n(Micros::new(median), successes);
        sample.add_latencies(&LatencyHistogram::from_samples(latencies)).unwrap();
        sample
            .add_failures(Phase::Connect, FailureCode::TcpTimeout, 50, Micros::from_secs(5))
            .unwrap();
        sample
    };
    let blocks = [(10, hour(1000, 60)), (11, hour(9000, 2)), (13, hour(2000, 60))];
    let view =
        View::new(blocks.into_iter().map(|(block, sample)| (Block(block), sample)).collect());
    let points = hourly_medians(&view.unwrap());
    let times: Vec<i64> = points.iter().map(|point| point.unix_s / HOUR_S).collect();
    assert_eq!(times, [10, 11, 12, 13]);
    let values: Vec<Option<f64>> =
        points.iter().map(|point| point.value_us.map(f64::round)).collect();
    assert_eq!(values, [Some(1000.0), None, None, Some(2000.0)]);
    assert_eq!(hourly_medians(&View::new(BTreeMap::new()).unwrap()), []);
}

proptest! {
    #[test]
    fn scaling_all_latencies_scales_the_levels_and_moves_nothing(
        seed in 0_u64..1000,
        power in -4_i32..8,
    ) {
        // A power of two, so that rounding is the same; no absolute threshold, which would not scale.
        let factor = 2_f64.powi(power);
        let settings = Settings {
            smallest: Threshold { absolute_us: 0.0, relative: 0.006 },
            ..Settings::default()
        };
        let series = NOISY.series(seed, |hour| if hour < 400 { BASE_US } else { 0.7 * BASE_US });
        let scaled: Vec<Point> = series
            .iter()
            .map(|point| Point { value_us: point.value_us.map(|value| value * factor), ..*point })
            .collect();
        let expected: Vec<LevelShift> = level_shifts(&series, &settings)
            .into_iter()
            .map(|shift| LevelShift {
                before_us: shift.before_us * factor,
                after_us: shift.after_us * factor,
                ..shift
            })
            .collect();
        prop_assert_eq!(level_shifts(&scaled, &settings), expected);
    }

    #[test]
    fn no_series_whatever_makes_it_panic_or_answer_with_what_is_not_finite(
        values in prop::collection::vec(prop::option::of(any::<f64>()), 0..60),
        times in prop::collection::vec(any::<i64>(), 60),
    ) {
        let series: Vec<Point> = values
            .into_iter()
            .zip(times)
            .map(|(value_us, unix_s)| Point { unix_s, value_us })
            .collect();
        for shift in found(&series) {
            prop_assert!(shift.before_us.is_finite() && shift.after_us.is_finite());
            prop_assert!((0.0..=1.0).contains(&shift.separation));
            prop_assert!(shift.last_before_unix_s <= shift.at_unix_s);
        }
    }
}

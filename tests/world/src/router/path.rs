//! One direction between two hosts: what it does to a packet that nobody interferes with.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::interference::Interference;
use super::narrow_link::NarrowLink;
use crate::clock::Nanos;
use crate::config::{GilbertElliott, Jitter, PathSpec, millis};
use crate::truth::Verdict;

/// The 99th percentile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_874_040_841;

/// A path and its state, which outlives changes of its properties.
#[derive(Debug)]
pub struct Path {
    spec: PathSpec,
    random: ChaCha8Rng,
    burst: bool,
    narrow: NarrowLink,
    last_due: Nanos,
    /// What stands on it and interferes.
    pub interference: Interference,
}

impl Path {
    /// A path with a generator of its own, so that traffic elsewhere never changes its draws.
    pub fn new(spec: PathSpec, seed: u64, from: usize, to: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(((from as u64) << 32) | to as u64);
        // Its draws leave those of loss and jitter as they were: another stream of the same seed.
        let mut of_interference = random.clone();
        of_interference.set_stream(1 << 63 | ((from as u64) << 32) | to as u64);
        let interference = Interference::new(&spec.interference, of_interference);
        Self {
            spec,
            random,
            burst: false,
            narrow: NarrowLink::default(),
            last_due: Nanos::default(),
            interference,
        }
    }

    /// Its properties.
    pub fn spec(&self) -> &PathSpec {
        &self.spec
    }

    /// Gives it other properties. Packets under way, the generator and, where the rules of
    /// interference stay the same, the connections they know are kept.
    pub fn change(&mut self, spec: &PathSpec) {
        if self.spec.interference != spec.interference {
            self.interference.change(&spec.interference);
        }
        self.spec = spec.clone();
    }

    /// Loss, the narrow link, delay and order: when a packet is due at the other end.
    ///
    /// # Errors
    /// The verdict on a packet that does not get there.
    pub fn carry(&mut self, arrival: Nanos, bytes: usize, hour: f64) -> Result<Nanos, Verdict> {
        let evening = self.spec.evening.map_or(0.0, |evening| evening.share(hour));
        let evening_loss = self.spec.evening.map_or(0.0, |spec| spec.loss * evening);
        // Both draws are always made: changing one share leaves the other's outcomes as they were.
        let lost = self.random.random::<f64>() < self.spec.loss;
        let lost_to_evening = self.random.random::<f64>() < evening_loss;
        let lost_in_burst = match self.spec.gilbert_elliott {
            Some(model) => self.burst_loss(model),
            None => false,
        };
        if lost || lost_to_evening || lost_in_burst {
            return Err(Verdict::Lost);
        }
        let departure = match self.spec.bandwidth {
            Some(limit) => self.narrow.pass(limit, arrival, bytes).ok_or(Verdict::QueueFull)?,
            None => arrival,
        };
        let jitter = self.spec.jitter.map_or(0.0, |jitter| draw(jitter, &mut self.random));
        let evening_delay = self.spec.evening.map_or(0.0, |spec| spec.delay_ms * evening);
        let due = departure + self.spec.delay + millis(jitter + evening_delay);
        Ok(if self.spec.reorder { due } else { self.in_order(due) })
    }

    /// The earliest time, not before `due`, at which a packet does not overtake an earlier one.
    pub fn in_order(&mut self, due: Nanos) -> Nanos {
        self.last_due = self.last_due.max(due);
        self.last_due
    }

    /// Like [`Self::in_order`], without holding up what comes later.
    pub fn not_before(&self, due: Nanos) -> Nanos {
        self.last_due.max(due)
    }

    fn burst_loss(&mut self, model: GilbertElliott) -> bool {
        let turn = if self.burst { model.leave } else { model.enter };
        if self.random.random::<f64>() < turn {
            self.burst = !self.burst;
        }
        let loss = if self.burst { model.loss_bad } else { model.loss_good };
        self.random.random::<f64>() < loss
    }
}

/// Draws a jitter in ms.
fn draw(jitter: Jitter, random: &mut impl Rng) -> f64 {
    let sigma = (jitter.p99_ms / jitter.median_ms).ln() / NORMAL_P99;
    // The parameters were checked with the configuration; a draw that cannot be made adds nothing.
    LogNormal::new(jitter.median_ms.ln(), sigma)
        .map_or(0.0, |distribution| distribution.sample(random))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn carried(spec: PathSpec, packets: u64) -> Vec<Result<Nanos, Verdict>> {
        let mut path = Path::new(spec, 7, 0, 1);
        (0..packets).map(|n| path.carry(Nanos(n * 1_000_000), 100, 20.0)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_fate_and_another_pair_another() {
        let spec = PathSpec { loss: 0.5, ..PathSpec::default() };
        assert_eq!(carried(spec.clone(), 200), carried(spec.clone(), 200));
        let mut other = Path::new(spec.clone(), 7, 1, 0);
        let other: Vec<_> =
            (0..200).map(|n| other.carry(Nanos(n * 1_000_000), 100, 20.0)).collect();
        assert_ne!(carried(spec, 200), other);
    }

    #[test]
    fn jitter_has_the_median_and_p99_asked_for() {
        let jitter = Jitter { median_ms: 2.0, p99_ms: 20.0 };
        let spec = PathSpec { jitter: Some(jitter), reorder: true, ..PathSpec::default() };
        let mut delays: Vec<u64> = carried(spec, 20_000)
            .into_iter()
            .zip(0u64..)
            .map(|(due, n)| due.unwrap().0 - n * 1_000_000)
            .collect();
        delays.sort_unstable();
        // Standard errors of these quantiles at 20 000 draws: about 1 % and 4 %.
        assert!((delays[10_000] as f64 / 2e6 - 1.0).abs() < 0.05);
        assert!((delays[19_800] as f64 / 20e6 - 1.0).abs() < 0.15);
    }

    #[test]
    fn packets_keep_their_order_unless_told_otherwise() {
        let jitter = Some(Jitter { median_ms: 1.0, p99_ms: 50.0 });
        let due = |reorder| -> Vec<_> {
            let spec = PathSpec { jitter, reorder, ..PathSpec::default() };
            carried(spec, 500).into_iter().map(Result::unwrap).collect()
        };
        assert!(due(false).is_sorted());
        assert!(!due(true).is_sorted());
    }

    #[test]
    fn bursts_have_the_share_and_length_of_the_model() {
        let model = GilbertElliott { enter: 0.01, leave: 0.25, loss_good: 0.0, loss_bad: 1.0 };
        let spec = PathSpec { gilbert_elliott: Some(model), ..PathSpec::default() };
        let lost: Vec<bool> = carried(spec, 100_000).iter().map(Result::is_err).collect();
        let share = lost.iter().filter(|lost| **lost).count() as f64 / 100_000.0;
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count() as f64;
        // Stationary share enter/(enter+leave) = 3.85 %; mean length 1/leave = 4. The share of
        // correlated draws has a standard error of about 0.15 %.
        assert!((share - 0.0385).abs() < 0.006, "{share}");
        assert!((share * 100_000.0 / bursts - 4.0).abs() < 0.4);
    }

    #[test]
    fn the_evening_adds_delay_and_loss_at_its_peak() {
        let evening =
            crate::config::Evening { peak_hour: 20.0, width_hours: 2.0, delay_ms: 30.0, loss: 1.0 };
        let spec = PathSpec { evening: Some(evening), ..PathSpec::default() };
        let mut path = Path::new(spec, 1, 0, 1);
        assert_eq!(path.carry(Nanos(0), 100, 20.0), Err(Verdict::Lost));
        let far = path.carry(Nanos(0), 100, 8.0).unwrap();
        assert!(far.since(Nanos(0)) < Duration::from_millis(1));
    }
}

//! The properties of a path.

use std::time::Duration;

use serde::Deserialize;

use super::interference::InterferenceRule;

/// One `[[path]]` of `world.toml`: properties for one or many ordered pairs of hosts.
///
/// What a rule does not set is left as earlier rules made it.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PathRule {
    /// Hosts at one end; `"*"` is every host.
    pub from: Vec<String>,
    /// Hosts at the other end; `"*"` is every host.
    pub to: Vec<String>,
    /// Whether the rule is for the direction from → to only. Default: both directions.
    #[serde(default)]
    pub one_way: bool,
    /// Round-trip time without jitter, in ms; half of it each way. Not with `one-way`.
    pub rtt_ms: Option<f64>,
    /// Delay of each direction the rule is for, in ms.
    pub delay_ms: Option<f64>,
    /// Random delay on top.
    pub jitter: Option<Jitter>,
    /// Delay and loss that come and go with the time of day.
    pub evening: Option<Evening>,
    /// Share of packets lost independently of each other (0…1).
    pub loss: Option<f64>,
    /// Losses that come in bursts.
    pub gilbert_elliott: Option<GilbertElliott>,
    /// The narrowest link on the way.
    pub bandwidth: Option<Bandwidth>,
    /// Whether every packet vanishes.
    pub blackhole: Option<bool>,
    /// Whether packets may overtake each other. Default: the path keeps their order.
    pub reorder: Option<bool>,
    /// Routers on the way (0…254): a packet whose TTL ends on the way is answered by one of them.
    pub hops: Option<u8>,
    /// What stands on the path and interferes.
    pub interference: Option<Vec<InterferenceRule>>,
}

/// Log-normal delay on top of the base delay, of each direction.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Jitter {
    /// Its median, in ms (above 0).
    pub median_ms: f64,
    /// Its 99th percentile, in ms (at least the median).
    pub p99_ms: f64,
}

/// Congestion that rises and falls once a day around its peak, in the shape of a normal curve.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Evening {
    /// Hour of the day, UTC, of the peak (0 ≤ h < 24).
    pub peak_hour: f64,
    /// Hours from the peak to where the curve has fallen to 61 % (its σ; above 0, to 12). Default 2.
    #[serde(default = "Evening::default_width")]
    pub width_hours: f64,
    /// Extra delay of each direction at the peak, in ms. Default 0.
    #[serde(default)]
    pub delay_ms: f64,
    /// Extra share of packets lost at the peak (0…1). Default 0.
    #[serde(default)]
    pub loss: f64,
}

impl Evening {
    const fn default_width() -> f64 {
        2.0
    }

    /// How much of the peak is felt at an hour of the day: 1 at the peak, toward 0 far from it.
    pub fn share(&self, hour: f64) -> f64 {
        let around = (hour - self.peak_hour).rem_euclid(24.0);
        let distance = around.min(24.0 - around) / self.width_hours;
        (-0.5 * distance * distance).exp()
    }
}

/// The two-state loss model of Gilbert (1960) and Elliott (1963): a good and a bad state, each
/// with its own loss, and the chance of a change of state at every packet.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GilbertElliott {
    /// Chance that a packet finds the good state turned bad (0…1).
    pub enter: f64,
    /// Chance that a packet finds the bad state turned good (0…1); bursts last 1/leave packets.
    pub leave: f64,
    /// Share of packets lost in the good state. Default 0.
    #[serde(default)]
    pub loss_good: f64,
    /// Share of packets lost in the bad state. Default 1.
    #[serde(default = "GilbertElliott::default_loss_bad")]
    pub loss_bad: f64,
}

impl GilbertElliott {
    const fn default_loss_bad() -> f64 {
        1.0
    }
}

/// A link that sends one packet at a time and queues the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bandwidth {
    /// Its speed in kbit/s (above 0), of whole frames.
    pub rate_kbps: u64,
    /// Most bytes waiting; a packet that finds no room is dropped. Default 65 536.
    #[serde(default = "Bandwidth::default_queue")]
    pub queue_bytes: u64,
}

impl Bandwidth {
    const fn default_queue() -> u64 {
        65_536
    }
}

/// The properties of one direction between two hosts.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PathSpec {
    /// Delay of every packet.
    pub delay: Duration,
    /// Random delay on top.
    pub jitter: Option<Jitter>,
    /// Delay and loss by time of day.
    pub evening: Option<Evening>,
    /// Share of packets lost independently (0…1).
    pub loss: f64,
    /// Losses in bursts.
    pub gilbert_elliott: Option<GilbertElliott>,
    /// The narrowest link.
    pub bandwidth: Option<Bandwidth>,
    /// Whether every packet vanishes.
    pub blackhole: bool,
    /// Whether packets may overtake each other.
    pub reorder: bool,
    /// Routers on the way.
    pub hops: u8,
    /// What interferes, in the order of the file; the first rule that matches a packet acts.
    pub interference: Vec<InterferenceRule>,
}

impl PathRule {
    /// Everything that is wrong with the rule, apart from the host names.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut time = |name: &str, value: Option<f64>| {
            if let Some(ms) = value
                && !(0.0..=60_000.0).contains(&ms)
            {
                problems.push(format!("{name} is {ms}; it lies within 0…60000"));
            }
        };
        time("rtt-ms", self.rtt_ms);
        time("delay-ms", self.delay_ms);
        time("evening: delay-ms", self.evening.map(|evening| evening.delay_ms));
        let mut share = |name: &str, value: Option<f64>| {
            if let Some(share) = value
                && !(0.0..=1.0).contains(&share)
            {
                problems.push(format!("{name} is {share}; it is a share, 0…1"));
            }
        };
        share("loss", self.loss);
        share("evening: loss", self.evening.map(|evening| evening.loss));
        let bursts = self.gilbert_elliott;
        share("gilbert-elliott: enter", bursts.map(|bursts| bursts.enter));
        share("gilbert-elliott: leave", bursts.map(|bursts| bursts.leave));
        share("gilbert-elliott: loss-good", bursts.map(|bursts| bursts.loss_good));
        share("gilbert-elliott: loss-bad", bursts.map(|bursts| bursts.loss_bad));
        if self.rtt_ms.is_some() && self.delay_ms.is_some() {
            problems.push("rtt-ms and delay-ms say the same thing; keep one".into());
        }
        if self.rtt_ms.is_some() && self.one_way {
            problems.push("rtt-ms is for both directions; with one-way use delay-ms".into());
        }
        if let Some(Jitter { median_ms, p99_ms }) = self.jitter
            && !(median_ms > 0.0 && p99_ms >= median_ms && p99_ms <= 60_000.0)
        {
            problems.push("jitter: 0 < median-ms ≤ p99-ms ≤ 60000".into());
        }
        if let Some(evening) = self.evening {
            if !(0.0..24.0).contains(&evening.peak_hour) {
                problems.push("evening: peak-hour is an hour, 0 ≤ h < 24".into());
            }
            if !(evening.width_hours > 0.0 && evening.width_hours <= 12.0) {
                problems.push("evening: width-hours lies above 0, at most 12".into());
            }
        }
        if let Some(bandwidth) = self.bandwidth
            && bandwidth.rate_kbps == 0
        {
            problems
                .push("bandwidth: rate-kbps is above 0; use blackhole to let nothing pass".into());
        }
        if self.hops == Some(u8::MAX) {
            problems.push("hops is at most 254".into());
        }
        for (number, rule) in self.interference.iter().flatten().enumerate() {
            let place = format!("interference {}", number + 1);
            problems.extend(rule.problems().into_iter().map(|what| format!("{place}: {what}")));
        }
        problems
    }

    /// Writes what the rule sets over a path.
    pub fn apply(&self, path: &mut PathSpec) {
        if let Some(rtt_ms) = self.rtt_ms {
            path.delay = millis(rtt_ms / 2.0);
        }
        if let Some(delay_ms) = self.delay_ms {
            path.delay = millis(delay_ms);
        }
        path.jitter = self.jitter.or(path.jitter);
        path.evening = self.evening.or(path.evening);
        path.loss = self.loss.unwrap_or(path.loss);
        path.gilbert_elliott = self.gilbert_elliott.or(path.gilbert_elliott);
        path.bandwidth = self.bandwidth.or(path.bandwidth);
        path.blackhole = self.blackhole.unwrap_or(path.blackhole);
        path.reorder = self.reorder.unwrap_or(path.reorder);
        path.hops = self.hops.unwrap_or(path.hops);
        if let Some(rules) = &self.interference {
            path.interference.clone_from(rules);
        }
    }
}

/// A span in ms as a duration; what cannot be one (checked before) is zero.
pub(crate) fn millis(ms: f64) -> Duration {
    Duration::try_from_secs_f64(ms / 1_000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_evening_peaks_once_a_day_and_wraps_around_midnight() {
        let evening = Evening { peak_hour: 23.0, width_hours: 2.0, delay_ms: 10.0, loss: 0.0 };
        assert!((evening.share(23.0) - 1.0).abs() < 1e-12);
        assert!((evening.share(1.0) - evening.share(21.0)).abs() < 1e-12);
        assert!((evening.share(1.0) - (-0.5_f64).exp()).abs() < 1e-12);
        assert!(evening.share(11.0) < 1e-7);
    }

    #[test]
    fn a_rule_changes_only_what_it_sets() {
        let mut path = PathSpec { loss: 0.25, hops: 3, ..PathSpec::default() };
        PathRule { rtt_ms: Some(44.0), blackhole: Some(true), ..PathRule::default() }
            .apply(&mut path);
        let expected = PathSpec {
            delay: Duration::from_millis(22),
            loss: 0.25,
            hops: 3,
            blackhole: true,
            ..PathSpec::default()
        };
        assert_eq!(path, expected);
    }
}

//! How often one target may be probed, by all its probes together.
//!
//! The schedule is fixed before the first attempt, so that the demand on a target is known from
//! its configuration. What is too much is therefore refused there, with the figures, and not
//! dropped at run-time: dropped attempts would be gaps in the record that nobody asked for, and
//! which of the probes had them would be a matter of chance.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::spec::{Action, ProbeSpec};

/// Rounding errors of intervals that add up to the cap exactly.
const TOLERANCE: f64 = 1e-9;

/// Most attempts per second at one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateCap {
    per_second: f64,
}

/// A cap that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a cap of {0} attempts per second makes no sense, it must be above 0")]
pub struct RateCapError(f64);

impl RateCap {
    /// A cap. (above 0, finite)
    ///
    /// # Errors
    /// When it is not.
    pub fn per_second(attempts: f64) -> Result<Self, RateCapError> {
        if attempts.is_finite() && attempts > 0.0 {
            Ok(Self { per_second: attempts })
        } else {
            Err(RateCapError(attempts))
        }
    }
}

/// A target would be probed too often.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error(
    "target {host} would be probed {demanded:.3} times a second by {probes} probes, {cap} are allowed; make their intervals longer"
)]
pub struct TooOften {
    /// The target's host.
    pub host: String,
    /// Attempts per second of all its probes.
    pub demanded: f64,
    /// Its probes.
    pub probes: usize,
    /// Attempts per second allowed.
    pub cap: f64,
}

/// The demand on every target so far. A target is a host as it is written: two names of one machine
/// are two targets, as nobody knows before their resolution that they are one.
#[derive(Debug, Clone)]
pub struct TargetRates {
    cap: RateCap,
    // The intervals of the probes of each host.
    intervals: BTreeMap<String, Vec<Duration>>,
}

impl TargetRates {
    /// No demand yet.
    pub fn new(cap: RateCap) -> Self {
        Self { cap, intervals: BTreeMap::new() }
    }

    /// Adds a probe's demand: an attempt every `interval`. An attempt at HTTP that follows
    /// redirects counts with every request that it may make of its host. A DNS probe that asks the
    /// system's resolver has it as its target.
    ///
    /// # Errors
    /// When that would be too much; nothing is added then.
    pub fn claim(&mut self, spec: &ProbeSpec, interval: Duration) -> Result<(), TooOften> {
        let host = target(&spec.action);
        let requests = match &spec.action {
            Action::Http(http) => 1 + http.follow_redirects,
            _ => 1,
        };
        let own = interval.max(Duration::from_nanos(1)) / requests;
        let intervals = self.intervals.entry(host.clone()).or_default();
        let demanded: f64 =
            intervals.iter().chain([&own]).map(|interval| 1.0 / interval.as_secs_f64()).sum();
        if demanded > self.cap.per_second * (1.0 + TOLERANCE) {
            let (probes, cap) = (intervals.len() + 1, self.cap.per_second);
            return Err(TooOften { host, demanded, probes, cap });
        }
        intervals.push(own);
        Ok(())
    }
}

/// The host that an action burdens. Names are compared as DNS does: without case and final dot.
fn target(action: &Action) -> String {
    let host =
        action.host().map_or_else(|| "the system's resolver".to_owned(), |host| host.to_string());
    host.strip_suffix('.').unwrap_or(&host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use vantage_wire::report::Family;

    use super::*;
    use crate::spec::{HttpSpec, PhaseTimeouts, TcpSpec};

    fn of(action: Action) -> ProbeSpec {
        let phase_timeouts = PhaseTimeouts::default();
        ProbeSpec { action, family: Family::Any, timeout: Duration::from_secs(1), phase_timeouts }
    }

    fn tcp(host: &str) -> ProbeSpec {
        of(Action::Tcp(TcpSpec { host: host.parse().unwrap(), port: 443 }))
    }

    fn http(url: &str, follow_redirects: u32) -> ProbeSpec {
        let url = url.parse().unwrap();
        of(Action::Http(HttpSpec { follow_redirects, ..HttpSpec::get(url) }))
    }

    #[test]
    fn all_probes_of_a_target_share_its_cap() {
        let mut rates = TargetRates::new(RateCap::per_second(10.0).unwrap());
        let second = Duration::from_secs(1);
        // Ten times a tenth of the cap, whose sum is not exact in binary.
        for _ in 0..9 {
            rates.claim(&tcp("shop.test"), second).unwrap();
        }
        rates.claim(&http("https://Shop.test./health", 0), second).unwrap();
        let refused = rates.claim(&tcp("SHOP.test"), second).unwrap_err();
        assert_eq!((refused.host.as_str(), refused.probes), ("shop.test", 11));
        assert_eq!(
            refused.to_string(),
            "target shop.test would be probed 11.000 times a second by 11 probes, 10 are allowed; \
             make their intervals longer"
        );
        rates.claim(&tcp("other.test"), second / 10).unwrap();
        rates.claim(&tcp("192.0.2.1"), second / 11).unwrap_err();
        rates.claim(&tcp("192.0.2.1"), second / 10).unwrap();
        rates.claim(&http("http://[2001:db8::1]/", 0), second / 10).unwrap();
        rates.claim(&tcp("2001:db8::1"), second * 3_600).unwrap_err();
    }

    #[test]
    fn redirects_count_with_all_their_requests() {
        let mut rates = TargetRates::new(RateCap::per_second(10.0).unwrap());
        let second = Duration::from_secs(1);
        assert!(rates.claim(&http("http://shop.test/", 10), second).is_err());
        assert!(rates.claim(&http("http://shop.test/", 9), second).is_ok());
    }

    #[test]
    fn a_cap_is_a_rate() {
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(RateCap::per_second(wrong).is_err(), "{wrong}");
        }
    }
}

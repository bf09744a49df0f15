//! What each vantage point is told to do.

use std::time::Duration;

use ring::digest;
use vantage_wire::exchange::Assignment;
use vantage_wire::exchange::assignment::{AssignedProbe, AssignedTarget};
use vantage_wire::id::{MarketId, ProbeId, TargetId, VantageId};
use vantage_wire::report::Family;

use super::model::{Catalogue, Probe, Target};

impl Catalogue {
    /// The assignment of the vantage point `vantage`, enrolled for `market`.
    ///
    /// Its version is the SHA-256 of all else in it, so that it is the same on every aggregator
    /// with this catalogue and changes only where the assignment does. In a market that the
    /// catalogue does not have, nothing is probed.
    pub fn assignment(&self, vantage: &VantageId, market: &MarketId) -> Assignment {
        let known = self.markets.contains_key(market);
        let targets = self
            .targets
            .iter()
            .filter(|(_, target)| known && target.measured_by.includes(vantage, market));
        let mut assignment = Assignment {
            version: String::new(),
            vantage: vantage.clone(),
            market: market.clone(),
            paused: self.defaults.paused,
            window_s: self.defaults.window.seconds(),
            contact: self.defaults.contact.clone(),
            anchors: self.defaults.anchors.clone(),
            targets: targets.map(|(id, target)| assigned_target(id, target)).collect(),
        };
        assignment.version = version(&assignment);
        assignment
    }
}

/// The digest of an assignment without its version, as JSON: fields are written in the order of
/// their declaration and maps in the order of their keys, so equal content gives equal bytes.
fn version(unversioned: &Assignment) -> String {
    #[expect(clippy::expect_used, reason = "every key of a map in it serialises as a string")]
    let content = serde_json::to_vec(unversioned).expect("assignments are JSON");
    let digest = digest::digest(&digest::SHA256, &content);
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    digest.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn assigned_target(id: &TargetId, target: &Target) -> AssignedTarget {
    let probes = target.probes.iter();
    let probes = probes.flat_map(|(id, probe)| {
        probe.families.iter().map(move |family| assigned_probe(id, probe, *family))
    });
    AssignedTarget { id: id.clone(), allow_private: target.allow_private, probes: probes.collect() }
}

/// A probe of both families is two that share their name: the family tells their series apart.
fn assigned_probe(id: &ProbeId, probe: &Probe, family: Family) -> AssignedProbe {
    let timeouts = probe.phase_timeouts.iter();
    AssignedProbe {
        id: id.clone(),
        interval_ms: millis(probe.interval),
        timeout_ms: millis(probe.timeout),
        phase_timeouts_ms: timeouts.map(|(phase, most)| (*phase, millis(*most))).collect(),
        family,
        action: probe.action.clone(),
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

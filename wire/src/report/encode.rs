//! From a report to its message.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::error::{Invalid, Locate as _};
use super::health::Health;
use super::message;
use super::model::{Report, Tally, WindowReport};
use super::probe::ProbeKey;

/// Elements that are sent once and referred to by index, in their own order.
struct Dictionary<'a, T>(BTreeMap<&'a T, u32>);

impl<'a, T: Ord> Dictionary<'a, T> {
    fn new(elements: impl Iterator<Item = &'a T>) -> Self {
        Self(elements.collect::<BTreeSet<_>>().into_iter().zip(0..).collect())
    }
}

pub(super) fn report(report: &Report) -> Result<message::Report, Invalid> {
    let message::KeptWindows { probes, addresses, windows: encoded } = windows(&report.windows)?;
    Ok(message::Report {
        vantage: report.vantage.to_string(),
        boot_id: report.boot.as_bytes().to_vec(),
        sequence: report.sequence.get(),
        software: report.software.to_string(),
        probes,
        addresses,
        windows: encoded,
        health: (report.health != Health::default())
            .then(|| report.health.to_message().field("health"))
            .transpose()?,
    })
}

pub(super) fn windows(windows: &[WindowReport]) -> Result<message::KeptWindows, Invalid> {
    let tallies = || windows.iter().flat_map(|window| &window.tallies);
    let probes = Dictionary::new(tallies().map(|(key, _)| key));
    let addresses = Dictionary::new(tallies().flat_map(|(_, tally)| &tally.addresses));
    Ok(message::KeptWindows {
        probes: (probes.0.keys().zip(0..))
            .map(|(key, index)| probe_key(key).item("probes", index))
            .collect::<Result<_, _>>()?,
        addresses: addresses.0.keys().map(|address| octets(address)).collect(),
        windows: (windows.iter().enumerate())
            .map(|(index, each)| window(each, &probes, &addresses).item("windows", index))
            .collect::<Result<_, _>>()?,
    })
}

fn probe_key(key: &ProbeKey) -> Result<message::ProbeKey, Invalid> {
    key.check()?;
    Ok(message::ProbeKey {
        target: key.target.to_string(),
        probe: key.probe.to_string(),
        kind: key.kind.number(),
        family: key.family.number(),
        warm: key.warm,
        interval_us: key.interval.get(),
        timeout_us: key.timeout.get(),
    })
}

fn octets(address: &IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn window(
    report: &WindowReport,
    probes: &Dictionary<'_, ProbeKey>,
    addresses: &Dictionary<'_, IpAddr>,
) -> Result<message::Window, Invalid> {
    let tallies = report.tallies.iter().enumerate().map(|(index, (key, each))| {
        each.check(key.kind).item("tallies", index)?;
        Ok(tally(each, probes.0[key], addresses))
    });
    Ok(message::Window {
        start_unix_s: report.window.start_unix_s(),
        length_s: report.window.length().seconds(),
        clock: report.clock.map(|clock| message::ClockOffset {
            offset_us: clock.offset_us,
            bound_us: clock.bound.get(),
        }),
        tallies: tallies.collect::<Result<_, Invalid>>()?,
    })
}

fn tally(tally: &Tally, probe_index: u32, addresses: &Dictionary<'_, IpAddr>) -> message::Tally {
    let failures = tally.failures.iter().map(|((code, phase), row)| message::FailureCount {
        code: code.number(),
        phase: phase.number(),
        count: row.count,
        last_detail: row.last_detail.to_string(),
    });
    let phases = tally.phases.iter().map(|(phase, histogram)| message::PhaseHistogram {
        phase: phase.number(),
        histogram: histogram.as_bytes().to_vec(),
    });
    message::Tally {
        probe_index,
        ok: tally.ok,
        degraded: tally.degraded,
        failures: failures.collect(),
        phases: phases.collect(),
        address_indices: tally.addresses.iter().map(|address| addresses.0[address]).collect(),
    }
}

//! From a message to a report that can be trusted to add up.
//!
//! What becomes of numbers that only a newer writer knows: an unknown failure code is counted as
//! `unknown`, an unknown phase of a failure becomes the code's default phase, and rows that then
//! have the same key are added up. Histograms of unknown phases, and probes of unknown kind or
//! family, are left out and reported in [`Omitted`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::encoded::EncodedHistogram;
use super::error::{Invalid, Locate as _, Problem};
use super::health::Health;
use super::message;
use super::model::{
    ClockOffset, Decoded, FailureCount, Omitted, Report, Software, Tally, WindowReport,
};
use super::probe::{Family, ProbeKey, ProbeKind};
use crate::failure::{Detail, FailureCode};
use crate::id::{BootId, ProbeId, Sequence, TargetId, VantageId};
use crate::phase::Phase;
use crate::units::Micros;
use crate::window::{Window, WindowLength};

pub(super) fn report(message: message::Report) -> Result<Decoded, Invalid> {
    let boot = <[u8; 16]>::try_from(message.boot_id.as_slice())
        .map_err(|_| Problem::Length { found: message.boot_id.len(), expected: "16" })
        .field("boot_id")?;
    let message::Report { probes, addresses, windows: encoded, .. } = message;
    let (windows, omitted) = windows(message::KeptWindows { probes, addresses, windows: encoded })?;
    let report = Report {
        vantage: VantageId::new(&message.vantage).field("vantage")?,
        boot: BootId::new(boot),
        sequence: Sequence::new(message.sequence).ok_or(Problem::Missing).field("sequence")?,
        software: Software::new(&message.software),
        windows,
        health: (message.health.as_ref().map(Health::from_message).transpose())
            .field("health")?
            .unwrap_or_default(),
    };
    Ok(Decoded { report, omitted })
}

pub(super) fn windows(
    message: message::KeptWindows,
) -> Result<(Vec<WindowReport>, Omitted), Invalid> {
    let probes = (message.probes.iter().enumerate())
        .map(|(index, key)| probe_key(key).item("probes", index))
        .collect::<Result<Vec<_>, _>>()?;
    let addresses = (message.addresses.iter().enumerate())
        .map(|(index, octets)| address(octets).item("addresses", index))
        .collect::<Result<Vec<_>, _>>()?;
    let unknown_probes = probes.iter().filter(|key| key.is_none()).count();
    let mut dictionary = Dictionary {
        probes,
        addresses,
        omitted: Omitted { probes: unknown_probes as u64, ..Omitted::default() },
    };
    let windows = (message.windows.into_iter().enumerate())
        .map(|(index, window)| dictionary.window(window).item("windows", index))
        .collect::<Result<_, _>>()?;
    Ok((windows, dictionary.omitted))
}

/// `None` where this version does not know the kind or the family.
fn probe_key(message: &message::ProbeKey) -> Result<Option<ProbeKey>, Invalid> {
    let target = TargetId::new(&message.target).field("target")?;
    let probe = ProbeId::new(&message.probe).field("probe")?;
    let (Some(kind), Some(family)) =
        (ProbeKind::from_number(message.kind), Family::from_number(message.family))
    else {
        return Ok(None);
    };
    let key = ProbeKey {
        target,
        probe,
        kind,
        family,
        warm: message.warm,
        interval: Micros::new(message.interval_us),
        timeout: Micros::new(message.timeout_us),
    };
    key.check()?;
    Ok(Some(key))
}

fn address(octets: &[u8]) -> Result<IpAddr, Problem> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .map_err(|_| Problem::Length { found: octets.len(), expected: "4 or 16" })
}

/// What windows refer to, and what had to be left out of them so far.
struct Dictionary {
    /// `None` is a probe that this version does not know.
    probes: Vec<Option<ProbeKey>>,
    addresses: Vec<IpAddr>,
    omitted: Omitted,
}

impl Dictionary {
    fn window(&mut self, message: message::Window) -> Result<WindowReport, Invalid> {
        let length = WindowLength::from_seconds(message.length_s).field("length_s")?;
        let window = Window::new(message.start_unix_s, length).field("start_unix_s")?;
        let clock = message.clock.map(|clock| ClockOffset {
            offset_us: clock.offset_us,
            bound: Micros::new(clock.bound_us),
        });
        let mut tallies = BTreeMap::new();
        for (position, each) in message.tallies.into_iter().enumerate() {
            let key = look_up(&self.probes, each.probe_index)
                .field("probe_index")
                .item("tallies", position)?;
            let Some(key) = key.clone() else {
                self.omitted.attempts = self.omitted.attempts.saturating_add(due(&each));
                continue;
            };
            let tally = self.tally(each, key.kind).item("tallies", position)?;
            if tallies.insert(key, tally).is_some() {
                return Err(Problem::Duplicate).item("tallies", position);
            }
        }
        Ok(WindowReport { window, clock, tallies })
    }

    fn tally(&mut self, message: message::Tally, kind: ProbeKind) -> Result<Tally, Invalid> {
        let failures = failures(&message.failures)?;
        let mut phases = BTreeMap::new();
        for (index, each) in message.phases.into_iter().enumerate() {
            let histogram = EncodedHistogram::new(each.histogram).item("phases", index)?;
            let Some(phase) = Phase::from_number(each.phase) else {
                self.omitted.histograms += 1;
                continue;
            };
            if phases.insert(phase, histogram).is_some() {
                return Err(Problem::Duplicate).item("phases", index);
            }
        }
        let addresses = (message.address_indices.iter().enumerate())
            .map(|(position, index)| {
                look_up(&self.addresses, *index).copied().item("address_indices", position)
            })
            .collect::<Result<BTreeSet<_>, _>>()?;
        let tally =
            Tally { ok: message.ok, degraded: message.degraded, failures, phases, addresses };
        tally.check(kind)?;
        Ok(tally)
    }
}

fn look_up<T>(list: &[T], index: u32) -> Result<&T, Problem> {
    usize::try_from(index)
        .ok()
        .and_then(|index| list.get(index))
        .ok_or(Problem::Index { index, length: list.len() })
}

fn due(message: &message::Tally) -> u64 {
    message.failures.iter().fold(message.ok, |due, row| due.saturating_add(row.count))
}

fn failures(
    rows: &[message::FailureCount],
) -> Result<BTreeMap<(FailureCode, Phase), FailureCount>, Invalid> {
    let mut failures = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        if row.count == 0 {
            return Err(Problem::Zero).item("failures", index);
        }
        let code = FailureCode::from_wire(row.code);
        let phase = Phase::from_number(row.phase).unwrap_or(code.default_phase());
        let known = failures
            .entry((code, phase))
            .or_insert(FailureCount { count: 0, last_detail: Detail::default() });
        known.count = (known.count.checked_add(row.count))
            .ok_or(Problem::Overflow)
            .item("failures", index)?;
        let detail = Detail::new(&row.last_detail);
        if !detail.is_empty() {
            known.last_detail = detail;
        }
    }
    Ok(failures)
}

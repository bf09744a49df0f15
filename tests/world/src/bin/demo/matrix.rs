//! The market × site matrix on the terminal.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use vantage_wire::{LatencyHistogram, Micros};
use vantage_world::Host;

/// Handshakes by market and site.
pub struct Matrix {
    markets: Vec<(u16, String)>,
    sites: Vec<(u16, String)>,
    cells: BTreeMap<(u16, u16), LatencyHistogram>,
    measured_minus_truth: Vec<Duration>,
}

impl Matrix {
    /// An empty matrix of these hosts.
    pub fn new(markets: &[&Host], sites: &[&Host]) -> Self {
        let named = |hosts: &[&Host]| {
            hosts.iter().map(|host| (host.position(), host.name().to_owned())).collect()
        };
        Self {
            markets: named(markets),
            sites: named(sites),
            cells: BTreeMap::new(),
            measured_minus_truth: Vec::new(),
        }
    }

    /// Adds a handshake: what its client measured, and what its packets took.
    pub fn add(&mut self, market: u16, site: u16, measured: Duration, truth: Duration) {
        let cell = self.cells.entry((market, site)).or_default();
        // It fails only where the count would pass 2^63.
        let _ = cell.record(Micros::from_duration_saturating(truth));
        self.measured_minus_truth.push(measured.saturating_sub(truth));
    }

    fn median_ms(&self, market: u16, site: u16) -> Option<f64> {
        let median = self.cells.get(&(market, site))?.quantile(0.5)?;
        Some(median.get() as f64 / 1_000.0)
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nTCP handshake, median in ms (the nearest site of each market is marked *)\n"
        )?;
        write!(f, "{:8}", "")?;
        for (_, site) in &self.sites {
            write!(f, "{site:>12}")?;
        }
        writeln!(f)?;
        for (market, name) in &self.markets {
            let row: Vec<_> =
                self.sites.iter().map(|(site, _)| self.median_ms(*market, *site)).collect();
            let nearest = row.iter().flatten().copied().fold(f64::INFINITY, f64::min);
            write!(f, "{name:8}")?;
            for cell in row {
                let text = match cell {
                    Some(ms) if ms <= nearest => format!("*{ms:.1}"),
                    Some(ms) => format!("{ms:.1}"),
                    None => "-".into(),
                };
                write!(f, "{text:>12}")?;
            }
            writeln!(f)?;
        }
        let mut excess = self.measured_minus_truth.clone();
        excess.sort_unstable();
        let Some(p50) = excess.get(excess.len() / 2) else { return Ok(()) };
        writeln!(
            f,
            "\n{} handshakes; what user space measured exceeds what the packets took by {} µs (median).",
            excess.len(),
            p50.as_micros()
        )
    }
}

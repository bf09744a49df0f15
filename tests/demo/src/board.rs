//! What the agents have reported so far.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vantage_wire::report::{ProbeKind, Tally, WindowReport};
use vantage_wire::{FailureCode, LatencyHistogram, Micros, Phase, TargetId, VantageId};

use crate::stage::Seen;

/// What is shown of a cell is what was measured in so many seconds.
const RECENT_S: i64 = 6;

/// Every window so far, by vantage point, target and kind of probe.
#[derive(Debug, Default)]
pub struct Board {
    cells: BTreeMap<(VantageId, TargetId, ProbeKind), Vec<Piece>>,
}

/// One window of one series.
#[derive(Debug)]
struct Piece {
    start_unix_s: i64,
    total: LatencyHistogram,
    connect: LatencyHistogram,
    failures: BTreeMap<FailureCode, u64>,
    ok: u64,
    addresses: BTreeSet<IpAddr>,
}

/// What a cell shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// The median of the successes.
    pub median: Option<Micros>,
    /// Attempts.
    pub attempts: u64,
    /// Of these, failed by the fault of target, path or resolver.
    pub failed: u64,
    /// The failure that is most frequent.
    pub usual_failure: Option<FailureCode>,
    /// The address that was probed last, where it was one.
    pub address: Option<IpAddr>,
}

impl Board {
    /// Takes in what was seen.
    pub fn add(&mut self, seen: &Seen) {
        for window in &seen.windows {
            for (probe, tally) in &window.tallies {
                let name = (seen.vantage.clone(), probe.target.clone(), probe.kind);
                if let Some(piece) = Piece::new(window, tally) {
                    self.cells.entry(name).or_default().push(piece);
                }
            }
        }
    }

    /// What was measured last, by requests over HTTP.
    pub fn recent(&self, vantage: &VantageId, target: &TargetId) -> Cell {
        let pieces = self.pieces(vantage, target);
        let newest = pieces.iter().map(|piece| piece.start_unix_s).max().unwrap_or(i64::MIN);
        let since = newest.saturating_sub(RECENT_S);
        Cell::of(pieces.iter().filter(|piece| piece.start_unix_s > since))
    }

    /// What was measured while a target was at an address.
    pub fn at(&self, vantage: &VantageId, target: &TargetId, address: IpAddr) -> Cell {
        let there = |piece: &&Piece| piece.only_address() == Some(address);
        Cell::of(self.pieces(vantage, target).iter().filter(there))
    }

    fn pieces(&self, vantage: &VantageId, target: &TargetId) -> &[Piece] {
        // Cloning two names is cheap: they are shared.
        let name = (vantage.clone(), target.clone(), ProbeKind::Http);
        self.cells.get(&name).map_or(&[], Vec::as_slice)
    }

    /// The TCP handshakes that were timed, by vantage point and the address they led to. Windows in
    /// which a target had two addresses are left out: nobody knows which was which.
    pub fn handshakes(&self) -> BTreeMap<(VantageId, IpAddr), LatencyHistogram> {
        let mut handshakes: BTreeMap<_, LatencyHistogram> = BTreeMap::new();
        for ((vantage, ..), pieces) in &self.cells {
            for piece in pieces {
                if let Some(address) = piece.only_address() {
                    let all = handshakes.entry((vantage.clone(), address)).or_default();
                    // It fails only where a count would pass 2^63.
                    let _ = all.merge(&piece.connect);
                }
            }
        }
        handshakes
    }

    /// What fails more often than not, over the whole act.
    pub fn failing(&self) -> impl Iterator<Item = (&VantageId, &TargetId, ProbeKind, Cell)> {
        self.cells.iter().filter_map(|((vantage, target, kind), pieces)| {
            let cell = Cell::of(pieces.iter());
            cell.mostly_fails().then_some((vantage, target, *kind, cell))
        })
    }

    /// Attempts so far.
    pub fn attempts(&self) -> u64 {
        self.cells.values().flatten().map(Piece::attempts).sum()
    }
}

impl Piece {
    fn new(window: &WindowReport, tally: &Tally) -> Option<Self> {
        let phase = |phase| match tally.phases.get(&phase) {
            Some(encoded) => encoded.decode().ok(),
            None => Some(LatencyHistogram::new()),
        };
        let mut failures = BTreeMap::new();
        for ((code, _), row) in &tally.failures {
            *failures.entry(*code).or_default() += row.count;
        }
        Some(Self {
            start_unix_s: window.window.start_unix_s(),
            total: phase(Phase::Total)?,
            connect: phase(Phase::Connect)?,
            failures,
            ok: tally.ok,
            addresses: tally.addresses.clone(),
        })
    }

    fn only_address(&self) -> Option<IpAddr> {
        self.addresses.first().copied().filter(|_| self.addresses.len() == 1)
    }

    fn failed(&self) -> impl Iterator<Item = (FailureCode, u64)> + '_ {
        let counts = |code: FailureCode| code.attribution().counts_against_site();
        self.failures.iter().map(|(code, count)| (*code, *count)).filter(move |(c, _)| counts(*c))
    }

    fn attempts(&self) -> u64 {
        self.ok + self.failed().map(|(_, count)| count).sum::<u64>()
    }
}

impl Cell {
    /// More fail than succeed.
    pub fn mostly_fails(&self) -> bool {
        self.failed * 2 > self.attempts
    }

    fn of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Self {
        let mut cell = Self::default();
        let (mut total, mut failures) = (LatencyHistogram::new(), BTreeMap::<_, u64>::new());
        for piece in pieces {
            // It fails only where a count would pass 2^63.
            let _ = total.merge(&piece.total);
            cell.attempts += piece.attempts();
            for (code, count) in piece.failed() {
                *failures.entry(code).or_default() += count;
            }
            cell.address = piece.only_address().or(cell.address);
        }
        cell.median = total.quantile(0.5);
        cell.failed = failures.values().sum();
        cell.usual_failure =
            failures.into_iter().max_by_key(|(_, count)| *count).map(|(code, _)| code);
        cell
    }
}

//! What the machine has left: CPU, descriptors, memory.

use std::io;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use vantage_wire::report::Health;
use vantage_wire::{LatencyHistogram, Micros};

use super::Anchors;
use crate::record::AgentState;

/// Attempts that begin so late (p99) were held up by the machine: (50 ms, half of what counts as
/// missed).
const LAG_LIMIT: Duration = Duration::from_millis(50);
/// A tenth of the CPU time taken by the hypervisor is felt in every user-space stamp.
const STEAL_LIMIT_PERMILLE: u32 = 100;
/// Descriptors in use, of those allowed, from which on attempts begin to fail for lack of one.
const DESCRIPTORS_LIMIT: f64 = 0.9;
/// Memory left to programs, of all, below which the kernel begins to reclaim in earnest.
const MEMORY_LIMIT: f64 = 0.03;

/// CPU time by the kernel's count since the machine started, in ticks (`proc(5)`, `/proc/stat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CpuTicks {
    all: u64,
    stolen: u64,
}

impl CpuTicks {
    /// Reads the first line of `/proc/stat`; `None` when it is not as the kernel writes it.
    pub fn parse(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .strip_prefix("cpu ")?
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        // user nice system idle iowait irq softirq steal; guest times are part of user.
        let all = ticks.get(..8)?.iter().sum();
        Some(Self { all, stolen: ticks[7] })
    }

    /// Share of the time since an earlier reading that the hypervisor gave to others, in
    /// thousandths; `None` when no time has passed.
    pub fn stolen_permille_since(self, earlier: Self) -> Option<u32> {
        let all = self.all.checked_sub(earlier.all).filter(|all| *all > 0)?;
        let stolen = self.stolen.saturating_sub(earlier.stolen);
        u32::try_from(stolen.saturating_mul(1_000) / all).ok()
    }
}

/// Memory of the machine, in kB, as `/proc/meminfo` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All there is.
    pub total_kib: u64,
    /// What programs can still have without swapping.
    pub available_kib: u64,
}

impl Memory {
    /// Reads `/proc/meminfo`; `None` when a line is missing.
    pub fn parse(meminfo: &str) -> Option<Self> {
        let line = |name: &str| -> Option<u64> {
            let rest = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            rest.trim().strip_suffix("kB")?.trim().parse().ok()
        };
        Some(Self { total_kib: line("MemTotal:")?, available_kib: line("MemAvailable:")? })
    }
}

/// What the self-checks found over a while.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SelfCheck {
    /// How late attempts began.
    pub lag: LatencyHistogram,
    /// Share of CPU time stolen, in thousandths.
    pub stolen_permille: Option<u32>,
    /// Descriptors open, and allowed.
    pub descriptors: Option<(u64, u64)>,
    /// The machine's memory.
    pub memory: Option<Memory>,
    /// The agent's own memory, in bytes.
    pub resident_bytes: Option<u64>,
    /// Anchors that answered when last asked, and all of them.
    pub anchors: (usize, usize),
}

impl SelfCheck {
    /// Everything that is wrong, for people; empty when the agent is well.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let lag = self.lag.quantile(0.99).map_or(Duration::ZERO, Duration::from);
        if lag > LAG_LIMIT {
            problems.push(format!("attempts begin late: p99 {lag:?}; the machine is too busy"));
        }
        if let Some(permille) = self.stolen_permille.filter(|share| *share > STEAL_LIMIT_PERMILLE) {
            let percent = f64::from(permille) / 10.0;
            problems.push(format!("the hypervisor takes {percent} % of the CPU; move the agent"));
        }
        if let Some((open, limit)) = self.descriptors
            && open as f64 > limit as f64 * DESCRIPTORS_LIMIT
        {
            problems
                .push(format!("{open} of {limit} file descriptors are open; raise LimitNOFILE"));
        }
        if let Some(Memory { total_kib, available_kib }) = self.memory
            && (available_kib as f64) < total_kib as f64 * MEMORY_LIMIT
        {
            problems.push(format!("{available_kib} kB of memory are left of {total_kib} kB"));
        }
        if let (0, all @ 1..) = self.anchors {
            problems.push(format!("none of {all} anchors answers; has this machine a network?"));
        }
        problems
    }

    /// Whether attempts of this while are to be marked.
    pub fn state(&self) -> AgentState {
        if self.problems().is_empty() { AgentState::Well } else { AgentState::Degraded }
    }

    /// As reported. The spool is not known here.
    pub fn to_health(&self) -> Health {
        let (reachable, all) = self.anchors;
        let anchors = |count: usize| u32::try_from(count).ok().filter(|_| all > 0);
        Health {
            event_loop_lag_p99: self.lag.quantile(0.99),
            cpu_steal_permille: self.stolen_permille,
            open_files: self.descriptors.map(|(open, _)| open),
            open_files_limit: self.descriptors.map(|(_, limit)| limit),
            resident_bytes: self.resident_bytes,
            anchors_reachable: anchors(reachable),
            anchors_total: anchors(all),
            ..Health::default()
        }
    }
}

/// Checks the machine every while.
#[derive(Debug, Default)]
pub struct SelfChecks {
    lag: LatencyHistogram,
    cpu: Option<CpuTicks>,
}

impl SelfChecks {
    /// Takes note of how late an attempt began.
    pub fn began(&mut self, late: Duration) {
        // It fails only where the count would pass 2^63.
        let _ = self.lag.record(Micros::from_duration_saturating(late));
    }

    /// What happened since the last call. What the system does not tell stays unknown.
    pub fn take(&mut self, anchors: &Anchors) -> SelfCheck {
        let cpu = std::fs::read_to_string("/proc/stat").ok().as_deref().and_then(CpuTicks::parse);
        let stolen_permille = match (cpu, self.cpu) {
            (Some(now), Some(earlier)) => now.stolen_permille_since(earlier),
            _ => None,
        };
        self.cpu = cpu.or(self.cpu);
        SelfCheck {
            lag: std::mem::take(&mut self.lag),
            stolen_permille,
            descriptors: descriptors().ok(),
            memory: std::fs::read_to_string("/proc/meminfo")
                .ok()
                .as_deref()
                .and_then(Memory::parse),
            resident_bytes: resident_bytes(),
            anchors: anchors.reachable(),
        }
    }
}

/// File descriptors of this process: open, and allowed.
///
/// # Errors
/// The operating system's.
pub fn descriptors() -> io::Result<(u64, u64)> {
    let open = std::fs::read_dir("/proc/self/fd")?.count();
    let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok((open as u64, limit))
}

/// Memory of this process that is in RAM (`VmRSS` of `/proc/self/status`).
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_a_share_of_what_passed() {
        let at = |user: u64, steal: u64| {
            CpuTicks::parse(&format!("cpu  {user} 0 100 700 0 0 0 {steal} 50 0\ncpu0 1 2\n"))
                .unwrap()
        };
        let (before, after) = (at(1_000, 10), at(1_180, 30));
        assert_eq!(after.stolen_permille_since(before), Some(100));
        assert_eq!(before.stolen_permille_since(before), None);
        assert_eq!(CpuTicks::parse("cpu  1 2 3"), None);
        assert_eq!(CpuTicks::parse(""), None);
    }

    #[test]
    fn memory_is_read_from_its_two_lines() {
        let text = "MemTotal:       16000 kB\nMemFree: 1 kB\nMemAvailable:   400 kB\n";
        assert_eq!(Memory::parse(text), Some(Memory { total_kib: 16_000, available_kib: 400 }));
        assert_eq!(Memory::parse("MemTotal: 1 kB"), None);
    }

    #[test]
    fn each_problem_is_named_with_its_remedy() {
        let well = SelfCheck {
            lag: LatencyHistogram::from_samples([Micros::from_millis(1)]),
            stolen_permille: Some(100),
            descriptors: Some((900, 1_000)),
            memory: Some(Memory { total_kib: 1_000, available_kib: 30 }),
            resident_bytes: Some(1),
            anchors: (1, 2),
        };
        assert_eq!(well.problems(), Vec::<String>::new());
        let ill = SelfCheck {
            lag: LatencyHistogram::from_samples([Micros::from_millis(80)]),
            stolen_permille: Some(101),
            descriptors: Some((901, 1_000)),
            memory: Some(Memory { total_kib: 1_000, available_kib: 29 }),
            resident_bytes: None,
            anchors: (0, 2),
        };
        assert_eq!(ill.problems().len(), 5);
        let health = ill.to_health();
        assert_eq!((health.anchors_reachable, health.anchors_total), (Some(0), Some(2)));
        assert_eq!(ill.state(), AgentState::Degraded);
    }

    #[test]
    fn the_machine_tells_what_is_asked_of_it() {
        let mut checks = SelfChecks::default();
        checks.began(Duration::from_micros(70));
        let check = checks.take(&Anchors::new(0));
        assert_eq!(check.lag.count(), 1);
        let (open, limit) = check.descriptors.unwrap();
        assert!(open > 2 && limit >= open);
        assert!(check.memory.is_some() && check.resident_bytes.unwrap() > 100_000);
        assert_eq!(checks.take(&Anchors::new(0)).lag.count(), 0, "each while begins anew");
    }
}

//! What a process has used: CPU time and memory.

use std::io;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;

/// A running process.
#[derive(Debug, Clone, Copy)]
pub struct Process(Pid);

/// Memory of a process, in KiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident now (`VmRSS`).
    pub resident: u64,
    /// Resident at most, ever (`VmHWM`).
    pub peak: u64,
    /// Of the resident memory, the program's own: heap and stacks (`RssAnon`). The rest is code,
    /// which the system can drop and load again.
    pub anonymous: u64,
}

impl Process {
    /// The process with this id.
    ///
    /// # Errors
    /// Where the number is none of a process.
    pub fn new(id: u32) -> io::Result<Self> {
        i32::try_from(id).map(|id| Self(Pid::from_raw(id))).map_err(io::Error::other)
    }

    /// CPU time of all its threads, those that have ended included, by its CPU-time clock.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn cpu(self) -> io::Result<Duration> {
        Ok(clock_gettime(clock_getcpuclockid(self.0)?)?.into())
    }

    /// Its memory, from `/proc/PID/status`.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn memory(self) -> io::Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        Ok(Memory {
            resident: field("VmRSS:"),
            peak: field("VmHWM:"),
            anonymous: field("RssAnon:"),
        })
    }
}

/// Where threads and processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The first core, which the prober has to itself.
    FirstCore,
    /// All other cores.
    OtherCores,
}

/// Moves the calling thread, and with it all threads and processes that it starts from now on.
///
/// # Errors
/// On a machine with one core.
pub fn stay_on(place: Place) -> io::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    let mut set = CpuSet::new();
    match place {
        Place::FirstCore => set.set(0)?,
        Place::OtherCores => {
            for core in 1..cores.max(2) {
                set.set(core)?;
            }
        }
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_cpu_and_memory() {
        let this = Process::new(std::process::id()).unwrap();
        let memory = this.memory().unwrap();
        assert!(memory.resident > 0 && memory.anonymous < memory.resident);
        assert!(memory.resident <= memory.peak && this.cpu().unwrap() > Duration::ZERO);
    }
}

//! What every process says of itself, under the names that all of Prometheus's libraries use.

use std::fs;

use super::exposition::{Exposition, Value};
use super::metric::Metric;

const CPU: Metric = Metric::counter(
    "process_cpu_seconds_total",
    &[],
    "Processor time of the process, its own and the kernel's on its behalf.",
);
const RESIDENT: Metric =
    Metric::gauge("process_resident_memory_bytes", &[], "Memory of the process that is resident.");
const VIRTUAL: Metric =
    Metric::gauge("process_virtual_memory_bytes", &[], "Memory of the process that is mapped.");
const OPEN: Metric =
    Metric::gauge("process_open_fds", &[], "File descriptors of the process that are open.");
const MOST: Metric =
    Metric::gauge("process_max_fds", &[], "Most file descriptors that the process may open.");
const START: Metric = Metric::gauge(
    "process_start_time_seconds",
    &[],
    "When the process started, in seconds since the Unix epoch.",
);

/// Every metric of a process.
pub const PROCESS: &[Metric] = &[CPU, RESIDENT, VIRTUAL, OPEN, MOST, START];

/// The kernel tells user space of 100 ticks a second, whatever it uses itself (`proc(5)`).
const TICKS_A_SECOND: f64 = 100.0;
/// Memory comes in pages of 4 KiB on every machine that is served.
const PAGE_BYTES: u64 = 4_096;

/// What the kernel tells of this process (`proc(5)`). What it does not tell stays unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessFacts {
    cpu_s: Option<f64>,
    resident_bytes: Option<u64>,
    virtual_bytes: Option<u64>,
    open_files: Option<u64>,
    most_files: Option<u64>,
    started_unix_s: Option<f64>,
}

impl ProcessFacts {
    /// As they are now.
    pub fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let mut facts = Self::default();
        if let Some(stat) = read("/proc/self/stat") {
            let machine = read("/proc/stat");
            facts.take_stat(&stat, machine.as_deref().unwrap_or_default());
        }
        let limits = read("/proc/self/limits");
        facts.most_files = limits.as_deref().and_then(soft_limit_of_files);
        // The folder is open while it is read.
        let open = fs::read_dir("/proc/self/fd").ok().map(Iterator::count);
        facts.open_files = open.map(|count| count.saturating_sub(1) as u64);
        facts
    }

    fn take_stat(&mut self, stat: &str, machine: &str) {
        // The name of the program stands in brackets and may have any character in it.
        let Some((_, rest)) = stat.rsplit_once(')') else { return };
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is the third field of the file, the state.
        let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
        let ticks = |field| number(field).map(|ticks| ticks as f64 / TICKS_A_SECOND);
        self.cpu_s = Option::zip(ticks(14), ticks(15)).map(|(user, system)| user + system);
        self.virtual_bytes = number(23);
        self.resident_bytes = number(24).map(|pages| pages * PAGE_BYTES);
        let boot = machine.lines().find_map(|line| line.strip_prefix("btime "));
        let boot = boot.and_then(|boot| boot.trim().parse::<f64>().ok());
        self.started_unix_s = Option::zip(boot, ticks(22)).map(|(boot, since)| boot + since);
    }

    /// Adds what is known to an exposition.
    pub fn put(self, exposition: &mut Exposition) {
        let whole = |value: Option<u64>| value.map(Value::Count);
        let number = |value: Option<f64>| value.map(Value::Number);
        for (metric, value) in [
            (CPU, number(self.cpu_s)),
            (RESIDENT, whole(self.resident_bytes)),
            (VIRTUAL, whole(self.virtual_bytes)),
            (OPEN, whole(self.open_files)),
            (MOST, whole(self.most_files)),
            (START, number(self.started_unix_s)),
        ] {
            if let Some(value) = value {
                exposition.put_one(metric, value);
            }
        }
    }
}

fn soft_limit_of_files(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_files_are_read() {
        let stat = "1234 (a (b) c) S 1 1 1 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 3 0 2000 \
                    8192000 500 18446744073709551615 1 1 0";
        let mut facts = ProcessFacts::default();
        facts.take_stat(stat, "cpu  1 2\nbtime 1700000000\n");
        assert_eq!(facts.cpu_s, Some(2.0));
        assert_eq!((facts.virtual_bytes, facts.resident_bytes), (Some(8_192_000), Some(2_048_000)));
        assert_eq!(facts.started_unix_s, Some(1_700_000_020.0));
        let limits = "Limit  Soft Limit  Hard Limit  Units\n\
                      Max open files            1024                 524288               files\n";
        assert_eq!(soft_limit_of_files(limits), Some(1_024));
    }

    #[test]
    fn this_process_has_all_of_them() {
        let facts = ProcessFacts::read();
        assert!(facts.cpu_s.is_some() && facts.virtual_bytes > facts.resident_bytes);
        assert!(facts.most_files >= facts.open_files && facts.open_files > Some(2));
        assert!(facts.started_unix_s > Some(1.7e9));
    }
}

//! The agent in a process of its own (`bench-agent`), and what it reports.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::process::{Memory, Process};

/// What the agent is to do.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// `tcp`, `icmp`, `tls` or `https`.
    pub kind: &'a str,
    /// The target's address.
    pub host: &'a str,
    /// Its ports, by turns.
    pub ports: &'a [u16],
    /// Attempts per second, all together.
    pub per_second: u32,
    /// How often each probe is carried out.
    pub interval: Duration,
    /// For how long.
    pub length: Duration,
    /// Whether attempts are recorded and reported, as an agent does; else their figures are kept.
    pub record: bool,
}

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    cpu_at_start: Duration,
}

/// What an agent did and used.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Attempts that succeeded.
    pub made: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Slots without an attempt.
    pub missed: u64,
    /// The outcome figure (`total`, of ICMP `rtt`), which half of the attempts do not exceed.
    pub p50: Duration,
    /// The same of 99 %.
    pub p99: Duration,
    /// Reports encoded, and their size in bytes.
    pub reports: (u64, u64),
    /// CPU time from the first attempt to the last.
    pub cpu: Duration,
    /// Memory after the last attempt.
    pub memory: Memory,
}

impl Agent {
    /// Starts an agent with this command, which is to run `program`, the bench's own `bench-agent`.
    /// When this returns, it makes its first attempts.
    ///
    /// # Errors
    /// The operating system's, or that it ended at once.
    pub fn start(mut command: Command, task: Task<'_>) -> io::Result<Self> {
        let ports: Vec<String> = task.ports.iter().map(ToString::to_string).collect();
        let numbers =
            [u128::from(task.per_second), task.interval.as_millis(), task.length.as_secs().into()];
        command.args([task.kind, task.host, &ports.join(",")]);
        command.args(numbers.map(|number| number.to_string()));
        command.arg::<&OsStr>(if task.record { "record" } else { "time" }.as_ref());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or_else(|| io::Error::other("it has no output"))?;
        let mut output = BufReader::new(output).lines();
        output.next().ok_or_else(|| io::Error::other("the agent ended at once"))??;
        let cpu_at_start = Process::new(child.id())?.cpu()?;
        Ok(Self { child, output, cpu_at_start })
    }

    /// Its memory now.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        Process::new(self.child.id())?.memory()
    }

    /// Waits until it has made its last attempt, and ends it.
    ///
    /// # Errors
    /// Where it ended early or said something else than it should.
    pub fn finish(mut self) -> io::Result<Done> {
        let line =
            self.output.next().ok_or_else(|| io::Error::other("the agent ended early"))??;
        let process = Process::new(self.child.id())?;
        let (cpu, memory) = (process.cpu()?.saturating_sub(self.cpu_at_start), process.memory()?);
        drop(self.child.stdin.take());
        self.child.wait()?;
        let numbers: Vec<u64> = line.split(' ').filter_map(|text| text.parse().ok()).collect();
        let [made, failed, missed, p50, p99, reports, bytes] = *numbers.as_slice() else {
            return Err(io::Error::other(format!("the agent said {line:?}")));
        };
        Ok(Done {
            made,
            failed,
            missed,
            p50: Duration::from_micros(p50),
            p99: Duration::from_micros(p99),
            reports: (reports, bytes),
            cpu,
            memory,
        })
    }
}

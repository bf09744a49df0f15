//! `world run`: a command at a host of a world.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::{Child, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vantage_world::truth::{Truth, Verdict};
use vantage_world::{RouterReport, World, privilege};

/// How often the command, the signals and the world file are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Args)]
pub struct Run {
    /// The world file. When it changes while the command runs, so does the world.
    world: PathBuf,
    /// The host to run the command at [default: the world's first].
    #[arg(long)]
    host: Option<String>,
    /// Write what happened to every packet to this file (CSV), when the command has ended.
    #[arg(long)]
    truth: Option<PathBuf>,
    /// Say nothing but what the command says, and errors.
    #[arg(long, short)]
    quiet: bool,
    /// The command and its arguments [default: your shell].
    #[arg(last = true)]
    command: Vec<String>,
}

impl Run {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        let config = super::read(&self.world)?;
        // From the beginning: a signal that came before it is caught would end this process and
        // leave the command behind.
        let terminate = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&terminate))
            .context("failed to catch SIGTERM")?;
        // Opened first: a run that cannot be written down should not begin.
        let truth_file = match &self.truth {
            Some(path) => Some(
                File::create(path)
                    .with_context(|| format!("failed to create {}", path.display()))?,
            ),
            None => None,
        };
        let world = World::start(&config)?;
        let name = self.host.clone().unwrap_or_else(|| config.hosts[0].name.clone());
        let host = world.host(&name)?;
        let (program, arguments) = match self.command.split_first() {
            Some((program, arguments)) => (program.clone(), arguments),
            None => (std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into()), &[][..]),
        };
        if !self.quiet {
            eprintln!(
                "world: {} hosts are up; running {program} at {name} ({})",
                world.hosts().len(),
                host.ipv4()
            );
        }
        let child = host
            .command(&program)
            .args(arguments)
            .spawn()
            .with_context(|| format!("failed to start {program} at host {name}"))?;
        let status = self.attend(child, &world, &terminate)?;
        let truth = world.truth()?;
        if let Some(file) = truth_file {
            write_truth(&truth, &world, file).context("failed to write the truth file")?;
        }
        let report = world.report()?;
        if !self.quiet {
            summarise(&truth, &report);
        }
        if report.frames_missed > 0 || truth.not_kept() > 0 {
            eprintln!(
                "world: the truth is incomplete: {} frames came too fast, {} found no room in the log",
                report.frames_missed,
                truth.not_kept()
            );
        }
        Ok(privilege::exit_code(status))
    }

    /// Waits for the command, passes on a request to end, and follows the world file.
    fn attend(
        &self,
        mut child: Child,
        world: &World,
        terminate: &AtomicBool,
    ) -> anyhow::Result<ExitStatus> {
        let mut text = std::fs::read(&self.world).ok();
        loop {
            if let Some(status) = child.try_wait().context("failed to wait for the command")? {
                return Ok(status);
            }
            if terminate.swap(false, Ordering::Relaxed)
                && let Ok(pid) = i32::try_from(child.id())
            {
                // It fails only where the command has ended by itself.
                let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
            }
            // By its text: times of modification are too coarse to tell a file that is being
            // written from one that is complete.
            let current = std::fs::read(&self.world).ok();
            if current != text {
                text = current;
                match super::read(&self.world).and_then(|config| Ok(world.change(&config)?)) {
                    Ok(()) if self.quiet => {}
                    Ok(()) => eprintln!("world: changed as {} says", self.world.display()),
                    Err(error) => eprintln!("world: left as it was: {error:#}"),
                }
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}

fn write_truth(truth: &Truth, world: &World, file: File) -> std::io::Result<()> {
    let mut out = BufWriter::new(file);
    writeln!(
        out,
        "# times: nanoseconds on this machine's monotonic clock; sent is empty for what was not delivered"
    )?;
    writeln!(out, "arrival_ns,due_ns,sent_ns,from,to,frame_bytes,verdict,packet")?;
    let name = |position: u16| world.hosts()[usize::from(position)].name();
    for record in truth.records() {
        writeln!(
            out,
            "{},{},{},{},{},{},{},{}",
            record.arrival.0,
            record.due.0,
            record.sent.map_or_else(String::new, |sent| sent.0.to_string()),
            name(record.from),
            name(record.to),
            record.frame_bytes,
            record.verdict.name(),
            record.key
        )?;
    }
    out.flush()
}

fn summarise(truth: &Truth, report: &RouterReport) {
    let mut parts = Vec::new();
    for verdict in Verdict::ALL {
        let count = truth.count(verdict);
        if count > 0 {
            parts.push(format!("{count} {}", verdict.name()));
        }
    }
    let packets = if parts.is_empty() { "none".into() } else { parts.join(", ") };
    let late = |q| report.lateness.quantile(q).map_or(0, vantage_wire::Micros::get);
    eprintln!(
        "world: packets: {packets}; router late by p50 {} µs, p99 {} µs ({})",
        late(0.5),
        late(0.99),
        report.scheduling
    );
}

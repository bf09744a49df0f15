//! `probe`: the agent's machinery for a person at a terminal.
//!
//! One thread measures; another shows, so that a slow terminal delays no attempt.

mod arguments;
mod bar;
mod display;
mod distribution;
mod facts;
mod histogram_log;
mod json;
mod line;
mod number;
mod summary;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, BufWriter, IsTerminal as _};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use terminal_size::{Height, Width};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_wire::report::ProbeKind;

pub use arguments::Arguments;

use super::exit::{CommandError, Outcome};
use super::{calendar, paint};
use crate::guard::Guard;
use crate::net::tls::TlsClients;
use crate::net::{Resolver, TcpNetwork};
use crate::probe::{Probe, Surroundings};
use crate::runner::{self, InFlight, Runner};
use crate::spec::{Action, Host, ProbeSpec, SpecError};
use display::{Display, Size, Style};
use tally::Tally;

/// Attempts of a target where nobody is there to press Ctrl-C.
const COUNT_ELSEWHERE: u64 = 5;
/// Outcomes that wait to be shown. When a terminal has been held up for so long that there are
/// more, attempts wait for it and become missed slots, which are counted.
const MOST_WAITING: usize = 65_536;
/// How often the live summary is redrawn at most.
const REDRAW_EVERY: Duration = Duration::from_millis(100);
const SIZE_ELSEWHERE: Size = Size { columns: 120, rows: 24 };

/// Probes what the arguments say.
///
/// # Errors
/// Why nothing was probed, no target was reached, or nothing could be written.
pub fn execute(arguments: &Arguments) -> Result<Outcome, CommandError> {
    let specs = arguments.specs()?;
    // Opened first: what cannot be written down should not be measured.
    let log = arguments.histogram.as_ref().map(|path| {
        File::create(path).map_err(|error| {
            CommandError::Usage(format!("--histogram {}: {error}", path.display()))
        })
    });
    let log = log.transpose()?;
    let kinds: Vec<_> = specs.iter().map(|spec| spec.action.kind()).collect();
    let on_terminal = io::stdout().is_terminal();
    let style = match (arguments.json, on_terminal) {
        (true, _) => Style::Json,
        (false, true) => Style::Live,
        (false, false) => Style::Lines,
    };
    let count = arguments.count.or((!on_terminal).then_some(COUNT_ELSEWHERE));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::System { doing: "start", error })?;
    let stop = CancellationToken::new();
    let (sender, receiver) = mpsc::sync_channel(MOST_WAITING);
    let (began, tallies, lasted) = runtime.block_on(async {
        let runner = prepare(specs, arguments.interval, count)?;
        let began = calendar::since_epoch();
        let start = runner.1;
        let tallies = tallies(&arguments.targets, &kinds);
        let now_unix_s = i64::try_from(began.as_secs()).unwrap_or(i64::MAX);
        let how = (style, arguments.quiet, paint(arguments.no_color));
        let display = Display::new(BufWriter::new(io::stdout()), how, tallies, start, now_unix_s);
        let showing = {
            let stop = stop.clone();
            thread::spawn(move || {
                let shown = show(display, &receiver);
                if shown.is_err() {
                    stop.cancel();
                }
                shown
            })
        };
        run(runner.0, sender, stop).await?;
        let lasted = start.elapsed();
        let shown = showing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let tallies =
            shown.map_err(|error| CommandError::Output { what: "results".into(), error })?;
        Ok::<_, CommandError>((began, tallies, lasted))
    })?;
    if let (Some(file), Some(path)) = (log, &arguments.histogram) {
        histogram_log::write(&mut BufWriter::new(file), &tallies, began, lasted)
            .map_err(|error| CommandError::Output { what: path.display().to_string(), error })?;
    }
    judge(&tallies)
}

/// The runner with its probes, and when the first attempt is due.
fn prepare(
    specs: Vec<ProbeSpec>,
    interval: Duration,
    count: Option<u64>,
) -> Result<(Runner<TcpNetwork>, Instant), CommandError> {
    let surroundings = Surroundings {
        network: Arc::new(TcpNetwork::new(resolver(&specs)?)),
        guard: Guard::ALLOW_PRIVATE,
        tls: TlsClients::new(),
        contact: None,
    };
    let targets = u32::try_from(specs.len()).unwrap_or(u32::MAX);
    let usage = |error: SpecError| CommandError::Usage(error.to_string());
    let mut probes = Vec::new();
    for spec in specs {
        probes.push(Probe::new(spec, surroundings.clone()).map_err(usage)?);
    }
    let mut runner = Runner::new(InFlight::default());
    // Preparing takes time: reading certificate authorities, for one.
    let start = Instant::now();
    for (number, probe) in (0..).zip(probes) {
        // Targets are probed in turn, not in step.
        runner.add(probe, start + interval * number / targets, interval, count);
    }
    Ok((runner, start))
}

/// The system's resolver; where it has none, that matters only to those who need one.
fn resolver(specs: &[ProbeSpec]) -> Result<Resolver, CommandError> {
    // Keyed by the operating system's random numbers.
    let seed = RandomState::new().build_hasher().finish();
    match Resolver::from_system(seed) {
        Ok(resolver) => Ok(resolver),
        Err(_) if !specs.iter().any(|spec| needs_resolver(&spec.action)) => {
            Ok(Resolver::new(Vec::new(), seed))
        }
        Err(error) => Err(CommandError::Unreached(error.to_string())),
    }
}

fn needs_resolver(action: &Action) -> bool {
    let redirects = matches!(action, Action::Http(spec) if spec.follow_redirects > 0);
    redirects || !matches!(action.host(), Some(Host::Address(_)))
}

fn tallies(targets: &[String], kinds: &[ProbeKind]) -> Vec<Tally> {
    targets.iter().zip(kinds).map(|(target, kind)| Tally::new(target, *kind)).collect()
}

/// Probes until all attempts are made or somebody has had enough.
async fn run(
    runner: Runner<TcpNetwork>,
    sender: SyncSender<runner::Outcome>,
    stop: CancellationToken,
) -> Result<(), CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = |error| CommandError::System { doing: "catch Ctrl-C", error };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(caught)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(caught)?;
    // Nobody receiving means nobody looking: the display has cancelled the run.
    let settled = |outcome| drop(sender.send(outcome));
    let mut running = std::pin::pin!(runner.run(settled, stop.clone()));
    tokio::select! {
        () = &mut running => return Ok(()),
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    stop.cancel();
    running.await;
    Ok(())
}

/// Shows outcomes until there are no more to come.
fn show<W: io::Write>(
    mut display: Display<W>,
    outcomes: &Receiver<runner::Outcome>,
) -> io::Result<Vec<Tally>> {
    let mut shown: Option<Instant> = None;
    let mut unseen = false;
    loop {
        let wait = shown.map_or(Duration::ZERO, |at| REDRAW_EVERY.saturating_sub(at.elapsed()));
        let next = if unseen {
            outcomes.recv_timeout(wait)
        } else {
            outcomes.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        match next {
            Ok(outcome) => {
                display.take(&outcome, terminal())?;
                unseen = true;
            }
            Err(RecvTimeoutError::Timeout) => {
                display.show(terminal())?;
                (shown, unseen) = (Some(Instant::now()), false);
            }
            Err(RecvTimeoutError::Disconnected) => return display.finish(terminal()),
        }
    }
}

/// The terminal's size, now: people resize them.
fn terminal() -> Size {
    match terminal_size::terminal_size_of(io::stdout()) {
        Some((Width(columns), Height(rows))) if columns > 0 && rows > 0 => {
            Size { columns: columns.into(), rows: rows.into() }
        }
        _ => SIZE_ELSEWHERE,
    }
}

fn judge(tallies: &[Tally]) -> Result<Outcome, CommandError> {
    let unreached: Vec<_> = tallies.iter().filter(|tally| tally.never_got_there()).collect();
    if !unreached.is_empty() && unreached.len() == tallies.len() {
        let why = |tally: &&Tally| {
            let latest = tally.failures.values().next_back().map(|failures| &failures.latest);
            let failure = latest.map(ToString::to_string).unwrap_or_default();
            format!("{}: {}", tally.target, paint::printable(&failure))
        };
        let all: Vec<_> = unreached.iter().map(why).collect();
        return Err(CommandError::Unreached(all.join("; ")));
    }
    let bad = tallies.iter().any(|tally| tally.failed() > 0);
    Ok(if bad { Outcome::Bad } else { Outcome::Good })
}

//! `demo`: one command that runs all of Vantage.

use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tokio_util::sync::CancellationToken;
use vantage_demo::acts::{Programme, play};
use vantage_demo::scenario::{HQ, Scenario, ScenarioError};
use vantage_demo::screen::Screen;
use vantage_demo::stage::{Folders, open_door, taken_door};
use vantage_world::World;
use vantage_world::privilege::{self, Privilege};

/// The case that the demo shows unless it is told otherwise.
const XIAOMI: &str = include_str!("../worlds/xiaomi-2014.toml");
const EXIT_USAGE: u8 = 2;
const EXIT_REFUSED: u8 = 3;
/// As a shell has it: 128 + SIGINT.
const EXIT_INTERRUPTED: u8 = 130;

/// Xiaomi, 2014: two services leave Beijing. Which site for which market, how much better, how sure,
/// and did it come true?
///
/// A live act of real agents, network and aggregator, then simulated weeks through the same ingest,
/// then the answers. Exit codes: 0 done, 1 failed, 2 wrong arguments or scenario, 3 the system does
/// not let us make networks, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "demo", max_term_width = 100)]
struct Arguments {
    /// Run another scenario: tests/demo/worlds has some.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// Write all results to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Keep the aggregator until Ctrl-C, and say where it is.
    #[arg(long)]
    keep: bool,
    /// How long the live act takes, in which a day passes.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(10..=3_600))]
    live: u64,
    /// How many weeks are simulated, half of them before the cutover; fewer make wider margins.
    #[arg(long, value_name = "WEEKS", default_value_t = 8, value_parser = clap::value_parser!(u16).range(2..=8))]
    weeks: u16,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let scenario = match read(&arguments) {
        Ok(scenario) => scenario,
        Err(error) => {
            eprintln!("demo: {error:#}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if arguments.keep
        && let Err(error) = open_door()
    {
        eprintln!("demo: failed to open a port for --keep: {error}");
        return ExitCode::FAILURE;
    }
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::from(EXIT_REFUSED);
        }
    }
    match run(&arguments, &scenario) {
        Ok(Some(())) => ExitCode::SUCCESS,
        Ok(None) => {
            eprintln!("demo: interrupted; nothing is left behind");
            ExitCode::from(EXIT_INTERRUPTED)
        }
        // Whoever read our output has had enough of it.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let source = error.downcast_ref::<std::io::Error>();
    source.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn read(arguments: &Arguments) -> anyhow::Result<Scenario> {
    let Some(path) = &arguments.world else { return Ok(Scenario::parse(XIAOMI)?) };
    let shown = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("failed to read {shown}"))?;
    Scenario::parse(&text).map_err(|error: ScenarioError| anyhow::anyhow!("{shown}: {error}"))
}

fn run(arguments: &Arguments, scenario: &Scenario) -> anyhow::Result<Option<()>> {
    let folder = tempfile::Builder::new()
        .prefix("vantage-demo-")
        .tempdir()
        .context("failed to make a folder")?;
    let folders = Folders::within(folder.path());
    let log = File::create(folders.log()).context("failed to make the log")?;
    // It fails only where one is installed already, which is as good.
    let _ = tracing_subscriber::fmt().with_writer(Mutex::new(log)).with_ansi(false).try_init();
    let _ = rustls::crypto::ring::default_provider().install_default();

    let mut screen = Screen::stdout();
    let heading = screen.paint.bold(&format!("Vantage · {}", scenario.title));
    screen.say(&format!("{heading}\n\n"))?;
    let live = Duration::from_secs(arguments.live);
    let world = World::start(&scenario.network(live))?;
    let catalogue = &scenario.catalogue;
    screen.done(&format!(
        "an emulated network: {} vantage points in {} markets, {} sites, and the aggregator's place",
        catalogue.vantages.len(),
        catalogue.markets.len(),
        catalogue.sites.len()
    ))?;
    let door = if arguments.keep { taken_door().context("--keep")? } else { None };
    let programme = Programme { live, weeks: arguments.weeks, json: arguments.json.clone(), door };
    let played = world.host(HQ)?.run(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let stop = stop_on_signal().context("failed to catch signals")?;
            play(scenario, &world, &folders, programme, &stop, &mut screen).await
        })
    })?;
    if played.is_err() {
        tell_of(&folders);
    }
    played
}

/// The end of the log, which goes with its folder.
fn tell_of(folders: &Folders) {
    const LINES: usize = 20;
    let log = std::fs::read_to_string(folders.log()).unwrap_or_default();
    let troubles: Vec<_> =
        log.lines().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    for line in &troubles[troubles.len().saturating_sub(LINES)..] {
        eprintln!("demo: log: {line}");
    }
}

/// A token that is cancelled by SIGTERM, Ctrl-C, or a terminal that is closed.
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Ends with the run-time, which ends with the program.
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
        }
        told.cancel();
    });
    Ok(stop)
}

//! `world`: an emulated wide-area network on the command line.

mod calibrate;
mod check;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context;
use clap::{Parser, Subcommand};
use vantage_world::privilege::{self, Privilege};
use vantage_world::{WorldConfig, WorldError};

/// Exit code for a world file or arguments that make no sense.
const EXIT_USAGE: u8 = 2;
/// Exit code where the system does not let us make networks.
const EXIT_REFUSED: u8 = 3;

/// Emulates a wide-area network of real hosts on this machine.
///
/// Every host of a world file is a network namespace; a router holds each packet for its path's
/// delay, loses some, and may interfere with them. Needs root, or a system that lets ordinary
/// users make user namespaces.
///
/// Exit codes: 0 done (`run`: the command's own code), 1 failed, 2 wrong arguments or world file,
/// 3 the system does not let us make networks.
#[derive(Parser)]
#[command(name = "world", version)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Starts a world and runs a command at one of its hosts.
    Run(run::Run),
    /// Reads a world file and shows its hosts and the delays between them.
    Check {
        /// The world file.
        world: PathBuf,
    },
    /// Measures how true the router is on this machine.
    Calibrate(calibrate::Calibrate),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // Checking a file needs no network.
    if let Verb::Check { world } = &arguments.command {
        return finish(read(world).map(|config| check::show(&config)));
    }
    // Ctrl-C is for the command that runs in the world; the world follows when that has ended.
    // The flag is not looked at, but keeps the signal from ending this process.
    let unread = Arc::new(AtomicBool::new(false));
    let interrupts = signal_hook::flag::register(signal_hook::consts::SIGINT, unread);
    if let Err(error) = interrupts {
        return finish(Err(anyhow::Error::new(error).context("failed to catch Ctrl-C")));
    }
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("world: {error}");
            return ExitCode::from(EXIT_REFUSED);
        }
    }
    finish(match arguments.command {
        Verb::Run(run) => run.execute(),
        Verb::Calibrate(calibrate) => calibrate.execute(),
        Verb::Check { world } => read(&world).map(|config| check::show(&config)),
    })
}

/// The one place where errors become exit codes.
fn finish(result: anyhow::Result<ExitCode>) -> ExitCode {
    result.unwrap_or_else(|error| {
        eprintln!("world: {error:#}");
        let is_usage = matches!(
            error.downcast_ref(),
            Some(WorldError::Config(_) | WorldError::Unreadable(_) | WorldError::UnknownHost(_))
        );
        ExitCode::from(if is_usage { EXIT_USAGE } else { 1 })
    })
}

fn read(path: &Path) -> anyhow::Result<WorldConfig> {
    let text = std::fs::read_to_string(path)
        .map_err(WorldError::Unreadable)
        .with_context(|| path.display().to_string())?;
    WorldConfig::from_toml(&text).with_context(|| path.display().to_string())
}

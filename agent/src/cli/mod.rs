//! The command line of `vantage-agent`. Results go to stdout, everything else to stderr.

#![expect(clippy::format_push_string, reason = "text for people: a few short lines a second")]

mod calendar;
mod check;
mod dns_target;
mod duration;
mod exit;
mod host;
mod paint;
mod probe;
mod run;
mod target;
mod target_error;

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::CommandError;
use paint::Paint;

/// Measures how well targets are served from here, phase by phase, true to the packet.
///
/// Exit codes: 0 all is well, 1 an attempt failed or a check found a problem, 2 wrong arguments or
/// files, 3 no attempt came as far as a target (its name has no address, this machine has no route
/// or no permission), 5 the output could not be written or the system refused to run. 4 is what
/// `vantage` says of too few data, and never used here.
#[derive(Debug, Parser)]
#[command(name = "vantage-agent", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Probe(Box<probe::Arguments>),
    Check(check::Arguments),
    Run(Box<run::Arguments>),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version, which are no errors, go to stdout.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => return exit::finish(&Err(CommandError::Usage(in_one_line(&error)))),
    };
    exit::finish(&match arguments.command {
        Verb::Probe(arguments) => probe::execute(&arguments),
        Verb::Check(arguments) => check::execute(&arguments),
        Verb::Run(arguments) => run::execute(&arguments),
    })
}

/// What clap has to say, up to its first blank line: usage and tips are in `--help`.
fn in_one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let said = said.collect::<Vec<_>>().join(" ");
    format!("{}; see --help", said.strip_prefix("error: ").unwrap_or(&said))
}

/// Colour on a terminal, unless it is declined by flag or by `NO_COLOR` (no-color.org), or the
/// terminal has none.
fn paint(declined: bool) -> Paint {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Paint(!declined && !set("NO_COLOR") && !dumb && io::stdout().is_terminal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_well_formed() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }
}

//! `check`: whether this machine lets the agent measure, and what to do where it does not.

mod examine;
mod report;

use std::io::{self, Write};

pub use report::Finding;

use super::exit::{CommandError, Outcome};
use super::paint;

/// Checks whether this machine lets the agent measure: ICMP, clock, DNS, IPv6, file descriptors.
///
/// Exit codes: 0 no problem (there may be warnings), 1 a problem, whose remedy is named.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write one JSON document a line: each finding, then a summary
    #[arg(long)]
    json: bool,
    /// Use no colour; so does a variable `NO_COLOR` in the environment
    #[arg(long)]
    no_color: bool,
}

/// Checks the machine.
///
/// # Errors
/// Where nothing could be checked or written.
pub fn execute(arguments: &Arguments) -> Result<Outcome, CommandError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::System { doing: "start", error })?;
    let findings = runtime.block_on(examine::all());
    let lines = if arguments.json {
        report::json(&findings)
    } else {
        report::text(&findings, paint(arguments.no_color))
    };
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")
            .map_err(|error| CommandError::Output { what: "findings".into(), error })?;
    }
    let problem = findings.iter().any(Finding::is_problem);
    Ok(if problem { Outcome::Bad } else { Outcome::Good })
}

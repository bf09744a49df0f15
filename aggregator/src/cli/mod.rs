//! The command line of `vantage`. Results go to stdout, everything else to stderr.

mod agents;
mod asking;
mod catalogue;
mod changes;
mod compare;
mod enroll;
mod exit;
mod export;
mod figures;
mod location;
mod plan;
mod rank;
mod remote_rows;
mod serve;
mod span;
mod store;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use exit::CommandError;

/// Where should we host? Takes in what agents measure, keeps it, and answers.
///
/// Exit codes: 0 all is well, 1 the question has a bad answer (a catalogue with problems, a store
/// with faults), 2 wrong arguments or files, 3 the store or the aggregator cannot be reached, 4 not
/// enough data.
#[derive(Debug, Parser)]
#[command(name = "vantage", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(Box<serve::Arguments>),
    Enroll(enroll::Arguments),
    Agents(agents::Arguments),
    Rank(rank::Arguments),
    Compare(compare::Arguments),
    Plan(plan::Arguments),
    Changes(changes::Arguments),
    Export(export::Arguments),
    Catalogue(catalogue::Arguments),
    Store(store::Arguments),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        // Help and version, which are no errors, go to stdout.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // More than one thread for the server only: the other commands ask one thing after another.
    let runtime = match &arguments.command {
        Verb::Serve(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    };
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(arguments.command)),
        Err(error) => Err(CommandError::Failed(error.into())),
    };
    exit::finish(&outcome)
}

async fn run(command: Verb) -> Result<(), CommandError> {
    // Fails only where one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command {
        Verb::Serve(arguments) => serve::execute(*arguments).await,
        Verb::Enroll(arguments) => enroll::execute(arguments).await,
        Verb::Agents(arguments) => agents::execute(arguments).await,
        Verb::Rank(arguments) => rank::execute(arguments).await,
        Verb::Compare(arguments) => compare::execute(arguments).await,
        Verb::Plan(arguments) => plan::execute(arguments).await,
        Verb::Changes(arguments) => changes::execute(arguments).await,
        Verb::Export(arguments) => export::execute(arguments).await,
        Verb::Catalogue(arguments) => catalogue::execute(&arguments),
        Verb::Store(arguments) => store::execute(arguments).await,
    }
}

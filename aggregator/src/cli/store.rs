//! `vantage store`.

use super::CommandError;
use super::location::StoreArguments;

/// Works with the store.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Verifies every level of the store against the one below, bit by bit (exit code 1 where one
    /// is at fault). Safe while `vantage serve` runs.
    Check {
        #[command(flatten)]
        store: StoreArguments,
    },
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Verb::Check { store } = arguments.command;
    let store = store.open_existing().await?;
    let checked = store.check().await;
    store.close().await;
    let report = checked.map_err(|error| CommandError::Failed(error.into()))?;
    println!(
        "{} hours and days add up to the bit",
        report.checked - report.wrong_spans.len() as u64
    );
    println!("{} wait to be rolled up", report.pending);
    println!(
        "{} are all that is kept: the windows or hours that they are made of were deleted",
        report.sealed
    );
    for fault in &report.wrong_spans {
        println!(
            "WRONG {} {:?} from unix second {}: {}",
            fault.vantage,
            fault.level,
            fault.start.unix_seconds_floor(),
            fault.problem
        );
    }
    for (vantage, boot, sequence) in &report.unaccounted_reports {
        println!(
            "WRONG {vantage}: windows of report {sequence} of run {boot} are not in the progress"
        );
    }
    if report.is_sound() { Ok(()) } else { Err(CommandError::BadAnswer) }
}

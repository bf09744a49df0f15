//! `vantage catalogue`.

use std::path::PathBuf;

use super::CommandError;
use crate::catalogue::Catalogue;

/// Works with the catalogue, the file that says what is probed from where.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Says every problem of a catalogue, or what is in it where it has none (exit code 1 or 0).
    Check {
        /// The catalogue.
        #[arg(default_value = "catalogue.toml")]
        file: PathBuf,
    },
}

pub(super) fn execute(arguments: &Arguments) -> Result<(), CommandError> {
    let Verb::Check { file } = &arguments.command;
    if let Err(error) = std::fs::metadata(file) {
        return Err(CommandError::Usage(anyhow::anyhow!("{}: {error}", file.display())));
    }
    match Catalogue::load(file) {
        Ok(catalogue) => {
            println!("{}", catalogue.summary());
            Ok(())
        }
        Err(problems) => {
            eprintln!("{problems}");
            Err(CommandError::BadAnswer)
        }
    }
}

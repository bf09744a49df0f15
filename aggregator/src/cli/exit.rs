//! How a command ends: one line on stderr and an exit code.

use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(super) enum CommandError {
    /// The question has a bad answer, which was printed.
    BadAnswer,
    /// Wrong arguments or files.
    Usage(anyhow::Error),
    /// The store or the aggregator cannot be reached.
    Unreachable(anyhow::Error),
    /// There is not enough data to answer.
    NotEnoughData(anyhow::Error),
    /// Anything else.
    Failed(anyhow::Error),
}

impl CommandError {
    const fn code(&self) -> u8 {
        match self {
            Self::BadAnswer | Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::NotEnoughData(_) => 4,
        }
    }
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The one place where an error becomes an exit code.
pub(super) fn finish(outcome: &Result<(), CommandError>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    match error {
        CommandError::BadAnswer => {}
        CommandError::Usage(cause)
        | CommandError::Unreachable(cause)
        | CommandError::NotEnoughData(cause)
        | CommandError::Failed(cause) => {
            eprintln!("vantage: {cause:#}");
        }
    }
    ExitCode::from(error.code())
}

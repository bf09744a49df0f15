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
    /// With what it means in the greater whole.
    pub(super) fn context(self, text: String) -> Self {
        match self {
            Self::BadAnswer => Self::BadAnswer,
            Self::Usage(cause) => Self::Usage(cause.context(text)),
            Self::Unreachable(cause) => Self::Unreachable(cause.context(text)),
            Self::NotEnoughData(cause) => Self::NotEnoughData(cause.context(text)),
            Self::Failed(cause) => Self::Failed(cause.context(text)),
        }
    }

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

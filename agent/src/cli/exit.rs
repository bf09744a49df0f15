//! How the program ends: the one place where outcomes and errors become exit codes.

use std::io;
use std::process::ExitCode;

/// What came of a command that could do its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The question has a good answer.
    Good,
    /// The question has a bad answer: an attempt failed, a check found a problem.
    Bad,
}

/// Why a command could not do its work, in one line for people.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Arguments or files that make no sense.
    #[error("{0}")]
    Usage(String),
    /// No attempt came as far as a target.
    #[error("{0}")]
    Unreached(String),
    /// Results could not be written.
    #[error("failed to write {what}: {error}")]
    Output {
        /// Where to.
        what: String,
        /// Why.
        error: io::Error,
    },
    /// The operating system did not let us run.
    #[error("failed to {doing}: {error}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        error: io::Error,
    },
}

/// Ends the program.
pub fn finish(result: &Result<Outcome, CommandError>) -> ExitCode {
    let code = match result {
        Ok(Outcome::Good) => 0,
        Ok(Outcome::Bad) => 1,
        Err(CommandError::Usage(_)) => 2,
        Err(CommandError::Unreached(_)) => 3,
        // Whoever reads our output may have had enough of it.
        Err(CommandError::Output { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(CommandError::Output { .. } | CommandError::System { .. }) => 5,
    };
    match result {
        Err(CommandError::Output { error, .. }) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => eprintln!("vantage-agent: {error}"),
        Ok(_) => {}
    }
    ExitCode::from(code)
}

//! The log: on stderr, one line for each event.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use crate::cli::exit::CommandError;

/// Begins to log what the filter lets pass. Under systemd, whose journal knows the time, lines
/// bear none.
///
/// # Errors
/// Where the filter makes no sense.
pub fn begin(filter: &str) -> Result<(), CommandError> {
    let filter: EnvFilter = filter
        .parse()
        .map_err(|error| CommandError::Usage(format!("log filter {filter:?}: {error}")))?;
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(!journal && io::stderr().is_terminal());
    if journal {
        lines.without_time().init();
    } else {
        lines.init();
    }
    Ok(())
}

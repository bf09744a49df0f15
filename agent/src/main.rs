//! `vantage-agent` on the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    vantage_agent::cli::main()
}

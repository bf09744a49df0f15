//! `vantage`: the aggregator and the planner's tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    vantage_aggregator::cli::main()
}

//! `vantage`, as end-to-end tests start it.

fn main() -> std::process::ExitCode {
    vantage_aggregator::cli::main()
}

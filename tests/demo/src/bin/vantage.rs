//! `vantage`, under a name of its own: cargo builds the executables of the package that it tests.

fn main() -> std::process::ExitCode {
    vantage_aggregator::cli::main()
}

//! `vantage`, as benches start it: cargo builds the executables of the package that it measures.

fn main() -> std::process::ExitCode {
    vantage_aggregator::cli::main()
}

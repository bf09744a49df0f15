//! `vantage-agent`, as benches start it.

fn main() -> std::process::ExitCode {
    vantage_agent::cli::main()
}

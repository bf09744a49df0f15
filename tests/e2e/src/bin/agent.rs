//! `vantage-agent`, as end-to-end tests start it.

fn main() -> std::process::ExitCode {
    vantage_agent::cli::main()
}

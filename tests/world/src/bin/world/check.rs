//! `world check`: what a world file says.

use std::process::ExitCode;
use std::time::Duration;

use vantage_world::WorldConfig;
use vantage_world::config::PathTable;

/// Prints the hosts, and the round-trip times between them without jitter.
pub fn show(config: &WorldConfig) -> ExitCode {
    let table = PathTable::new(config);
    let width = config.hosts.iter().map(|host| host.name.len()).max().unwrap_or(0).max(8);
    println!("{:width$}  {:15}  {:16}  services", "host", "ipv4", "ipv6");
    for (host, addresses) in config.hosts.iter().zip(config.addresses()) {
        let services: Vec<_> = host
            .services
            .iter()
            .map(|service| format!("{}:{}", service.kind(), service.port()))
            .collect();
        println!(
            "{:width$}  {:15}  {:16}  {}",
            host.name,
            addresses.ipv4.to_string(),
            addresses.ipv6.to_string(),
            services.join(" ")
        );
    }
    println!("\nround-trip time in ms, without jitter and congestion (-: no way through)");
    print!("{:width$}", "");
    for host in &config.hosts {
        print!("  {:>width$}", host.name);
    }
    println!();
    for (from, host) in config.hosts.iter().enumerate() {
        print!("{:width$}", host.name);
        for to in 0..table.hosts() {
            print!("  {:>width$}", cell(&table, from, to));
        }
        println!();
    }
    ExitCode::SUCCESS
}

fn cell(table: &PathTable, from: usize, to: usize) -> String {
    if from == to {
        return String::new();
    }
    let (there, back) = (table.path(from, to), table.path(to, from));
    if there.blackhole || back.blackhole {
        return "-".into();
    }
    let rtt: Duration = there.delay + back.delay;
    format!("{:.1}", rtt.as_secs_f64() * 1_000.0)
}

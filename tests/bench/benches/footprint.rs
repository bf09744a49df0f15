//! What the agent costs its machine: `cargo bench -p vantage-bench --bench footprint`. It needs
//! the privileges of the emulated world, root's or those of a user namespace.
//!
//! An agent in a process of its own, in the emulated world, probes 100 targets (ports of a site
//! 20 ms away, each an HTTPS service) once a second over TLS: a TCP and a TLS handshake, the
//! certificate chain verified against the system's authorities and the world's own. Attempts are
//! recorded; every minute is closed, encoded and compressed as a report. Memory is the system's
//! figure for that process (`/proc/PID/status`), CPU its CPU-time clock; start-up is left out of
//! the CPU time. Five minutes, or `-- --seconds N`; then the same agent without targets, a tenth
//! as long.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use vantage_bench::agent::{Agent, Done, Task};
use vantage_bench::{Table, seconds};
use vantage_world::World;
use vantage_world::privilege::{self, Privilege};

const TARGETS: u32 = 100;
const FIRST_PORT: u16 = 8_000;
const SITE: &str = "192.0.2.2";
/// The authorities that a Debian machine trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";
const SAMPLES: u32 = 20;

fn main() -> ExitCode {
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("footprint: {error}");
            return ExitCode::from(3);
        }
    }
    let length = match seconds(300) {
        Ok(length) => length,
        Err(problem) => {
            eprintln!("footprint: {problem}");
            return ExitCode::from(2);
        }
    };
    let world = World::start_toml(&world_file()).expect("a world");
    let authorities = authorities(&world);
    let ports: Vec<u16> = (0..TARGETS).zip(FIRST_PORT..).map(|(_, port)| port).collect();
    let busy = Task {
        kind: "tls",
        host: SITE,
        ports: &ports,
        per_second: TARGETS,
        interval: Duration::from_secs(1),
        length,
        record: true,
    };
    let idle = Task { per_second: 0, length: length / 10, ..busy };
    let mut table = Table::new(&[
        "agent",
        "attempts",
        "failed, missed",
        "resident, median MB",
        "peak MB",
        "heap at end MB",
        "CPU, % of a core",
        "CPU per attempt, µs",
        "reports, bytes",
        "budget",
        "kept",
    ]);
    for (name, task, most_mb, most_percent) in [
        ("100 targets × 1/s over TLS", busy, 12.0, Some(1.0)),
        ("idle (no targets)", idle, 6.0, None),
    ] {
        let (done, median_kb) = run(&world, &authorities, task);
        let percent = done.cpu.as_secs_f64() / task.length.as_secs_f64() * 100.0;
        let attempts = done.made + done.failed;
        let per_attempt = done.cpu.as_secs_f64() * 1e6 / attempts as f64;
        let kept = mb(done.memory.resident.max(median_kb)) <= most_mb
            && most_percent.is_none_or(|most| percent <= most);
        table.row([
            name.to_owned(),
            attempts.to_string(),
            format!("{}, {}", done.failed, done.missed),
            format!("{:.1}", mb(median_kb)),
            format!("{:.1}", mb(done.memory.peak)),
            format!("{:.1}", mb(done.memory.anonymous)),
            format!("{percent:.2}"),
            if attempts == 0 { "–".to_owned() } else { format!("{per_attempt:.0}") },
            format!("{}, {}", done.reports.0, done.reports.1),
            match most_percent {
                Some(percent) => format!("{most_mb} MB, {percent} %"),
                None => format!("{most_mb} MB"),
            },
            if kept { "yes" } else { "MISSED" }.to_owned(),
        ]);
    }
    println!("{table}");
    ExitCode::SUCCESS
}

fn world_file() -> String {
    let services: Vec<String> = (0..TARGETS)
        .zip(FIRST_PORT..)
        .map(|(_, port)| format!("{{ kind = \"https\", port = {port} }}"))
        .collect();
    let services = services.join(",\n");
    format!(
        r#"
        [[host]]
        name = "market"
        [[host]]
        name = "site"
        service = [{services}]
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = 20
        "#
    )
}

/// What a machine trusts, and the world's own authority.
fn authorities(world: &World) -> String {
    let system = std::fs::read_to_string(SYSTEM_AUTHORITIES).unwrap_or_else(|_| {
        eprintln!(
            "footprint: no {SYSTEM_AUTHORITIES} (Debian package ca-certificates): without them"
        );
        String::new()
    });
    let file: &Path = world.ca_file();
    let all = file.with_file_name("authorities.pem");
    std::fs::write(&all, system + world.ca_pem()).expect("a file beside the world's own");
    all.to_str().expect("a plain path").to_owned()
}

/// Runs an agent; what it did, and its resident memory in KiB at half of the times it was looked at.
fn run(world: &World, authorities: &str, task: Task<'_>) -> (Done, u64) {
    let market = world.host("market").expect("the market");
    let mut command = market.command(env!("CARGO_BIN_EXE_bench-agent"));
    command.env("SSL_CERT_FILE", authorities);
    let agent = Agent::start(command, task).expect("the agent");
    let mut resident: Vec<u64> = Vec::new();
    for _ in 1..SAMPLES {
        std::thread::sleep(task.length / SAMPLES);
        resident.push(agent.memory().expect("its memory").resident);
    }
    resident.sort_unstable();
    (agent.finish().expect("its figures"), resident[resident.len() / 2])
}

/// Megabytes of 10⁶ bytes.
fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

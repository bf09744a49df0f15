//! What the agent costs its machine: `cargo bench -p vantage-bench --bench footprint`. It needs
//! the privileges of the emulated world, root's or those of a user namespace.
//!
//! An agent in a process of its own, in the emulated world, probes 100 targets (ports of a site
//! 20 ms away, each an HTTPS service) once a second over TLS: a TCP and a TLS handshake, the
//! certificate chain verified against the system's authorities and the world's own. Attempts are
//! recorded; every minute is closed, encoded and compressed as a report. Memory is the system's
//! figure for that process (`/proc/PID/status`), CPU its CPU-time clock; start-up is left out of
//! the CPU time. Five minutes, or `-- --seconds N`; then the same agent without targets, a tenth
//! as long; then `vantage-agent run` itself with the same targets, which beside all that spools to
//! its disk and reports to a real `vantage serve` at a third host.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use vantage_bench::agent::{Agent, Done, Task};
use vantage_bench::process::Memory;
use vantage_bench::service::{Programs, Service};
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
    let mut row =
        |name: &str, found: &Found, length: Duration, most_mb: f64, most_percent: Option<f64>| {
            let percent = found.cpu.as_secs_f64() / length.as_secs_f64() * 100.0;
            let per_attempt = found.cpu.as_secs_f64() * 1e6 / found.attempts as f64;
            let kept = mb(found.memory.resident.max(found.median_kib)) <= most_mb
                && most_percent.is_none_or(|most| percent <= most);
            table.row([
                name.to_owned(),
                found.attempts.to_string(),
                found.lost.clone(),
                format!("{:.1}", mb(found.median_kib)),
                format!("{:.1}", mb(found.memory.peak)),
                format!("{:.1}", mb(found.memory.anonymous)),
                format!("{percent:.2}"),
                if found.attempts == 0 { "–".to_owned() } else { format!("{per_attempt:.0}") },
                found.reports.clone(),
                match most_percent {
                    Some(percent) => format!("{most_mb} MB, {percent} %"),
                    None => format!("{most_mb} MB"),
                },
                if kept { "yes" } else { "MISSED" }.to_owned(),
            ]);
        };
    for (name, task, most_mb, most_percent) in [
        ("100 targets × 1/s over TLS", busy, 12.0, Some(1.0)),
        ("idle (no targets)", idle, 6.0, None),
    ] {
        row(name, &run(&world, &authorities, task), task.length, most_mb, most_percent);
    }
    let found = serve(&world, &authorities, length);
    row("the service, 100 targets × 1/s over TLS", &found, length, 12.0, Some(1.0));
    println!("{table}");
    ExitCode::SUCCESS
}

/// What an agent did and used.
struct Found {
    attempts: u64,
    /// Attempts that failed, and slots that were missed.
    lost: String,
    /// Resident memory in KiB at half of the times it was looked at.
    median_kib: u64,
    /// At the end.
    memory: Memory,
    cpu: Duration,
    /// Reports and their bytes.
    reports: String,
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
        [[host]]
        name = "hq"
        [[path]]
        from = ["market"]
        to = ["site", "hq"]
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

/// Runs the agent's machinery without the service around it.
fn run(world: &World, authorities: &str, task: Task<'_>) -> Found {
    let market = world.host("market").expect("the market");
    let mut command = market.command(env!("CARGO_BIN_EXE_bench-agent"));
    command.env("SSL_CERT_FILE", authorities);
    let agent = Agent::start(command, task).expect("the agent");
    let median_kib = median_resident(task.length, || agent.memory().expect("its memory"));
    let done: Done = agent.finish().expect("its figures");
    Found {
        attempts: done.made + done.failed,
        lost: format!("{}, {}", done.failed, done.missed),
        median_kib,
        memory: done.memory,
        cpu: done.cpu,
        reports: format!("{}, {}", done.reports.0, done.reports.1),
    }
}

/// Runs `vantage-agent run`.
fn serve(world: &World, authorities: &str, length: Duration) -> Found {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = Programs {
        aggregator: env!("CARGO_BIN_EXE_bench-vantage"),
        agent: env!("CARGO_BIN_EXE_bench-service"),
    };
    let service = Service::start(world, programs, folder.path(), &catalogue(), authorities)
        .expect("an aggregator and an agent");
    let cpu_before = service.cpu().expect("CPU time");
    let median_kib = median_resident(length, || service.memory().expect("its memory"));
    let cpu = service.cpu().expect("CPU time").saturating_sub(cpu_before);
    let memory = service.memory().expect("its memory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let slots = runtime.expect("a runtime").block_on(service.finish()).expect("what was stored");
    Found {
        attempts: slots.made + slots.failed,
        lost: format!("{} in all", slots.failed),
        median_kib,
        memory,
        cpu,
        reports: "–".to_owned(),
    }
}

fn catalogue() -> String {
    let mut text = String::from(
        "[defaults]\ninterval = \"1s\"\n[[market]]\nid = \"hk\"\ntime_zone = \"Asia/Hong_Kong\"\n\
         [[site]]\nid = \"site\"\ncountry = \"US\"\n",
    );
    for (_, port) in (0..TARGETS).zip(FIRST_PORT..) {
        write!(
            text,
            "[[target]]\nid = \"port-{port}\"\nsite = \"site\"\nhost = \"{SITE}\"\n\
             allow_private = true\n[[target.probe]]\nkind = \"tls\"\nport = {port}\n"
        )
        .expect("text takes all that is written to it");
    }
    text
}

/// Looks from time to time; the median of what was resident, in KiB.
fn median_resident(length: Duration, memory: impl Fn() -> Memory) -> u64 {
    let mut resident: Vec<u64> = Vec::new();
    for _ in 1..SAMPLES {
        std::thread::sleep(length / SAMPLES);
        resident.push(memory().resident);
    }
    std::thread::sleep(length / SAMPLES);
    resident.sort_unstable();
    resident[resident.len() / 2]
}

/// Megabytes of 10⁶ bytes.
fn mb(kib: u64) -> f64 {
    kib as f64 * 1024.0 / 1e6
}

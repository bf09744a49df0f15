//! What taking reports in costs: `cargo bench -p vantage-bench --bench ingest`.
//!
//! A real `vantage serve` in a process of its own, and 1000 agents that speak the real protocol:
//! each report is one minute of 20 probes with 6 phases (120 series-windows, 60 samples each),
//! signed, and answered only when it is durably stored. 64 of them are on their way at a time over
//! connections that are kept. CPU time is that of the server's process, by its CPU-time clock: what
//! the load generator uses is not in it, though it takes its share of the machine.
//!
//! `-- --seconds N` sets about how long the load lasts (default 30). `VANTAGE_BENCH_STORE` names a
//! PostgreSQL database (`postgres://…`, emptied of nothing: give it one of its own); without it only
//! the embedded store is measured.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use vantage_aggregator::store::{Location, PostgresUrl};
use vantage_bench::fleet::{PHASES, PROBES, Reporter};
use vantage_bench::process::Process;
use vantage_bench::{Table, seconds};
use vantage_wire::exchange::REPORTS;

const AGENTS: u64 = 1_000;
const AT_ONCE: usize = 64;
const SERIES: usize = PROBES * PHASES.len();
/// Reports of one second, roughly: how many are made beforehand.
const PER_SECOND: u64 = 700;

fn main() -> ExitCode {
    let length = match seconds(30) {
        Ok(length) => length,
        Err(problem) => {
            eprintln!("ingest: {problem}");
            return ExitCode::from(2);
        }
    };
    // Fails only where one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut table = Table::new(&[
        "store",
        "reports",
        "series-windows/s",
        "CPU per series-window",
        "per core-second (budget 100 000)",
        "bytes on the wire (budget 120)",
        "resident, 1000 agents (budget 300 MB)",
        "idle (budget 60 MB)",
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    table.row(runtime.block_on(measure(
        "embedded",
        Location::Embedded(folder.path().to_owned()),
        length,
    )));
    if let Ok(url) = std::env::var("VANTAGE_BENCH_STORE") {
        let location = Location::Postgres(PostgresUrl::new(url));
        table.row(runtime.block_on(measure("PostgreSQL", location, length)));
    } else {
        eprintln!("ingest: PostgreSQL is not measured; VANTAGE_BENCH_STORE names a database");
    }
    print!("{table}");
    ExitCode::SUCCESS
}

async fn measure(name: &str, location: Location, length: Duration) -> [String; 8] {
    let reporters = Reporter::enrol(AGENTS, &location).await.expect("enrolled agents");
    let minutes = (length.as_secs() * PER_SECOND).div_ceil(AGENTS).max(2);
    let boot = std::process::id().to_le_bytes().repeat(4).try_into().expect("16 bytes");
    let made: Vec<_> = reporters
        .iter()
        .map(|reporter| reporter.reports(boot, minutes).expect("reports"))
        .collect();
    // All agents' first minutes, then all their second ones, as they would come.
    let minutes = usize::try_from(minutes).expect("a count");
    let bodies =
        (0..minutes).flat_map(|minute| made.iter().map(move |agent| agent[minute].clone()));
    let bodies: Arc<Vec<Vec<u8>>> = Arc::new(bodies.collect());
    drop(made);
    let bytes: usize = bodies.iter().map(Vec::len).sum();

    let (mut server, url) = start(&location);
    let process = Process::new(server.id()).expect("a process");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = process.memory().expect("memory");
    let cpu_before = process.cpu().expect("CPU time");
    let begun = Instant::now();
    send(&url, &bodies).await;
    let took = begun.elapsed();
    let cpu = process.cpu().expect("CPU time").saturating_sub(cpu_before);
    let memory = process.memory().expect("memory");
    server.kill().and_then(|()| server.wait()).expect("an end");

    let series = (bodies.len() * SERIES) as f64;
    [
        name.to_owned(),
        bodies.len().to_string(),
        format!("{:.0}", series / took.as_secs_f64()),
        format!("{:.2} µs", cpu.as_secs_f64() * 1e6 / series),
        format!("{:.0}", series / cpu.as_secs_f64()),
        format!("{:.1}", bytes as f64 / series),
        format!("{:.1} MB, at most {:.1}", mb(memory.resident), mb(memory.peak)),
        format!("{:.1} MB", mb(idle.resident)),
    ]
}

fn mb(kib: u64) -> f64 {
    kib as f64 * 1_024.0 / 1e6
}

fn start(location: &Location) -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench-vantage"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--catalogue", "/dev/null"]);
    match location {
        Location::Embedded(folder) => command.arg("--data").arg(folder),
        Location::Postgres(_) => {
            command.arg("--store").arg(std::env::var("VANTAGE_BENCH_STORE").expect("the URL"))
        }
    };
    let mut server = command.stdout(Stdio::piped()).spawn().expect("a server");
    let mut url = String::new();
    let stdout = server.stdout.take().expect("its output");
    BufReader::new(stdout).read_line(&mut url).expect("its address");
    (server, url.trim().to_owned())
}

async fn send(url: &str, bodies: &Arc<Vec<Vec<u8>>>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, next, bodies) = (client.clone(), Arc::clone(&next), Arc::clone(bodies));
        let url = url.to_owned() + REPORTS;
        senders.spawn(async move {
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answer = client.post(&url).body(body.clone()).send().await.expect("an answer");
                assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
            }
        });
    }
    while let Some(ended) = senders.join_next().await {
        ended.expect("a sender");
    }
}

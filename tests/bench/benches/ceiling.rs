//! How much one core can probe, and how truly, beside `blackbox_exporter` and `fping`:
//! `cargo bench -p vantage-bench --bench ceiling`. It needs the privileges of the emulated world,
//! and the Debian packages `prometheus-blackbox-exporter` and `fping`.
//!
//! **Speed.** The emulated world's router could not carry 10 000 handshakes a second beside
//! everything else on a small machine. So this part takes place at one host of a world, whose
//! packets to itself pass no router: the kernel's own loopback. The prober, a process of its own,
//! has the first core to itself; the services that it probes and whoever asks it have the others.
//! The kernel handles both ends of a loopback packet in the sender's system call, so every prober
//! pays for more of the network here than it would on a real one, and all alike.
//!
//! - The agent runs at one fixed rate after another (open loop, `bench-agent`). Its ceiling is the
//!   last rate at which its own p50 (`total`, which begins when the attempt was due; of ICMP
//!   `rtt`) is below twice that at the lowest rate, and at most 1 % of the slots were lost.
//! - The exporter is asked by eight connections at once, each asking anew as soon as it was
//!   answered; modules `tcp_connect`, `icmp`, `http_2xx` with the world's authority. What its own
//!   interface costs it is counted: there is no other way to use it.
//! - `fping` sends 64 × 1000 echoes as fast as it can. It has sequence numbers for 65 535 in ten
//!   seconds, so it could not go on at this rate.
//!
//! CPU time is the process's own (its CPU-time clock; of `fping`, what the system accounted for it
//! when it ended). *Per core-second* is its inverse: what a core could do that did nothing else.
//!
//! **Truth.** Each prober probes a site 8 ms away over the emulated world, 20 times a second, one
//! after another; each figure is held against the packets in the world's truth log. Below 10 ms
//! `fping` prints hundredths of a millisecond, above only tenths.

#![expect(clippy::expect_used, reason = "a bench has nobody to hand an error to")]

use std::io;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use vantage_agent::spec::{Action, HttpSpec, IcmpSpec, TcpSpec, TlsParameters};
use vantage_bench::blackbox::{self, Answer, Blackbox};
use vantage_bench::packets::Packets;
use vantage_bench::saturation::{self, Achieved, KINDS};
use vantage_bench::stage::{Load, SITE, TCP_PORT, market_and_site, run_agent};
use vantage_bench::{Deviations, Table, fping, seconds};
use vantage_wire::Phase;
use vantage_world::World;
use vantage_world::privilege::{self, Privilege};

const RTT_MS: u32 = 8;
const PER_SECOND: u32 = 20;
/// TCP and HTTPS probes per second and core, at least.
const BUDGETS: [(&str, f64); 2] = [("tcp", 10_000.0), ("https", 1_500.0)];

fn main() -> ExitCode {
    for program in [blackbox::PROGRAM, fping::PROGRAM] {
        let mut version = Command::new(program);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        if version.status().is_err() {
            eprintln!("ceiling: {program} is missing: sudo apt-get install {program}");
            return ExitCode::from(3);
        }
    }
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("ceiling: {error}");
            return ExitCode::from(3);
        }
    }
    match seconds(10).map_err(io::Error::other).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ceiling: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(length: Duration) -> io::Result<()> {
    // First, while this process may still use all cores.
    println!("{}", truth(length)?);
    println!("{}", speed(length)?);
    Ok(())
}

fn speed(length: Duration) -> io::Result<Table> {
    let world = saturation::world()?;
    let mut table = Table::new(&[
        "speed",
        "probes/s",
        "own p50, at ease → at this rate, µs",
        "lost",
        "% of a core",
        "CPU per probe, µs",
        "per core-second",
        "agent : this one",
        "budget per core",
        "kept",
    ]);
    for kind in KINDS {
        let agent = saturation::agent(&world, env!("CARGO_BIN_EXE_bench-agent"), kind, length)?;
        let mut rows = vec![("agent", agent)];
        rows.push(("blackbox_exporter", saturation::blackbox(&world, kind, length)?));
        if kind.agent == "icmp" {
            rows.push(("fping", saturation::fping(&world)?));
        }
        for (prober, achieved) in rows {
            let Achieved { per_second, cpu_each, lost, p50 } = achieved;
            let budget = BUDGETS.iter().find(|(of, _)| *of == kind.agent && prober == "agent");
            let kept = |least: f64| if per_second >= least { "yes" } else { "MISSED" };
            table.row([
                format!("{}, {prober}", kind.agent),
                format!("{per_second:.0}"),
                p50.map_or("–".to_owned(), |(ease, now)| {
                    format!("{} → {}", ease.as_micros(), now.as_micros())
                }),
                lost.to_string(),
                format!("{:.0}", achieved.cores() * 100.0),
                format!("{:.1}", cpu_each.as_secs_f64() * 1e6),
                format!("{:.0}", achieved.per_core_second()),
                format!("{:.1}", agent.per_core_second() / achieved.per_core_second()),
                budget.map_or("–".to_owned(), |(_, least)| format!("{least}")),
                budget.map_or("–", |(_, least)| kept(*least)).to_owned(),
            ]);
        }
    }
    Ok(table)
}

/// A figure of the exporter, and of which packets it tells.
type Figure = (&'static str, &'static str, Reference);
type Reference = fn(&Packets, usize) -> Option<Duration>;

fn connect_of(packets: &Packets, port: u16, number: usize) -> Option<Duration> {
    packets.tcp_connect(*packets.connections(port).get(number)?, port)
}

const TCP: Reference = |packets, number| connect_of(packets, TCP_PORT, number);
const ICMP: Reference = |packets, number| packets.icmp_rtt(*packets.echoes().get(number)?);
const HTTPS_CONNECT: Reference = |packets, number| connect_of(packets, 443, number);
const HTTPS_TLS: Reference =
    |packets, number| packets.tls_handshake(*packets.connections(443).get(number)?, 443);

fn truth(length: Duration) -> io::Result<Table> {
    let world = World::start_toml(&market_and_site(RTT_MS)).map_err(io::Error::other)?;
    let count = usize::try_from(length.as_secs()).map_err(io::Error::other)? * PER_SECOND as usize;
    let mut table = Table::new(&[
        "truth (figure − packets, µs)",
        "the prober's figure",
        "compared",
        "size, p50 / p99",
        "signed p50",
    ]);
    let mut row = |what: &str, figure: &str, off: &Deviations| {
        let signed = off.signed_us(50).map_or("–".to_owned(), |us| format!("{us:+.1}"));
        table.row([
            what.to_owned(),
            figure.to_owned(),
            off.count().to_string(),
            off.cell(),
            signed,
        ]);
    };
    for (kind, phases, references) in [
        ("tcp", &[Phase::Connect][..], &[TCP][..]),
        ("icmp", &[Phase::Rtt], &[ICMP]),
        ("https", &[Phase::Connect, Phase::Tls], &[HTTPS_CONNECT, HTTPS_TLS]),
    ] {
        for (phase, off) in phases.iter().zip(agent_off(&world, kind, length, phases, references)?)
        {
            row(&format!("{kind}, agent"), &phase.to_string(), &off);
        }
    }
    let https = format!("https://{SITE}/ok");
    let tcp = format!("{SITE}:{TCP_PORT}");
    let figures: [(&str, &str, &[Figure]); 3] = [
        ("tcp_connect", &tcp, &[("tcp", "probe_duration_seconds", TCP)]),
        ("icmp", SITE, &[("icmp", "probe_icmp_duration_seconds{phase=\"rtt\"}", ICMP)]),
        (
            "http_2xx",
            &https,
            &[
                ("https", "probe_http_duration_seconds{phase=\"connect\"}", HTTPS_CONNECT),
                ("https", "probe_http_duration_seconds{phase=\"tls\"}", HTTPS_TLS),
            ],
        ),
    ];
    for (module, target, figures) in figures {
        let answers = ask_blackbox(&world, module, target, count)?;
        let packets = Packets::new(world.take_truth().map_err(io::Error::other)?);
        for (kind, metric, reference) in figures {
            let mut off = Deviations::default();
            for (number, answer) in answers.iter().enumerate().filter(|(_, answer)| answer.is_ok())
            {
                if let (Some(ours), Some(theirs)) =
                    (answer.span(metric), reference(&packets, number))
                {
                    off.add(ours, theirs);
                }
            }
            row(&format!("{kind}, blackbox_exporter"), metric, &off);
        }
    }
    let market = world.host("market").map_err(io::Error::other)?;
    let period = Duration::from_secs(1) / PER_SECOND;
    let count = u32::try_from(count).map_err(io::Error::other)?;
    let trips = fping::round_trips(market.command(fping::PROGRAM), SITE, count, period)?;
    let packets = Packets::new(world.take_truth().map_err(io::Error::other)?);
    let mut off = Deviations::default();
    for (number, trip) in trips.into_iter().enumerate() {
        if let (Some(trip), Some(truth)) = (trip, ICMP(&packets, number)) {
            off.add(trip, truth);
        }
    }
    row("icmp, fping", "its only one", &off);
    Ok(table)
}

/// The agent's figures against the packets of the same attempts.
fn agent_off(
    world: &World,
    kind: &str,
    length: Duration,
    phases: &[Phase],
    references: &[Reference],
) -> io::Result<Vec<Deviations>> {
    let host = SITE.parse().expect("an address");
    let tls = TlsParameters { ca_pem: Some(world.ca_pem().to_owned()), ..TlsParameters::default() };
    let action = match kind {
        "tcp" => Action::Tcp(TcpSpec { host, port: TCP_PORT }),
        "icmp" => Action::Icmp(IcmpSpec { host, payload_bytes: 16, ttl: 64 }),
        _ => {
            let url = format!("https://{SITE}/ok").parse().expect("a URL");
            Action::Http(HttpSpec { tls, ..HttpSpec::get(url) })
        }
    };
    let loads = [Load { action, per_second: PER_SECOND }];
    let market = world.host("market").map_err(io::Error::other)?;
    let outcomes = market.run(|| run_agent(&loads, length)).map_err(io::Error::other)?.remove(0);
    let packets = Packets::new(world.take_truth().map_err(io::Error::other)?);
    let mut off = vec![Deviations::default(); phases.len()];
    // The first attempts were left out; the last is the last.
    let begun = [packets.connections(TCP_PORT), packets.connections(443)].map(|ports| ports.len());
    let begun = begun.into_iter().max().unwrap_or(0).max(packets.echoes().len());
    let skipped = begun.saturating_sub(outcomes.len());
    for (number, outcome) in outcomes.iter().enumerate() {
        for (at, phase) in phases.iter().enumerate() {
            let measured = outcome.attempt.phases.get(*phase);
            let truth = references[at](&packets, skipped + number);
            if let (Some(measured), Some(truth)) = (measured, truth) {
                off[at].add(measured.into(), truth);
            }
        }
    }
    Ok(off)
}

/// Has the exporter probe so often, one probe after another.
fn ask_blackbox(
    world: &World,
    module: &str,
    target: &str,
    count: usize,
) -> io::Result<Vec<Answer>> {
    let market = world.host("market").map_err(io::Error::other)?;
    let ask = || -> io::Result<Vec<Answer>> {
        let blackbox = Blackbox::start(market, world.ca_file())?;
        let mut client = blackbox.client()?;
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push(client.probe(module, target)?);
            std::thread::sleep(Duration::from_secs(1) / PER_SECOND);
        }
        Ok(answers)
    };
    market.run(ask).map_err(io::Error::other)?
}

//! `demo`: six markets connect to six hosting locations over an emulated wide-area network, and
//! what they measure is set beside what their packets did.

mod matrix;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use vantage_world::privilege::{self, Privilege};
use vantage_world::truth::Flow;
use vantage_world::{Host, World, WorldConfig, clock};

use matrix::Matrix;

const WORLD: &str = include_str!("../../../worlds/six-markets.toml");
/// Exit code where the system does not let us make networks.
const EXIT_REFUSED: u8 = 3;
/// Connections from every market to every site.
const CONNECTIONS: usize = 5;
const PORT: u16 = 443;
/// Longer than any path of this world, retransmissions included.
const TIMEOUT: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match privilege::acquire() {
        Ok(Privilege::Held) => {}
        Ok(Privilege::RanElsewhere(code)) => return code,
        Err(error) => {
            eprintln!("demo: {error}");
            return ExitCode::from(EXIT_REFUSED);
        }
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// One handshake as its client measured it.
struct Handshake {
    flow: Flow,
    took: Duration,
}

fn run() -> anyhow::Result<()> {
    let config = WorldConfig::from_toml(WORLD)?;
    let world = World::start(&config)?;
    let (sites, markets): (Vec<_>, Vec<_>) =
        world.hosts().iter().partition(|host| world.service(host.name(), 0).is_some());
    println!(
        "{} markets connect to {} sites, {CONNECTIONS} times each, over an emulated network …",
        markets.len(),
        sites.len()
    );
    let handshakes = thread::scope(|scope| {
        let workers: Vec<_> = markets
            .iter()
            .map(|market| scope.spawn(|| market.run(|| connect_to_all(market, &sites))))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            let outcome = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.extend(outcome?.context("failed to connect")?);
        }
        anyhow::Ok(all)
    })?;

    let truth = world.truth()?;
    let mut matrix = Matrix::new(&markets, &sites);
    for Handshake { flow, took } in handshakes {
        let by_packets =
            truth.tcp_handshake(flow).context("a handshake is missing in the truth")?;
        matrix.add(flow.client, flow.server, took, by_packets);
    }
    print!("{matrix}");
    let report = world.report()?;
    println!(
        "\nThe router was late by p50 {} µs, p99 {} µs ({}).",
        quantile(&report.lateness, 0.5),
        quantile(&report.lateness, 0.99),
        report.scheduling
    );
    Ok(())
}

fn connect_to_all(market: &Host, sites: &[&Host]) -> io::Result<Vec<Handshake>> {
    let mut handshakes = Vec::with_capacity(sites.len() * CONNECTIONS);
    for _ in 0..CONNECTIONS {
        for site in sites {
            let start = clock::now();
            let stream =
                TcpStream::connect_timeout(&SocketAddr::new(site.ipv4().into(), PORT), TIMEOUT)?;
            let took = clock::now().since(start);
            let flow = Flow {
                client: market.position(),
                client_port: stream.local_addr()?.port(),
                server: site.position(),
                server_port: PORT,
            };
            handshakes.push(Handshake { flow, took });
        }
    }
    Ok(handshakes)
}

fn quantile(histogram: &vantage_wire::LatencyHistogram, quantile: f64) -> u64 {
    histogram.quantile(quantile).map_or(0, vantage_wire::Micros::get)
}

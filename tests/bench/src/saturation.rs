//! How fast probers are when nothing but themselves holds them up: everything at one host, whose
//! packets to itself pass no router; the prober on one core, what it probes on the others.

use std::io;
use std::time::Duration;

use vantage_world::{Host, World, clock};

use crate::agent::{Agent, Done, Task};
use crate::blackbox::Blackbox;
use crate::fping;
use crate::process::{Place, stay_on};

/// Ports of the host that take TCP connections and close them. Many, because each holds only so
/// many connections that wait out their end.
const TCP_PORTS: [u16; 16] =
    [101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116];
/// Requests that the exporter is kept busy with at a time.
const CLIENTS: usize = 8;
/// Targets of `fping`, and echoes to each: just below the 65 535 that it can count.
const FPING: (u8, u32) = (64, 1_000);
/// Of the slots, how many may be missed or fail at a rate that counts as kept, in percent.
const MOST_LOST_PERCENT: u64 = 1;

/// A kind of probe, as each prober calls it.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The agent's name.
    pub agent: &'static str,
    /// The exporter's module.
    pub module: &'static str,
    /// Attempts per second at which the agent is tried, the first of them at its ease.
    pub rates: &'static [u32],
}

/// TCP handshakes, echoes, and HTTPS requests.
pub const KINDS: [Kind; 3] = [
    Kind { agent: "tcp", module: "tcp_connect", rates: &FAST },
    Kind { agent: "icmp", module: "icmp", rates: &FAST },
    Kind {
        agent: "https",
        module: "http_2xx",
        rates: &[100, 500, 1_000, 1_250, 1_500, 1_750, 2_000, 2_500, 3_000, 4_000],
    },
];

const FAST: [u32; 12] =
    [500, 2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000, 17_000, 20_000, 25_000, 30_000];

/// What a prober achieved.
#[derive(Debug, Clone, Copy)]
pub struct Achieved {
    /// Probes per second.
    pub per_second: f64,
    /// CPU time of each.
    pub cpu_each: Duration,
    /// Probes that failed or were missed.
    pub lost: u64,
    /// What the prober found half of the probes to take: at its ease, and at this rate.
    pub p50: Option<(Duration, Duration)>,
}

impl Achieved {
    /// The share of one core that it used.
    pub fn cores(&self) -> f64 {
        self.per_second * self.cpu_each.as_secs_f64()
    }

    /// Probes that one second of CPU time is enough for.
    pub fn per_core_second(&self) -> f64 {
        self.cpu_each.as_secs_f64().recip()
    }
}

/// The world: one host, all of whose services run on the other cores.
///
/// # Errors
/// The world's, or a machine with one core.
pub fn world() -> io::Result<World> {
    stay_on(Place::OtherCores)?;
    let mut services = vec!["{ kind = \"https\", port = 443 }".to_owned()];
    let tcp = |port| format!("{{ kind = \"tcp\", port = {port}, behaviour = \"close\" }}");
    services.extend(TCP_PORTS.map(tcp));
    let services = services.join(", ");
    let text = format!("host = [{{ name = \"machine\", service = [{services}] }}]");
    World::start_toml(&text).map_err(io::Error::other)
}

/// Tries the agent at one rate after another for `step` each, until half of its attempts take
/// twice as long as at the first rate, or more than a hundredth of them is lost.
///
/// # Errors
/// The agent's.
pub fn agent(world: &World, program: &str, kind: Kind, step: Duration) -> io::Result<Achieved> {
    let host = machine(world)?;
    let address = host.ipv4().to_string();
    let ports = if kind.agent == "tcp" { &TCP_PORTS[..] } else { &[443] };
    let mut best: Option<Achieved> = None;
    let mut ease = None;
    for &rate in kind.rates {
        let task = Task {
            kind: kind.agent,
            host: &address,
            ports,
            per_second: rate,
            interval: Duration::from_millis(100),
            length: step,
            record: false,
        };
        let start = || -> io::Result<Done> {
            stay_on(Place::FirstCore)?;
            let mut command = host.command(program);
            command.env("SSL_CERT_FILE", world.ca_file());
            Agent::start(command, task)?.finish()
        };
        let done = host.run(start).map_err(io::Error::other)??;
        let lost = done.failed + done.missed;
        let achieved = Achieved {
            per_second: done.made as f64 / step.as_secs_f64(),
            cpu_each: done.cpu.div_f64(done.made.max(1) as f64),
            lost,
            p50: Some((*ease.get_or_insert(done.p50), done.p50)),
        };
        eprintln!(
            "ceiling: agent, {} at {rate}/s: p50 {:?}, p99 {:?}, {lost} lost, {:.0} % of a core, {:?} each",
            kind.agent,
            done.p50,
            done.p99,
            achieved.cores() * 100.0,
            achieved.cpu_each
        );
        let doubled = ease.is_some_and(|ease| done.p50 > 2 * ease);
        if doubled || lost * 100 > (done.made + lost) * MOST_LOST_PERCENT {
            break;
        }
        best = Some(achieved);
    }
    best.ok_or_else(|| io::Error::other("the agent could not keep its lowest rate"))
}

/// Keeps the exporter busy for some time, with the next question as soon as an answer came.
///
/// # Errors
/// The exporter's.
pub fn blackbox(world: &World, kind: Kind, length: Duration) -> io::Result<Achieved> {
    let host = machine(world)?;
    let address = host.ipv4();
    let target = match kind.agent {
        "tcp" => format!("{address}:{}", TCP_PORTS[0]),
        "icmp" => address.to_string(),
        _ => format!("https://{address}/ok"),
    };
    let start = || -> io::Result<Blackbox> {
        stay_on(Place::FirstCore)?;
        Blackbox::start(host, world.ca_file())
    };
    let blackbox = host.run(start).map_err(io::Error::other)??;
    let (begun, cpu) = (clock::now(), blackbox.process()?.cpu()?);
    let ask = || -> io::Result<(u64, u64)> {
        let mut client = blackbox.client()?;
        let (mut made, mut lost) = (0, 0);
        while clock::now().since(begun) < length {
            let ok = client.probe(kind.module, &target)?.is_ok();
            *if ok { &mut made } else { &mut lost } += 1;
        }
        Ok((made, lost))
    };
    let counts: Vec<io::Result<(u64, u64)>> = std::thread::scope(|scope| {
        let at_host = || host.run(ask).map_err(io::Error::other)?;
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(at_host)).collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let (took, cpu) = (clock::now().since(begun), blackbox.process()?.cpu()?.saturating_sub(cpu));
    let (mut made, mut lost) = (0, 0);
    for counted in counts {
        let (some_made, some_lost) = counted?;
        made += some_made;
        lost += some_lost;
    }
    Ok(Achieved {
        per_second: made as f64 / took.as_secs_f64(),
        cpu_each: cpu.div_f64((made + lost).max(1) as f64),
        lost,
        p50: None,
    })
}

/// Has `fping` send as fast as it can.
///
/// # Errors
/// Its own.
pub fn fping(world: &World) -> io::Result<Achieved> {
    let host = machine(world)?;
    let targets: Vec<String> = (1..=FPING.0).map(|last| format!("127.0.0.{last}")).collect();
    let start = || -> io::Result<fping::Flood> {
        stay_on(Place::FirstCore)?;
        fping::flood(host, &targets, FPING.1)
    };
    let flood = host.run(start).map_err(io::Error::other)??;
    Ok(Achieved {
        per_second: flood.answered as f64 / flood.took.as_secs_f64(),
        cpu_each: flood.cpu.div_f64(flood.sent as f64),
        lost: flood.sent - flood.answered,
        p50: None,
    })
}

fn machine(world: &World) -> io::Result<&Host> {
    world.host("machine").map_err(io::Error::other)
}

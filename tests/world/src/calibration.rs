//! How true the router is on this machine.

use std::net::UdpSocket;
use std::time::Duration;

use vantage_wire::Micros;
use vantage_wire::histogram::LatencyHistogram;

use crate::clock::{self, Nanos, StampBridge};
use crate::config::WorldConfig;
use crate::error::WorldError;
use crate::sys::{PacketSocket, SchedulingClass};
use crate::truth::Verdict;
use crate::world::World;

/// The path that is measured: 5 ms each way, nothing else.
const WORLD: &str = r#"
host = [{ name = "sender" }, { name = "receiver" }]
[[path]]
from = ["sender"]
to = ["receiver"]
rtt-ms = 10
"#;
const PORT: u16 = 9;
const PAYLOAD_BYTES: usize = 64;

/// The router's errors at one rate.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// Packets per second asked for.
    pub rate: u32,
    /// Packets measured.
    pub packets: u64,
    /// How much later than due packets were handed over by the router's own clock, in µs.
    pub lateness: LatencyHistogram,
    /// How far from due, either way, the receiving host's kernel stamped their reception, in µs.
    pub reception_error: LatencyHistogram,
    /// Share of packets whose reception lies within ±100 µs of due.
    pub within_100_us: f64,
    /// Share of one core that the router used.
    pub cpu: f64,
    /// How the router was scheduled.
    pub scheduling: SchedulingClass,
}

/// Sends packets at a rate for a while through a world of two hosts, and compares when the
/// receiving host's kernel saw each with when it was due.
///
/// # Errors
/// Where the world cannot be started or asked.
pub fn calibrate(rate: u32, span: Duration) -> Result<Calibration, WorldError> {
    let world = World::start(&WorldConfig::from_toml(WORLD)?)?;
    let receiver = world.host("receiver")?;
    let (capture, sink) = receiver
        .run(|| -> std::io::Result<_> {
            // The bound socket keeps the receiver from answering "port unreachable".
            Ok((PacketSocket::receiver()?, UdpSocket::bind((receiver.ipv4(), PORT))?))
        })?
        .map_err(WorldError::system("open the receiver's sockets"))?;
    let before = world.report()?;
    let start = clock::now();
    let target = (receiver.ipv4(), PORT);
    let packets =
        u32::try_from(span.as_micros() * u128::from(rate) / 1_000_000).unwrap_or(u32::MAX);
    let mut seen = Vec::new();
    world
        .host("sender")?
        .run(|| -> std::io::Result<()> {
            let socket = UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0))?;
            let mut payload = [0; PAYLOAD_BYTES];
            for number in 0..packets {
                let due = start + Duration::from_secs(1) * number / rate;
                std::thread::sleep(due.since(clock::now()));
                payload[..4].copy_from_slice(&number.to_be_bytes());
                socket.send_to(&payload, target)?;
                drain(&capture, &mut seen)?;
            }
            // The last packets are still on their way.
            std::thread::sleep(Duration::from_millis(50));
            drain(&capture, &mut seen)
        })?
        .map_err(WorldError::system("send the packets"))?;
    drop(sink);
    let elapsed = clock::now().since(start);
    let cpu = world.report()?.cpu.saturating_sub(before.cpu);
    compare(&world, &seen, rate, cpu.as_secs_f64() / elapsed.as_secs_f64())
}

/// When the receiving kernel saw each packet, in the order of the path.
fn drain(capture: &PacketSocket, seen: &mut Vec<Nanos>) -> std::io::Result<()> {
    let mut buffer = [0; 256];
    let bridge = StampBridge::take();
    while let Some(received) = capture.receive(&mut buffer)? {
        if received.frame.len() == 14 + 20 + 8 + PAYLOAD_BYTES
            && let Some(stamp) = received.stamp_wall_ns
        {
            seen.push(bridge.monotonic(stamp));
        }
    }
    Ok(())
}

fn compare(world: &World, seen: &[Nanos], rate: u32, cpu: f64) -> Result<Calibration, WorldError> {
    let report = world.report()?;
    let truth = world.truth()?;
    let due: Vec<_> = truth
        .records()
        .iter()
        .filter(|record| record.verdict == Verdict::Delivered)
        .filter(|record| usize::from(record.frame_bytes) == 14 + 20 + 8 + PAYLOAD_BYTES)
        .map(|record| record.due)
        .collect();
    if due.len() != seen.len() {
        let missing = format!("{} packets were delivered, {} were seen", due.len(), seen.len());
        return Err(WorldError::system("match the packets")(std::io::Error::other(missing)));
    }
    // The path keeps order, so the n-th delivery is the n-th reception.
    let errors = seen.iter().zip(&due).map(|(seen, due)| seen.minus(*due).unsigned_abs() / 1_000);
    let near = errors.clone().filter(|error_us| *error_us <= 100).count();
    Ok(Calibration {
        rate,
        packets: seen.len() as u64,
        lateness: report.lateness,
        reception_error: LatencyHistogram::from_samples(errors.map(Micros::new)),
        within_100_us: near as f64 / seen.len().max(1) as f64,
        cpu,
        scheduling: report.scheduling,
    })
}

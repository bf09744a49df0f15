//! What a packet capture at a host sees: the packets of its own link, as `tcpdump` there would
//! stamp them.
//!
//! The [`Truth`] of the router and the capture of a host look at the same packets from the two
//! ends of the host's link. The capture's stamps lie nearer to the programs of the host: it stamps
//! what the host sends before the link's queue and driver have it, and what it receives at the
//! same step of the kernel as any capture on a real machine does.
//!
//! The thread that records sleeps between its looks at the socket, so that packets do not wake
//! it. Every packet costs the host the copy that any capture costs.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::net::if_::if_nametoindex;

use crate::clock::{Nanos, StampBridge};
use crate::error::WorldError;
use crate::host::Host;
use crate::network::HOST_LINK;
use crate::router::Packet;
use crate::sys::PacketSocket;
use crate::truth::{PacketRecord, Truth, Verdict};

/// How long the recording thread sleeps between two looks. The socket holds some thousands of
/// packets meanwhile, and the two clocks of a bridge drift apart by less than a microsecond.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A frame is at most this long: no link of a world carries more than 1500 bytes behind the
/// Ethernet header.
const FRAME_BYTES: usize = 2_048;

/// A capture that is under way; see [`crate::World::capture`].
#[derive(Debug)]
pub struct Capture {
    // Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<io::Result<Truth>>,
}

impl Capture {
    pub(crate) fn start(host: &Host, hosts: &[Host]) -> Result<Self, WorldError> {
        let failed = |step| WorldError::system(format!("{step} at {}", host.name()));
        let socket = host
            .namespace()
            .run(|| PacketSocket::observer(if_nametoindex(HOST_LINK)?))
            .and_then(|socket| socket)
            .map_err(failed("open a capture"))?;
        let by_address = hosts
            .iter()
            .flat_map(|host| host.addresses().map(|address| (address, host.position())))
            .collect();
        let mut recording = Recording { socket, own: host.position(), by_address, records: vec![] };
        let (stop, stopped) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("capture".into())
            .spawn(move || recording.run(&stopped))
            .map_err(failed("start a capture"))?;
        Ok(Self { stop, thread })
    }

    /// Ends the capture. The packets come as a [`Truth`] of this one host: all stamps
    /// of a packet are the moment at which it was captured, and every packet counts as delivered. [`Truth::not_kept`] is the number of
    /// packets for which there was no room.
    ///
    /// # Errors
    /// The operating system's.
    ///
    /// # Panics
    /// With the panic of the recording thread.
    pub fn finish(self) -> Result<Truth, WorldError> {
        drop(self.stop);
        let outcome = self.thread.join();
        outcome
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            .map_err(WorldError::system("read a capture"))
    }
}

struct Recording {
    socket: PacketSocket,
    own: u16,
    by_address: HashMap<IpAddr, u16>,
    records: Vec<PacketRecord>,
}

/// A packet whose stamp is not yet on the monotonic clock.
struct Seen {
    wall_ns: u64,
    record: PacketRecord,
}

impl Recording {
    fn run(&mut self, stopped: &mpsc::Receiver<()>) -> io::Result<Truth> {
        let mut missed = 0;
        while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            self.look()?;
            missed += u64::from(self.socket.missed()?);
        }
        self.look()?;
        missed += u64::from(self.socket.missed()?);
        Ok(Truth::new(std::mem::take(&mut self.records), missed))
    }

    fn look(&mut self) -> io::Result<()> {
        let mut buffer = [0; FRAME_BYTES];
        let mut seen = Vec::new();
        while let Some(received) = self.socket.receive(&mut buffer)? {
            let Some(wall_ns) = received.stamp_wall_ns else { continue };
            let record = self.record(received.frame, received.outgoing);
            seen.extend(record.map(|record| Seen { wall_ns, record }));
        }
        // After the last of them: none is stamped later than the bridge was taken.
        let bridge = StampBridge::take();
        self.records.extend(seen.into_iter().map(|Seen { wall_ns, record }| {
            let at = bridge.monotonic(wall_ns);
            PacketRecord { arrival: at, due: at, sent: Some(at), ..record }
        }));
        Ok(())
    }

    fn record(&self, frame: &[u8], outgoing: bool) -> Option<PacketRecord> {
        let packet = Packet::read(frame)?;
        let other = if outgoing { packet.destination } else { packet.source };
        let other = self.by_address.get(&other).copied().unwrap_or(self.own);
        let (from, to) = if outgoing { (self.own, other) } else { (other, self.own) };
        Some(PacketRecord {
            arrival: Nanos::default(),
            due: Nanos::default(),
            sent: None,
            from,
            to,
            frame_bytes: u16::try_from(frame.len()).unwrap_or(u16::MAX),
            ipv6: packet.source.is_ipv6(),
            verdict: Verdict::Delivered,
            key: packet.key,
        })
    }
}
